"""Collecting from a server that is reached at an address: nothing is installed or started.

Secrets come from the environment variables that the manifest names. They go into headers and
nowhere else: where a server sends one back, a stand-in is stored.
"""

import json
from collections.abc import Mapping

from agentsynth.core.errors import ServerError, UserError
from agentsynth.core.manifest import VARIABLE, RemoteServer, ServerManifest
from agentsynth.core.secrets import canary
from agentsynth.evolve.snapshot import Failure, ListedServer
from agentsynth.worlds.remote import Address, NeedsAuth, RemoteLimits, list_remote

__all__ = ["collect_remote"]

_STAND_IN = "[secret]"
_LEAST_SECRET = 4
"""Characters; a shorter value would be found in ordinary words."""


async def collect_remote(
    manifest: ServerManifest, remote: RemoteServer, environ: Mapping[str, str]
) -> ListedServer | Failure:
    """Return what a remote server lists, or why it does not."""
    secrets = _secrets(remote, environ)
    if isinstance(secrets, Failure):
        return secrets
    address = Address(
        name=manifest.name,
        url=remote.url,
        transport=remote.transport,
        headers=_headers(manifest.name, remote, secrets),
        limits=RemoteLimits(total_s=2 * manifest.start_timeout_s),
    )
    try:
        found = await list_remote(address)
    except NeedsAuth as error:
        return Failure(stage="needs_auth", reason=_without(str(error), secrets))
    except (ServerError, UserError) as error:
        return Failure(stage="list", reason=_without(str(error), secrets))
    if not found.listing.tools:
        skipped = "".join(f"; {line}" for line in found.listing.skipped[:5])
        return Failure(
            stage="list",
            reason=f"server {manifest.name!r} lists no tools{_without(skipped, secrets)}: it may "
            "want a header that says who asks; see 'remote.headers' of its manifest",
        )
    said = json.dumps([found.instructions, found.listing.tools], ensure_ascii=False)
    kept = _without(said, secrets)
    instructions, tools = json.loads(kept)
    shown = kept != said or canary(manifest.name) in said
    return ListedServer(
        name=manifest.name,
        registry="remote",
        package=remote.url,
        version=_without(found.version, secrets),
        resolved={},
        licence=manifest.licence,
        category=manifest.category,
        protocol=found.protocol,
        instructions=instructions,
        tools=tuple(tools),
        skipped=tuple(_without(line, secrets) for line in found.listing.skipped),
        noise=0,
        notes=("shows a secret that it was given",) if shown else (),
    )


def _headers(name: str, remote: RemoteServer, secrets: Mapping[str, str]) -> dict[str, str]:
    return {
        header: VARIABLE.sub(lambda match: secrets[match[1]], text).replace(
            "{secret}", canary(name)
        )
        for header, text in remote.headers.items()
    }


def _secrets(remote: RemoteServer, environ: Mapping[str, str]) -> dict[str, str] | Failure:
    """Return the values of the variables that headers name, or which one is missing."""
    found: dict[str, str] = {}
    for header, text in remote.headers.items():
        for name in VARIABLE.findall(text):
            value = environ.get(name, "")
            if not value or not value.isprintable():
                problem = "cannot be sent in a header" if value else "is not set"
                return Failure(
                    stage="needs_auth",
                    reason=f"the header {header!r} is made of the environment variable {name}, "
                    f"which {problem}: export {name} and collect again",
                )
            found[name] = value
    return found


def _without(text: str, secrets: Mapping[str, str]) -> str:
    for value in sorted(secrets.values(), key=len, reverse=True):
        if len(value) >= _LEAST_SECRET:
            text = text.replace(json.dumps(value, ensure_ascii=False)[1:-1], _STAND_IN)
            text = text.replace(value, _STAND_IN)
    return text
