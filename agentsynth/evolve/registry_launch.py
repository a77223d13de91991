"""From a registry's record to a way of starting its server. Nothing is installed or reached.

An npm or PyPI package that speaks over stdio is preferred, then an address. Containers and bundles
have no runtime here. Records are untrusted: a package's name cannot be an option, an address or a
path, and what the publisher wants npx or uvx to be told is shown, not run.
"""

import re
from collections.abc import Sequence
from typing import Literal

import httpx

from agentsynth.core.secrets import SecretSource, canary
from agentsynth.evolve.launchable import Launchable, Unlaunchable
from agentsynth.evolve.registry_inputs import Given, Inputs, Where
from agentsynth.evolve.registry_record import Input, Package, Remote, ServerRecord

__all__ = ["address_fault", "launchable", "package_fault", "version_fault"]

_NPM = re.compile(r"(?:@[A-Za-z0-9~][A-Za-z0-9._~-]*/)?[A-Za-z0-9~][A-Za-z0-9._~-]*")
_PYPI = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._,-]+\])?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+_-]*")
_ANY_PART = re.compile(r"(?:^|\.)[xX*](?:\.|$)")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SHORT_FLAG = re.compile(r"-[^-]")
_NO_RUNTIME = {
    "oci": "is a container image",
    "mcpb": "is an MCP bundle",
    "nuget": "is a NuGet package",
    "cargo": "is a Rust crate",
}


class _Unfit(Exception):
    """Why a package or remote cannot be used."""


def launchable(
    record: ServerRecord,
    *,
    given: Given | None = None,
    secret: SecretSource = canary,
    missing: Literal["dummy", "report"] = "report",
) -> Launchable | Unlaunchable:
    """Return how a server is started or reached, or why it is not.

    Args:
        record: the server.
        given: the user's values by input; None = none.
        secret: (server, input) to the secret; a canary unless another source is passed.
        missing: dummy = the server is only to list its tools, so required inputs nobody gave are
            made up; report = they are listed in `needs_config`.

    Raises:
        UserError: a given value is not among an input's choices, or one too many.
    """
    reasons: list[str] = []
    for place, package in enumerate(record.packages):
        inputs = Inputs(record.name, given or {}, secret, missing)
        try:
            return _from_package(record, package, inputs)
        except _Unfit as unfit:
            reasons.append(f"packages.{place}: {unfit}")
    for place, remote in sorted(enumerate(record.remotes), key=_preference):
        inputs = Inputs(record.name, given or {}, secret, missing)
        try:
            return _from_remote(record, remote, inputs)
        except _Unfit as unfit:
            reasons.append(f"remotes.{place}: {unfit}")
    reasons += record.problems
    return Unlaunchable(
        name=record.name, reason="; ".join(reasons) or "it names no package and no address"
    )


def package_fault(registry: str, package: str) -> str | None:
    """Return why this cannot be the name of a package; None = it can."""
    form = _NPM if registry == "npm" else _PYPI
    return None if form.fullmatch(package) else f"{package[:80]!r} is no {registry} package name"


def version_fault(version: str) -> str | None:
    """Return why this is not one exact version; None = it is."""
    if _VERSION.fullmatch(version) and not _ANY_PART.search(version):
        return None
    return f"{version[:80]!r} is not one exact version"


def address_fault(url: str) -> str | None:
    """Return why a server cannot be reached at this address; None = it can be tried."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        return "its address cannot be read"
    if parsed.scheme not in ("http", "https") or not parsed.host:
        return "its address is not of the form https://host/path"
    return "its address holds a name or password" if parsed.userinfo else None


def _preference(placed: tuple[int, Remote]) -> tuple[bool, int]:
    return placed[1].type != "streamable-http", placed[0]


def _from_package(record: ServerRecord, package: Package, inputs: Inputs) -> Launchable:
    kind = package.registry_type
    if kind not in ("npm", "pypi"):
        what = _NO_RUNTIME.get(kind, f"comes from {kind[:40]!r}")
        raise _Unfit(f"{what}, for which there is no runtime")
    if package.transport.type != "stdio":
        raise _Unfit(f"speaks {package.transport.type[:40]!r} after its start; only stdio is used")
    version = None if package.version in (None, "", "latest") else package.version
    fault = package_fault(kind, package.identifier) or (version and version_fault(version))
    if fault:
        raise _Unfit(fault)
    made = Launchable(
        name=record.name,
        registry=kind,
        package=package.identifier,
        version=version,
        index=package.registry_base_url,
        runtime_args=_arguments(package.runtime_arguments, _apart(inputs)),
        args=_arguments(package.package_arguments, inputs),
        env=_pairs(package.environment_variables, "env", inputs),
    )
    return made.model_copy(update={**_about(record), **_gathered(inputs)})


def _from_remote(record: ServerRecord, remote: Remote, inputs: Inputs) -> Launchable:
    if remote.type not in ("streamable-http", "sse"):
        raise _Unfit(f"speaks {remote.type[:40]!r}; known are streamable-http and sse")
    url = inputs.substituted(remote.url, remote.variables, "url")
    if url is not None and ("{" in url or "}" in url):
        raise _Unfit("its address has variables that are not described")
    fault = address_fault(url) if url is not None else None
    if fault:
        raise _Unfit(fault)
    for name, variable in remote.variables.items():
        if url is None and not inputs.needs and f"{{{name}}}" in remote.url:
            inputs.need(variable, name, "url")
    made = Launchable(
        name=record.name,
        registry="remote",
        transport=remote.type,
        url=url,
        headers=_pairs(remote.headers, "header", inputs),
    )
    return made.model_copy(update={**_about(record), **_gathered(inputs)})


def _about(record: ServerRecord) -> dict[str, str]:
    return {
        "title": record.title or record.name.rsplit("/", 1)[-1],
        "description": record.description,
        "homepage": record.homepage,
    }


def _gathered(inputs: Inputs) -> dict[str, tuple[object, ...]]:
    return {
        "secrets": tuple(inputs.secrets),
        "dummies": tuple(inputs.dummies),
        "needs_config": tuple(inputs.needs),
    }


def _apart(inputs: Inputs) -> Inputs:
    """Return inputs whose needs are not counted: what they resolve is only shown."""
    return Inputs(inputs.server, inputs.given, inputs.secret, inputs.missing)


def _arguments(arguments: Sequence[Input], inputs: Inputs) -> tuple[str, ...]:
    """Return the tokens: `--flag=value`, two tokens for `-f value`, the flag alone for "".

    Source: the schema's text on named arguments; `-e X` as docker and npx take it.
    """
    tokens: list[str] = []
    for one in arguments:
        if one.type == "named" and not one.name:
            raise _Unfit("a named argument has no name")
        name = one.name if one.type == "named" else one.value_hint or one.name or "argument"
        for value in inputs.values(one, name, "argument"):
            if one.type == "positional":
                tokens.append(value)
            elif not value:
                tokens.append(one.name)
            elif _SHORT_FLAG.match(one.name):
                tokens += [one.name, value]
            else:
                tokens.append(f"{one.name}={value}")
    if any("\0" in token for token in tokens):
        raise _Unfit("an argument holds a zero byte")
    return tuple(tokens)


def _pairs(listed: Sequence[Input], where: Where, inputs: Inputs) -> dict[str, str]:
    form = _ENV_NAME if where == "env" else _HEADER_NAME
    refused = "\0" if where == "env" else "\0\r\n"
    made: dict[str, str] = {}
    for one in listed:
        if form.fullmatch(one.name) is None:
            raise _Unfit(f"{one.name[:80]!r} cannot be the name of {_KINDS[where]}")
        for value in inputs.values(one, one.name, where):
            if any(letter in value for letter in refused):
                raise _Unfit(f"the value of {one.name!r} holds a line end or a zero byte")
            made[one.name] = value
    return made


_KINDS: dict[Where, str] = {"env": "an environment variable", "header": "a header"}
