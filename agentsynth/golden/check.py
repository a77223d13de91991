"""Check a folder of goldens: today's world, rubric, prompts and reading against what is true."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from agentsynth import __version__
from agentsynth.core.errors import UserError
from agentsynth.golden.asks import Ask, asks_of, ballot_of, missing
from agentsynth.golden.cassette import CASSETTES, Answer, Cassettes
from agentsynth.golden.gates import JudgeConfig
from agentsynth.golden.grade import graded
from agentsynth.golden.load import Goldens, load_goldens
from agentsynth.golden.lock import (
    LOCK,
    Lock,
    causes,
    changes,
    locked,
    read_lock,
    rubric_notes,
)
from agentsynth.golden.measure import figures_of, gates_of
from agentsynth.golden.playing import Verdicts, domain_note, runtimes_of, verdicts_of
from agentsynth.golden.record import Asked, OpenModel, ask_all, open_endpoint
from agentsynth.golden.report import Change, GateResult, GoldenReport, GoldenResult, Miss, exit_of
from agentsynth.judge.panel import Ballot
from agentsynth.judge.shown import JUDGE_PROMPTS
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.panel import panel_name
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Checked", "Mode", "Options", "check", "check_goldens", "settings_of"]

Mode = Literal["replay", "record-missing", "rerecord", "live"]


@dataclass(frozen=True)
class Options:
    """How goldens are checked."""

    mode: Mode = "replay"
    """`replay` = from the cassettes alone; `record-missing` = judges are asked for what is not
    there, `rerecord` = for everything, and both keep it; `live` = for everything, and nothing is
    kept."""
    domain: str | None = None
    """Only the goldens of this domain; None = all."""
    offline: bool = False
    """Refuse everything that could reach the network."""
    timeout: float | None = None
    """Seconds; what is not done by then is named. None = no ceiling."""
    max_live_calls: int | None = None
    """Requests to judges at most; None = no cap."""
    cache: Path | None = None
    """Folder of more cassettes: looked at beside the goldens' own, and given all that is asked."""
    strict: bool = False
    """What is inconclusive has failed."""
    against: Path | None = None
    """A lock or a cassette to compare with; None = the folder's lock."""
    today: str = ""
    """The day, ISO, for what is recorded."""
    secrets: tuple[str, ...] = ()
    """Values that are never written."""
    open_model: OpenModel = open_endpoint
    log: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class Checked:
    """What came of a check, and what `golden update` would write."""

    report: GoldenReport
    lock: Lock
    asks: Sequence[Ask]


async def check_goldens(folder: Path, options: Options = Options()) -> GoldenReport:
    """Return what came of a folder of goldens.

    Raises:
        UserError: every file, line and field that is wrong.
        RunError: a live server that cannot be started.
    """
    return (await check(folder, options)).report


async def check(folder: Path, options: Options = Options()) -> Checked:
    """Check a folder; see `check_goldens`."""
    _require_sense(options)
    clock = asyncio.get_running_loop().time
    deadline = None if options.timeout is None else clock() + options.timeout
    goldens = load_goldens(folder, domain=options.domain)
    judge = goldens.config.judge
    asks = asks_of(goldens, judge)
    own = Cassettes.read(folder / CASSETTES)
    answers, asked = await _answers(asks, own, options, deadline)
    undone = [f"{ask.golden}/{ask.criterion.name} was not asked" for ask in asked.undone]
    async with AsyncExitStack() as stack:
        runtimes = await runtimes_of(goldens, stack, offline=options.offline, log=options.log)
        verdicts, late = await verdicts_of(goldens, runtimes, deadline)
    results = await _results(goldens, asks, answers, verdicts)
    open_ = [ask for ask in asks if ask.key not in answers and not ask.silent]
    lost = _lost(open_, asked, own, asks)
    now = _lock(goldens, judge, runtimes, results)
    before, differ = await _compared(goldens, options, verdicts, results, open_)
    figures = figures_of(results, seed=goldens.config.seed, checks=goldens.config.gates.criteria)
    gates = gates_of(goldens.config.gates, results, figures, differ)
    gates += _calibrated(goldens, judge)
    undone += [f"{name} was not played again" for name in late]
    status, rule = exit_of(
        errors=len(asked.errors),
        missing=sum(len(one.keys) for one in lost),
        gates=gates,
        undone=len(undone),
        strict=options.strict,
    )
    report = GoldenReport(
        folder=folder.name,
        mode=options.mode,
        judge=now.judge,
        status=status,
        rule=rule,
        results=tuple(results),
        figures=figures,
        gates=gates,
        missing=lost,
        undone=tuple(undone),
        errors=tuple(asked.errors),
        changes=differ or (),
        causes=() if before is None else causes(before, now),
        counts=_counts(results, asks, asked),
        notes=_notes(goldens, results),
    )
    return Checked(report, now.model_copy(update={"figures": figures}), asks)


def _require_sense(options: Options) -> None:
    if options.offline and options.mode != "replay":
        raise UserError(
            f"--offline and --mode {options.mode} exclude each other; replay needs none"
        )
    if options.timeout is not None and options.timeout <= 0:
        raise UserError("--timeout is more than 0 seconds")
    if options.max_live_calls is not None and options.max_live_calls < 0:
        raise UserError("--max-live-calls is at least 0")


async def _answers(
    asks: Sequence[Ask], own: Cassettes, options: Options, deadline: float | None
) -> tuple[dict[str, Answer], Asked]:
    """Return the answers by key, and what came of asking for those that are not there."""
    cache = None if options.cache is None else Cassettes.read(options.cache)
    places = [] if options.mode == "rerecord" else [cache]
    places += [own] if options.mode in ("replay", "record-missing") else []
    answers: dict[str, Answer] = {}
    for ask in asks:
        for place in places:
            found = None if place is None else place.get(ask.header, ask.key)
            if found is not None:
                answers[ask.key] = found
    if options.mode == "replay":
        return answers, Asked()
    keep = [own] if options.mode != "live" else []
    if options.mode != "live":
        for ask in asks:  # what the cache knew is kept as well
            if ask.key in answers and own.get(ask.header, ask.key) is None:
                own.put(ask.header, answers[ask.key])
    try:
        asked = await ask_all(
            [ask for ask in _once(asks) if ask.key not in answers and not ask.silent],
            options.open_model,
            today=options.today,
            keep=[*keep, *([cache] if cache is not None else [])],
            most_calls=options.max_live_calls,
            deadline=deadline,
            secrets=options.secrets,
        )
    finally:
        for cassettes in (*keep, cache):
            if cassettes is not None:
                cassettes.write()
    return {**answers, **asked.answers}, asked


def _once(asks: Sequence[Ask]) -> list[Ask]:
    return list({ask.key: ask for ask in reversed(asks)}.values())[::-1]


async def _results(
    goldens: Goldens, asks: Sequence[Ask], answers: Mapping[str, Answer], verdicts: Verdicts
) -> list[GoldenResult]:
    """Return what came of every golden that was looked at, by id."""
    ballots: dict[tuple[str, str], list[Ballot]] = {}
    for ask in asks:
        ballot = await ballot_of(ask, answers.get(ask.key))
        if ballot is not None:
            ballots.setdefault((ask.golden, ask.criterion.name), []).append(ballot)
    config = goldens.config
    parents = {held.golden.id: held.golden.mutant_of for held in goldens.held}
    judged = config.judge is not None
    return [
        graded(
            held,
            verdicts[held.golden.id],
            {name: given for (golden, name), given in ballots.items() if golden == held.golden.id},
            quorum=config.judge.asking.quorum if config.judge is not None else 0.5,
            calibration=goldens.calibration,
            keep_score=config.keep_score,
            group=_root(held.golden.id, parents),
            unasked="not on record, or without a label" if judged else "no judge is configured",
        )
        for held in goldens.held
        if held.golden.id in verdicts
    ]


def _root(name: str, parents: Mapping[str, str | None]) -> str:
    seen: set[str] = set()
    parent = parents.get(name)
    while parent is not None and name not in seen:
        seen.add(name)
        name, parent = parent, parents.get(parent)
    return name


def _lost(
    open_: Sequence[Ask], asked: Asked, own: Cassettes, asks: Sequence[Ask]
) -> tuple[Miss, ...]:
    """Return what is missing and was not even tried to get."""
    tried = {ask.key for ask in asked.undone}
    if asked.errors or asked.undone or not open_:
        return ()
    wanted = {ask.key for ask in open_} - tried
    hold = [ask for ask in asks if ask.key in wanted or own.get(ask.header, ask.key) is not None]
    return tuple(
        Miss(why=m.why, told=m.told, keys=m.keys, goldens=m.goldens) for m in missing(hold, own)
    )


def _lock(
    goldens: Goldens,
    judge: JudgeConfig | None,
    runtimes: Mapping[str, DomainRuntime],
    results: Sequence[GoldenResult],
) -> Lock:
    named = {held.domain: held.golden.domain for held in goldens.held}
    return Lock(
        engine=__version__,
        judge=None if judge is None else panel_name(judge.models, judge.asking),
        prompts=() if judge is None else JUDGE_PROMPTS,
        rubrics=rubric_notes(goldens.rubrics),
        domains={named[name] or name: domain_note(one) for name, one in runtimes.items()},
        goldens=locked(results),
    )


async def _compared(
    goldens: Goldens,
    options: Options,
    verdicts: Verdicts,
    results: Sequence[GoldenResult],
    open_: Sequence[Ask],
) -> tuple[Lock | None, tuple[Change, ...] | None]:
    """Return what is compared with, and what differs from it; None = there is nothing to."""
    path = options.against or goldens.folder / LOCK
    if path.suffix == ".jsonl":
        before = await _by_cassette(goldens, path, verdicts)
    else:
        before = read_lock(path)
        if before is None and options.against is not None:
            raise UserError(f"{path}: no such file; --against names a golden.lock or a cassette")
    if before is None:
        return None, None
    partial = options.domain is not None or len(results) < len(goldens.held)
    waiting = frozenset(ask.golden for ask in open_)
    lock = None if path.suffix == ".jsonl" else before
    return lock, changes(before, results, partial=partial, open_=waiting)


async def _by_cassette(goldens: Goldens, path: Path, verdicts: Verdicts) -> Lock:
    """Return a lock of what another judge's answers come to, under today's rubrics."""
    cassettes = Cassettes.read(path.parent)
    header = cassettes.headers.get(path.name)
    if header is None:
        raise UserError(f"{path}: no such file; --against names a golden.lock or a cassette")
    asking = {} if goldens.config.judge is None else {"asking": goldens.config.judge.asking}
    judge = JudgeConfig(models=(settings_of(header.sampling),), **asking)
    config = goldens.config.model_copy(update={"judge": judge})
    theirs = replace(goldens, config=config)
    asks = asks_of(theirs, judge)
    held = cassettes.answers.get(path.name, {})
    results = await _results(theirs, asks, held, verdicts)
    return _lock(theirs, judge, {}, results)


def settings_of(sampling: Mapping[str, object]) -> ModelSettings:
    """Return settings with which nobody can be reached, but whose answers have the same keys."""
    url = {"url": "http://not-asked.invalid/v1"} if sampling.get("via") == "http" else {}
    return ModelSettings.model_validate({**sampling, **url})


def _calibrated(goldens: Goldens, judge: JudgeConfig | None) -> tuple[GateResult, ...]:
    """Return the gate that a calibration is of the judge that is asked."""
    known = goldens.calibration
    if known is None or judge is None:
        return ()
    each = judge.asking.model_copy(update={"ask": "one_each"})
    names = [panel_name(judge.models, asking) for asking in (judge.asking, each)]
    holds = known.judge in names
    rule = f"it is of {known.judge}, the judge is {names[0]}"
    status = "passed" if holds else "failed"
    return (GateResult(name="calibration", status=status, rule=rule),)


def _counts(results: Sequence[GoldenResult], asks: Sequence[Ask], asked: Asked) -> dict[str, int]:
    return {
        "goldens": len(results),
        "right": sum(r.right is True for r in results),
        "wrong": sum(r.right is False for r in results),
        "without_verdict": sum(r.right is None for r in results),
        "questions": len(asks),
        "live_calls": asked.calls,
    }


def _notes(goldens: Goldens, results: Sequence[GoldenResult]) -> tuple[str, ...]:
    notes: list[str] = []
    open_ = sum(
        i.outcome == "unanswered" and i.kind == "question" and i.truth is not None
        for r in results
        for i in r.items
    )
    if goldens.config.judge is None and open_:
        notes.append(f"no judge is configured: {open_} labelled questions are unanswered")
    alone = sum(r.by == "checks" and any(i.kind == "question" for i in r.items) for r in results)
    if alone:
        notes.append(f"{alone} goldens with questions are decided by checks alone")
    return tuple(notes)
