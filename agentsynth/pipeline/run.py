"""Run a config: places go to whoever is free, and are counted in their own order."""

import asyncio
import contextlib
import fcntl
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path

from agentsynth import __version__
from agentsynth.compose.kinds import kinds_allowed
from agentsynth.compose.rubrics import whole_rubric
from agentsynth.core.chat import ModelError
from agentsynth.core.errors import RunError, StoreError, UserError
from agentsynth.core.ids import content_id
from agentsynth.core.task import TaskKind
from agentsynth.models.tally import Tally
from agentsynth.pipeline.actors import prompts_of
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.events import Event, Listener
from agentsynth.pipeline.fold import Fold
from agentsynth.pipeline.schedule import Place, place_at
from agentsynth.pipeline.settling import remember, settling_of
from agentsynth.pipeline.store import Item, Packed, Payload, Store
from agentsynth.pipeline.work import Worker
from agentsynth.pipeline.workers import BLOCK, Pool
from agentsynth.worlds.mix import JOINT
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["check_resumable", "execute", "kinds_of", "locked"]

_GROUP = 32
"""Items per commit; a crash loses at most these."""
_GROUP_SECONDS = 0.5
_HOPELESS = 20
"""Give up on a `kept` target after this many times as many places (and at least 400)."""


_AT_MOST = 3
"""Times its weight that a kind gets in a domain because others do not offer it."""

_ACROSS = 4
"""Times its weight that the kind with several requests gets in a mixture: only these use the tools
of more than one part."""


def kinds_of(config: RunConfig, worker: Worker) -> dict[str, dict[TaskKind, float]]:
    """Return, for each domain, the weights of the kinds its intents can offer.

    A kind that few domains offer gets more of each of them, so that the whole comes near to the
    config's weights.

    Raises:
        UserError: if the config asks a domain only for kinds that it cannot offer.
    """
    able = {name: kinds_allowed(runtime) for name, runtime in worker.runtimes.items()}
    wanted = {kind: weight for kind, weight in config.kind_weights().items() if weight}
    whole = sum(config.domains[name] for name in able)
    table: dict[str, dict[TaskKind, float]] = {}
    for name, kinds in able.items():
        if wanted.keys().isdisjoint(kinds):
            offered = ", ".join(kinds)
            raise UserError(f"kinds: domain {name!r} offers only {offered}; give one a weight")
        table[name] = {}
        for kind, weight in wanted.items():
            if kind in kinds:
                offering = sum(config.domains[n] for n, offered in able.items() if kind in offered)
                scarce = whole / offering if offering else 1.0
                across = _ACROSS if kind == "several" and JOINT in name else 1
                table[name][kind] = weight * across * min(_AT_MOST, scarce)
    return table


def check_resumable(store: Store, worker: Worker) -> None:
    """Remember what the run is made from, or refuse to mix it with something else.

    Raises:
        UserError: naming what differs from what the folder was begun with.
    """
    config = worker.config
    identity = {
        **config.identity(),
        "agentsynth": __version__,
        "rubric": whole_rubric(config.rubric).id,
        **{f"domain {n}": _domain_identity(r) for n, r in sorted(worker.runtimes.items())},
        **{f"prompts of the {n}": prompts_of(n, s) for n, s in config.models.seated().items()},
        **worker.simulation.identity(),
        **({} if worker.calibration is None else {"calibration": worker.calibration.id}),
    }
    before = store.setting("identity")
    if before is None:
        store.set_setting("identity", identity)
        remember(store, config, worker.calibration)
        return
    changed = [key for key in {**before, **identity} if before.get(key) != identity.get(key)]
    if changed:
        names = ", ".join(changed)
        raise UserError(
            f"{store.path.parent}: this folder holds a run made from something else ({names} "
            "changed); use another --out, or put back what it was begun with"
        )


def _domain_identity(runtime: DomainRuntime) -> str:
    tools = [spec.id for spec in runtime.specs]
    words = [runtime.speaking(language).lexicon.id for language in runtime.languages]
    return content_id([runtime.domain.id, runtime.playbook.id, words, tools])


@contextlib.contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold the folder for one run at a time.

    Raises:
        RunError: if another run holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"{folder}: cannot be written ({error.strerror}); choose another --out"
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunError(f"{folder}: another run is writing here; wait for it") from None
        yield


async def execute(
    config: RunConfig,
    worker: Worker,
    store: Store,
    *,
    concurrency: int,
    listen: Listener,
    pool: Pool | None = None,
    begun: Tally | None = None,
) -> Fold:
    """Play places until the target is reached; finished ones are not played again.

    Args:
        concurrency: places played at once in this process.
        pool: plays the places that it can; None = all are played in this process.
        begun: what models used before the first place; None = nothing.

    Raises:
        RunError: if a target of kept rows is out of reach.
        StoreError: if the store cannot be written; what was flushed stays.
    """
    fold = Fold(config, settling_of(store, config), begun)
    finished = store.finished_places()
    for ordinal, items in _stored_places(store):
        if ordinal in finished:
            _tell(fold.add(ordinal, items), fold, listen, resumed=True)
    table = kinds_of(config, worker)
    run = _Run(config, worker, store, fold, finished, table, listen, concurrency, pool)
    await run.play()
    return fold


def _stored_places(store: Store) -> Iterator[tuple[int, list[Item]]]:
    """Yield the stored places with their items."""
    current: list[Item] = []
    for item in store.items():
        if current and item.ordinal != current[0].ordinal:
            yield current[0].ordinal, current
            current = []
        current.append(item)
    if current:
        yield current[0].ordinal, current


def _tell(
    counted: list[tuple[Item, str]], fold: Fold, listen: Listener, *, resumed: bool = False
) -> None:
    for item, reason in counted:
        fields = {
            "ordinal": item.ordinal, "domain": item.domain, "kind": item.kind,
            "probe": item.is_probe, "reason": reason, "messages": item.messages,
            "kept": fold.progress.kept, "done": fold.progress.done,
            "target": fold.progress.target, "resumed": resumed,
        }  # fmt: skip
        listen(Event("rollout", fields))


class _Run:
    """The moving parts of one execution."""

    def __init__(
        self,
        config: RunConfig,
        worker: Worker,
        store: Store,
        fold: Fold,
        finished: set[int],
        table: Mapping[str, Mapping[TaskKind, float]],
        listen: Listener,
        concurrency: int,
        pool: Pool | None,
    ) -> None:
        self._config = config
        self._worker = worker
        self._store = store
        self._fold = fold
        self._finished = finished
        self._table = table
        self._listen = listen
        self._concurrency = concurrency
        self._pool = pool
        self._lookahead = max(256, 8 * concurrency, 8 * BLOCK * (pool.size if pool else 0))
        # Rollouts of models wait for endpoints, so a process plays many; scripted ones never wait.
        models = bool(config.models.seated())
        self._block = 1 if models else BLOCK
        self._lanes = max(1, concurrency // max(1, pool.size if pool else 1)) if models else 1
        self._planned: dict[bool, deque[Place]] = {False: deque(), True: deque()}
        """Places that nobody has taken yet: those of this process, and those of the pool."""
        self._next = 0
        self._moved = asyncio.Condition()
        self._flushed = 0.0

    async def play(self) -> None:
        """Play until the target is reached."""
        self._flushed = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._concurrency):
                    group.create_task(self._play_here())
                for _ in range(self._lanes):
                    for number in range(self._pool.size if self._pool else 0):
                        group.create_task(self._play_elsewhere(number))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None  # the others fail alike, or were cancelled
        finally:
            with contextlib.suppress(StoreError):
                self._store.flush()
        self._store.flush()

    async def _play_here(self) -> None:
        while places := await self._claim(1, pooled=False):
            try:
                items, payloads = await self._worker.work(places[0])
            except ModelError as error:
                await self._stop(error)
                return
            await self._finish(places[0], items, payloads)
            await asyncio.sleep(0)

    async def _play_elsewhere(self, number: int) -> None:
        assert self._pool is not None  # the caller looked
        while places := await self._claim(self._block, pooled=True):
            try:
                rows = await self._pool.play(number, places)
            except ModelError as error:
                await self._stop(error)
                return
            for place, (items, payloads) in zip(places, rows, strict=True):
                await self._finish(place, items, payloads)

    async def _stop(self, error: ModelError) -> None:
        """End the run where the budget is spent: what is in flight ends, nothing new begins.

        Raises:
            ModelError: if it is something else that ends the run.
        """
        if error.fault != "over_budget":
            raise error
        self._fold.over_budget = True
        async with self._moved:
            self._moved.notify_all()

    async def _finish(
        self, place: Place, items: list[Item], payloads: Sequence[Payload | Packed]
    ) -> None:
        self._save(items, payloads)
        _tell(self._fold.add(place.ordinal, items), self._fold, self._listen)
        async with self._moved:
            self._moved.notify_all()

    async def _claim(self, most: int, *, pooled: bool) -> list[Place]:
        """Return the next places to play, for the pool or for here; none when all is done."""
        mine = self._planned[pooled]
        async with self._moved:
            while not self._fold.progress.reached and not self._fold.over_budget:
                self._check_hope()
                while len(mine) < most and (place := self._plan()) is not None:
                    self._planned[self._is_pooled(place)].append(place)
                    self._moved.notify_all()
                if mine:
                    return [mine.popleft() for _ in range(min(most, len(mine)))]
                if self._is_last(self._next):
                    return []
                await self._moved.wait()
            return []

    def _plan(self) -> Place | None:
        """Return the next place that is not finished; None when it is too early or too late."""
        while self._next in self._finished:
            self._next += 1
        if self._is_last(self._next) or self._next >= self._fold.next + self._lookahead:
            return None
        self._next += 1
        return place_at(self._next - 1, self._config, self._table)

    def _is_last(self, ordinal: int) -> bool:
        limit = self._config.target.tasks
        return limit is not None and ordinal >= limit

    def _is_pooled(self, place: Place) -> bool:
        return self._pool is not None and place.domain in self._pool.domains

    def _check_hope(self) -> None:
        progress = self._fold.progress
        if progress.counts_rows and progress.places > max(400, _HOPELESS * progress.target):
            reasons = dict(sorted(progress.reasons.items(), key=lambda r: -r[1]))
            raise RunError(
                f"{progress.places} tasks gave {progress.kept} kept rows of {progress.target}: "
                f"the target is out of reach. Dropped: {reasons}, unfilled: {progress.unfilled}"
            )

    def _save(self, items: list[Item], payloads: Sequence[Payload | Packed]) -> None:
        self._store.add(items, payloads)
        now = asyncio.get_running_loop().time()
        if self._store.waiting >= _GROUP or now - self._flushed > _GROUP_SECONDS:
            self._store.flush()
            self._flushed = now
