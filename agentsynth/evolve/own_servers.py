"""Servers from somebody's own `mcpServers` configuration, as Claude, Cursor and others keep it.

Such files hold keys. Nothing is looked up in the environment, placeholders such as `${TOKEN}` are
never kept, and what looks like a secret, by its name or by its look, becomes a canary.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Literal, cast

from agentsynth.core.errors import UserError
from agentsynth.core.secrets import SecretSource, canary, is_secret_name, is_secret_value
from agentsynth.evolve.commands import package_of
from agentsynth.evolve.launchable import Launchable, Need, Unlaunchable
from agentsynth.evolve.registry_launch import address_fault

__all__ = ["OwnServers", "configured_servers"]

Where = Literal["env", "argument", "header", "url"]

_HOLDERS = ("mcpServers", "servers", "mcp_servers", "context_servers")
_PLACEHOLDER = re.compile(
    r"\$\{(?:env:|input:)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)(?P<default>:-[^}]*)?\}"
    r"|\$(?P<bare>[A-Z_][A-Z0-9_]*)|%(?P<windows>[A-Z_][A-Z0-9_]*)%"
)
_UNREAD = re.compile(r"\$\{[^}]*\}?|\$\(")
_FLAG = re.compile(r"(--?[A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)
_PAIR = re.compile(r"([A-Za-z_][\w.-]*)(=|:\s*)(.+)", re.DOTALL)
_TYPES: Mapping[str, Literal["stdio", "streamable-http", "sse"]] = {
    "stdio": "stdio",
    "sse": "sse",
    "http": "streamable-http",
    "streamable-http": "streamable-http",
    "streamableHttp": "streamable-http",
    "streamable_http": "streamable-http",
}
_CONTAINERS = ("docker", "podman", "nerdctl")
_SHELLS = ("sh", "bash", "zsh", "dash", "fish", "cmd", "powershell", "pwsh")


@dataclass(frozen=True, slots=True)
class OwnServers:
    """What a configuration gave."""

    servers: tuple[Launchable, ...]
    """In the file's order."""
    skipped: tuple[Unlaunchable, ...]


class _Unfit(Exception):
    """Why an entry cannot be used."""


@dataclass(slots=True)
class _Kept:
    """What may be kept of one entry, and what was taken out of it."""

    server: str
    secret: SecretSource
    secrets: list[str] = field(default_factory=list[str])
    needs: list[Need] = field(default_factory=list[Need])

    def value(self, text: str, name: str, where: Where) -> str | None:
        """Return a value without secrets and placeholders; None = somebody has to give it."""
        if _PLACEHOLDER.search(text) or _UNREAD.search(text):
            return self._filled(text, name, where)
        if is_secret_name(name) or is_secret_value(text):
            return self.stand_in(name, where)
        return text

    def stand_in(self, name: str, where: Where) -> str | None:
        """Return what stands for a secret; None = there is nothing, which is noted as a need."""
        value = self.secret(self.server, name)
        if value is None:
            self.need(name, where)
        elif name not in self.secrets:
            self.secrets.append(name)
        return value

    def need(self, name: str, where: Where) -> None:
        """Note that somebody has to give this."""
        need = Need(name=name, where=where)
        if need not in self.needs:
            self.needs.append(need)

    def _filled(self, text: str, name: str, where: Where) -> str | None:
        found: list[str] = []

        def fill(match: re.Match[str]) -> str:
            inner = match["name"] or match["bare"] or match["windows"]
            default = (match["default"] or "").removeprefix(":-")
            if is_secret_name(inner) or is_secret_name(name):
                value = self.stand_in(inner, where)
            elif default and not is_secret_value(default):
                return default
            else:
                value = None
                self.need(inner, where)
            if value is not None:
                found.append(value)
            return "\0" if value is None else value

        filled = _PLACEHOLDER.sub(fill, text)
        rest = filled
        for value in found:
            rest = rest.replace(value, "")
        rest = re.sub(r"(?i)^(?:bearer|basic|token)\s*$", "", rest)
        if "\0" in filled or _UNREAD.search(rest):
            if "\0" not in filled:
                self.need(name, where)
            return None
        return self.stand_in(name, where) if is_secret_value(rest) else filled


def configured_servers(raw: object, file: str, *, secret: SecretSource = canary) -> OwnServers:
    """Return the servers of a configuration; an entry that cannot be used costs only itself.

    Args:
        raw: the parsed file: an object with `mcpServers` (or `servers`), or that object's value.
        file: what messages call it.
        secret: (server, input) to what stands for a secret; a canary unless another is passed.

    Raises:
        UserError: naming the file; there are no servers in it.
    """
    entries = _entries(raw)
    if entries is None:
        raise UserError(f"{file}: mcpServers: expected an object with one entry for each server")
    servers: list[Launchable] = []
    skipped: list[Unlaunchable] = []
    for name, entry in entries.items():
        try:
            servers.append(_server(str(name), entry, secret))
        except _Unfit as unfit:
            skipped.append(Unlaunchable(name=str(name), reason=f"{file}: {unfit}"))
    return OwnServers(tuple(servers), tuple(skipped))


def _entries(raw: object) -> Mapping[str, Any] | None:
    if not isinstance(raw, dict):
        return None
    mcp = raw.get("mcp")
    for holder in (raw, mcp if isinstance(mcp, dict) else {}):
        for key in _HOLDERS:
            if isinstance(holder.get(key), dict):
                return cast(Mapping[str, Any], holder[key])
    looks_bare = raw and all(
        isinstance(entry, dict) and ("command" in entry or "url" in entry) for entry in raw.values()
    )
    return raw if looks_bare else None


def _server(name: str, entry: Any, secret: SecretSource) -> Launchable:
    if not isinstance(entry, dict):
        raise _Unfit("expected an object with 'command' or 'url'")
    if entry.get("disabled") is True or entry.get("enabled") is False:
        raise _Unfit("it is disabled")
    kept = _Kept(name, secret)
    url = next((entry[key] for key in ("url", "serverUrl", "httpUrl") if key in entry), None)
    made = _started(name, entry, kept) if url is None else _remote(name, entry, url, kept)
    update = {"secrets": tuple(kept.secrets), "needs_config": tuple(kept.needs)}
    return made.model_copy(update=update)


def _remote(name: str, entry: dict[str, Any], url: Any, kept: _Kept) -> Launchable:
    kind = _TYPES.get(str(entry.get("type", entry.get("transport", "http"))))
    if kind not in ("streamable-http", "sse"):
        raise _Unfit("type: expected http, streamable-http or sse beside a url")
    if not isinstance(url, str):
        raise _Unfit("url: expected text")
    address = _address(url, kept)
    fault = address_fault(address) if address is not None else None
    if fault:
        raise _Unfit(f"url: {fault}")
    headers = _pairs(entry, "headers", "header", kept)
    return Launchable(
        name=name, title=name, registry="remote", transport=kind, url=address, headers=headers
    )


def _address(url: str, kept: _Kept) -> str | None:
    """Return an address that may be kept; None = it holds a secret or a placeholder."""
    if _PLACEHOLDER.search(url) or _UNREAD.search(url):
        return kept.value(url, "url", "url")
    if is_secret_value(url):
        kept.need("url", "url")  # one with a canary inside leads nowhere
        return None
    return url


def _started(name: str, entry: dict[str, Any], kept: _Kept) -> Launchable:
    command, listed = entry.get("command"), entry.get("args", [])
    if not isinstance(command, str) or not command.strip():
        raise _Unfit("expected a 'command' or a 'url' that is text")
    if not isinstance(listed, list):
        raise _Unfit("args: expected a list")
    if any(not isinstance(one, str | int | float) for one in listed):
        raise _Unfit("args: expected texts")
    program, tokens = _unwrapped(command, [str(one) for one in listed])
    if program in _CONTAINERS:
        raise _Unfit(f"{program!r} starts a container, for which there is no runtime")
    if program in _SHELLS:
        raise _Unfit(f"{program!r} is a shell, whose scripts are not read; give the command itself")
    if any("\0" in token for token in (command, *tokens)):
        raise _Unfit("args: a zero byte cannot be passed")
    found = package_of(program, tokens)
    env = _pairs(entry, "env", "env", kept)
    if found is None:
        script = kept.value(command, "command", "argument")
        args = _arguments([str(one) for one in listed], kept)
        return Launchable(
            name=name, title=name, registry="local", script=script, args=args, env=env
        )
    return Launchable(
        name=name,
        title=name,
        registry=found.registry,
        package=found.package,
        version=found.version,
        script=found.script,
        args=_arguments(found.args, kept),
        env=env,
    )


def _unwrapped(command: str, tokens: list[str]) -> tuple[str, list[str]]:
    """Return the program's bare name and its arguments, out of `cmd /c` where it stands in one."""
    windows = "\\" in command
    name = (PureWindowsPath(command) if windows else PurePosixPath(command)).name.lower()
    name = re.sub(r"\.(?:exe|cmd|bat|ps1)$", "", name)
    if name == "cmd" and len(tokens) >= 2 and tokens[0].lower() == "/c":
        return _unwrapped(tokens[1], tokens[2:])
    return name, tokens


def _pairs(entry: dict[str, Any], key: str, where: Where, kept: _Kept) -> dict[str, str]:
    listed = entry.get(key) or {}
    if not isinstance(listed, dict):
        raise _Unfit(f"{key}: expected an object")
    made: dict[str, str] = {}
    for name, raw in listed.items():
        if isinstance(raw, bool):
            raw = "true" if raw else "false"
        if not isinstance(raw, str | int | float):
            raise _Unfit(f"{key}.{name}: expected text")
        if not str(name).isprintable() or "=" in str(name) or "\0" in str(raw):
            raise _Unfit(f"{key}: {name!r} cannot be passed")
        value = kept.value(str(raw), str(name), where)
        if value is not None:
            made[str(name)] = value
    return made


def _arguments(tokens: Sequence[str], kept: _Kept) -> tuple[str, ...]:
    """Return the tokens that may be kept; a flag before a secret tells that it is one."""
    made: list[str] = []
    flag = ""
    for place, token in enumerate(tokens):
        match = _FLAG.fullmatch(token)
        pair = _PAIR.fullmatch(token)
        if match is not None and match[2] is None:
            flag = match[1]
            made.append(token)
            continue
        if match is not None:
            value = kept.value(match[2], match[1], "argument")
            made += [] if value is None else [f"{match[1]}={value}"]
        elif pair is not None and (is_secret_name(pair[1]) or is_secret_value(pair[3])):
            value = kept.value(pair[3], pair[1], "argument")
            made += [] if value is None else [f"{pair[1]}{pair[2]}{value}"]
        else:
            value = kept.value(token, flag or f"args.{place}", "argument")
            if value is None and flag and made[-1:] == [flag]:
                made.pop()
            made += [] if value is None else [value]
        flag = ""
    return tuple(made)
