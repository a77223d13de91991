"""How a server that nobody has reviewed would be started or reached: a value, nothing is run.

It comes from a registry's record or from somebody's own configuration, and a draft of a manifest
can be written from it.
"""

from typing import Literal

from pydantic import Field

from agentsynth.core.frozen import Frozen, Identified

__all__ = ["Launchable", "Need", "Unlaunchable", "command_line"]


class Need(Frozen):
    """Something a person has to say before a server can be started."""

    name: str
    """Environment variable, flag, header, or hint of a positional argument."""
    where: Literal["env", "argument", "header", "url"]
    description: str = ""
    """The publisher's words: untrusted."""
    choices: tuple[str, ...] = ()
    """Empty = any text."""


class Launchable(Identified):
    """One way to start or reach one server. Texts are the publisher's: untrusted."""

    schema_version: Literal[1] = 1
    name: str
    """As the registry or the configuration calls it."""
    title: str = ""
    description: str = ""
    homepage: str = ""
    """Web page or repository; "" = not said."""
    registry: Literal["npm", "pypi", "remote", "local"]
    """Where the server comes from; `local` = a command of the user's own."""
    transport: Literal["stdio", "streamable-http", "sse"] = "stdio"
    package: str | None = None
    """None for `remote` and `local`."""
    version: str | None = None
    """Exact version of `package`; None = not pinned, and nobody installs it before it is."""
    index: str | None = None
    """Address of the package index as published; None = the registry's usual one."""
    script: str | None = None
    """Command inside the package, or the whole command of a `local` server; None = the one that
    bears the package's name."""
    runtime_args: tuple[str, ...] = Field(default=(), repr=False)
    """What the publisher wants npx or uvx to be told. Shown to a person, never run: `npx -c` is a
    shell and `--index-url` another index."""
    args: tuple[str, ...] = Field(default=(), repr=False)
    """Arguments of the server, one token each; no shell reads them. `{scratch}` stands for a
    folder of its own."""
    env: dict[str, str] = Field(default={}, repr=False)
    url: str | None = Field(default=None, repr=False)
    """None unless `remote`."""
    headers: dict[str, str] = Field(default={}, repr=False)
    secrets: tuple[str, ...] = ()
    """Names of the inputs that a secret source filled."""
    dummies: tuple[str, ...] = ()
    """Names of the inputs that a dummy stands for: good enough to list tools, not to call them."""
    needs_config: tuple[Need, ...] = ()
    """What is missing; empty = it can be started."""
    licence: Literal["unknown"] = "unknown"
    """No registry says; a person reads it in the package."""


class Unlaunchable(Frozen):
    """A server there is no way to start or reach."""

    name: str
    reason: str
    """One clause for each package and remote."""


def command_line(server: Launchable) -> list[str]:
    """Return the tokens that start a stdio server by hand; no shell is involved.

    For people and for logs of what would run: agentsynth installs packages itself.

    Raises:
        ValueError: for a remote server, which is not started.
    """
    if server.registry == "remote":
        raise ValueError(f"server {server.name!r} is reached at an address, not started")
    if server.registry == "local":
        return [server.script or "", *server.args]
    joint = "@" if server.registry == "npm" else "=="
    pinned = f"{server.package}{joint}{server.version}" if server.version else str(server.package)
    if server.registry == "npm":
        start = ["npx", "-y", pinned]
        if server.script:
            start = ["npx", "-y", f"--package={pinned}", "--", server.script]
    else:
        start = ["uvx", "--from", pinned, server.script] if server.script else ["uvx", pinned]
    return [*start, *server.args]
