"""Make the domains of a run ready: load, check, and for live ones install and list the server."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from agentsynth.core.errors import UserError, render_problems
from agentsynth.core.manifest import live_notes
from agentsynth.core.tools import ToolSpec
from agentsynth.core.workspace import SHADOWS, WORKSPACE
from agentsynth.evolve.install import install_server
from agentsynth.pipeline.confine import confine_with
from agentsynth.plan.lint import plan_problems
from agentsynth.plan.phrase_lint import phrase_problems
from agentsynth.plan.phrase_meaning import meaning_problems
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.declarative import tool_spec
from agentsynth.worlds.live import collect, live_worlds
from agentsynth.worlds.live_rows import seed_rows
from agentsynth.worlds.load import DomainFolder, find_domain, find_manifest, load_folder
from agentsynth.worlds.mix import load_named
from agentsynth.worlds.plugins import offered_by
from agentsynth.worlds.results import result_reader
from agentsynth.worlds.runtime import DomainRuntime, declarative_runtime, with_own_half
from agentsynth.worlds.seat import ServerHome, sweep_scratch
from agentsynth.worlds.starting_state import seed_of, starting_tree
from agentsynth.worlds.state_reader import Reading

__all__ = ["SHADOWS", "WORKSPACE", "load_checked", "open_runtimes"]

_SERVERS_AT_ONCE = 2


def load_checked(name: str) -> DomainFolder:
    """Return a domain's folder, with everything that can be checked on load checked.

    Args:
        name: a domain's name or folder, or several joined by `+`: their mixture.

    Raises:
        UserError: every problem, each with file, line and path.
    """
    return load_named(name, _checked)


def _checked(name: str) -> DomainFolder:
    loaded = load_folder(find_domain(name))
    _require_own_name(name, loaded)
    spoken = [loaded, *(loaded.speaking(language) for language in loaded.translations)]
    problems = [problem for one in spoken for problem in phrase_problems(one)]
    if loaded.domain.live is None:
        specs = [tool_spec(loaded.domain, n, tool) for n, tool in loaded.domain.tools.items()]
        problems += plan_problems(loaded, specs)
    if not problems:
        problems = [
            problem
            for one in spoken
            for problem in meaning_problems(one, load_voice(one.lexicon.language))
        ]
    if problems:
        raise UserError(render_problems(problems))
    return loaded


def _require_own_name(name: str, loaded: DomainFolder) -> None:
    """Refuse a package's domain that calls itself otherwise: its rows would name what nobody finds.

    Raises:
        UserError: naming both.
    """
    for offer in offered_by(name):
        if loaded.domain.name != name:
            message = f"{offer} offers it as {name!r}; give it the same name in both places"
            raise UserError(str(loaded.domain_file.problem(("name",), message)))


async def open_runtimes(
    names: Iterable[str],
    stack: AsyncExitStack,
    *,
    log: Callable[[str], None],
    unconfined: bool = False,
) -> dict[str, DomainRuntime]:
    """Return the runtimes of these domains, by the names given.

    Args:
        stack: keeps what live domains hold open.
        log: takes one line per slow step, such as an installation.
        unconfined: whether the user lets servers that nobody has reviewed run where there is no
            sandbox.

    Raises:
        UserError: a domain that is unknown or wrong, or a server that may not be started here.
        RunError: a server that cannot be installed or listed.
    """
    runtimes: dict[str, DomainRuntime] = {}
    for name in names:
        loaded = load_checked(name)
        if loaded.domain.live is None:
            runtimes[name] = declarative_runtime(loaded)
        else:
            runtimes[name] = await _live(loaded, stack, log, unconfined)
    return runtimes


async def _live(
    loaded: DomainFolder, stack: AsyncExitStack, log: Callable[[str], None], unconfined: bool
) -> DomainRuntime:
    live = loaded.domain.live
    assert live is not None  # the caller looked
    manifest = find_manifest(live.manifest)
    sweep_scratch()
    prefix = install_server(manifest, WORKSPACE / "servers", log=log)
    home = ServerHome(manifest, prefix, confine_with(unconfined=unconfined))
    start = starting_tree(seed_of(loaded.folder, live), manifest, home.duckdb)
    specs, skipped = await collect(home, start)
    for line in skipped:
        log(f"{manifest.name}: {line}")
    whole = (*specs, *(tool_spec(loaded.domain, n, t) for n, t in loaded.domain.tools.items()))
    problems = plan_problems(loaded, whole)
    if problems:
        raise UserError(render_problems(problems))
    _require_apart(loaded, home.read_start(start), specs)
    notes = live_notes(manifest)
    alone = notes.model_copy(update={"reusable": False})
    own = replace(home, manifest=manifest.model_copy(update={"live": alone}))
    opener, rollout_opener = [
        await stack.enter_async_context(
            live_worlds(kind, start, specs=specs, servers_at_once=_SERVERS_AT_ONCE)
        )
        for kind in (home, own)
    ]
    runtime = DomainRuntime(
        domain=loaded.domain,
        playbook=loaded.playbook,
        lexicon=loaded.lexicon,
        specs=specs,
        open=opener,
        open_rollout=rollout_opener,
        decode=result_reader(notes),
        rows=seed_rows(home.read_start(start), source=loaded.domain.name),
        sql_arguments=frozenset(notes.sql_arguments),
        looks={
            name: {argument: re.compile(pattern) for argument, pattern in note.looks.items()}
            for name, note in notes.tools.items()
            if note.looks
        },
        path_arguments=frozenset(notes.path_arguments),
        place_arguments=frozenset(notes.place_arguments),
        text_arguments=frozenset(notes.text_arguments),
    )
    return with_own_half(runtime, loaded) if loaded.domain.tools else runtime


def _require_apart(loaded: DomainFolder, start: Reading, specs: Sequence[ToolSpec]) -> None:
    """Refuse a mixture whose declarative half has a tool or table of the server's.

    Raises:
        UserError: naming them.
    """
    own = loaded.domain
    twice = [f"a tool {s.name!r}" for s in specs if s.name in {*own.tools, *own.user_tools}]
    twice += [f"a table {name!r}" for name in start.tables if name in own.entities]
    if twice:
        raise UserError(f"{own.name}: these domains cannot be mixed: both have {', '.join(twice)}")
