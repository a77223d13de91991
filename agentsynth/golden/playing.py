"""The worlds of today that goldens were played in, and what the checks say there."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from agentsynth.core.errors import UserError
from agentsynth.core.ids import content_id
from agentsynth.core.verdict import Verdict
from agentsynth.golden.grade import checked
from agentsynth.golden.load import Goldens
from agentsynth.golden.lock import DomainNote
from agentsynth.pipeline.domains import load_checked, open_runtimes
from agentsynth.worlds.runtime import DomainRuntime, declarative_runtime

__all__ = ["Verdicts", "domain_note", "runtimes_of", "verdicts_of"]


async def runtimes_of(
    goldens: Goldens,
    stack: AsyncExitStack,
    *,
    offline: bool,
    log: Callable[[str], None],
) -> dict[str, DomainRuntime]:
    """Return the worlds of today that the goldens were played in, by how they are found.

    Raises:
        UserError: a domain that is unknown or wrong, or one with a server where all is offline.
    """
    found: dict[str, DomainRuntime] = {}
    for held in goldens.held:
        name = held.domain
        if name is None or name in found or held.golden.played is None:
            continue
        try:
            loaded = load_checked(name)
        except UserError as error:
            raise UserError(f"{held.file}:{held.line}: domain: {error}") from None
        if loaded.domain.live is None:
            found[name] = declarative_runtime(loaded)
        elif offline:
            raise UserError(
                f"{held.file}:{held.line}: domain: {name!r} has a live server, which --offline "
                "does not start; leave out its goldens with --domain"
            )
        else:
            found |= await open_runtimes([name], stack, log=log)
    return found


Verdicts = Mapping[str, dict[str, Verdict] | str]
"""Golden to what the checks say, by rubric; or to why they cannot be run."""


async def verdicts_of(
    goldens: Goldens, runtimes: Mapping[str, DomainRuntime], deadline: float | None
) -> tuple[Verdicts, list[str]]:
    """Return what the checks say by golden, and the goldens there was no time for."""
    found: dict[str, dict[str, Verdict] | str] = {}
    late: list[str] = []
    clock = asyncio.get_running_loop().time
    for held in goldens.held:
        golden = held.golden
        if golden.played is None:
            found[golden.id] = {}
        elif deadline is not None and clock() >= deadline:
            late.append(golden.id)
        else:
            found[golden.id] = await checked(held, runtimes[held.domain or ""])
    return found, late


def domain_note(runtime: DomainRuntime) -> DomainNote:
    """Return a domain as a lock keeps it."""
    words = [runtime.playbook.model_dump(mode="json"), runtime.lexicon.model_dump(mode="json")]
    return DomainNote(id=runtime.domain.id, words=content_id(words))
