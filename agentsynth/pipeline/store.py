"""The run's store: SQLite, one writer, short group commits, payloads in a table of their own.

Tables are declared with SQLModel; the hot paths speak to sqlite3 directly, which is about twice as
fast per row. Rows here are not the values of `core`: those are the payloads, as compressed JSON.
"""

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import zstandard

from agentsynth.core.errors import StoreError

__all__ = ["STORE_VERSION", "Item", "Packed", "Payload", "Store", "packed"]

STORE_VERSION = 4
_ZSTD = zstandard.ZstdCompressor(level=1)
_CODEC = "zstd"
_UNPACK: Mapping[str, Callable[[bytes], bytes]] = {
    "zstd": zstandard.ZstdDecompressor().decompress,
    "zlib": zlib.decompress,  # stores of version 2 and before
}
_PROBE_SLOT = 1_000_000
"""Slot of a place's probe: behind all its samples."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A value to store under its id."""

    id: str
    kind: str
    value: Any
    """Anything JSON."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A payload as the store keeps it."""

    id: str
    kind: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """One finished rollout (or a place that could not be filled) as the run sees it."""

    ordinal: int
    slot: int
    """Sample number; `Item.probe_slot()` for the probe."""
    status: str
    """`done`; `unfilled` when no task was found there; `failed` when a model gave no reply, so that
    its place is played again when the run is resumed."""
    domain: str
    kind: str
    scenario_id: str
    task_id: str
    trajectory_id: str
    conversation: str
    kept: int
    """1 = kept on its own merits; duplicates are told apart in order, later."""
    reason: str
    detail: str
    score: float
    messages: int
    calls: int
    flaw: str
    """Empty for rollouts that play as well as they can."""
    level: int = 0
    """Difficulty of the task, 1 to 5; 0 where there is no task."""
    rejected: str = ""
    """Tasks that were found first and failed their certificate: JSON of probe to count."""
    usage: str = ""
    """What models used, by role: JSON of `Tally.plain`; "" = no model was asked."""
    judged: str = ""
    """What is needed to decide again when judges are calibrated anew: JSON, made and read by
    `pipeline/settling.py`; "" = no judge was asked."""
    measured: str = ""
    """What checks and judges said of mutants of it: JSON; "" = none were made."""

    @staticmethod
    def probe_slot() -> int:
        """Return the slot of a place's probe."""
        return _PROBE_SLOT

    @property
    def is_probe(self) -> bool:
        """Whether this is a flawed probe."""
        return self.slot == _PROBE_SLOT


_COLUMNS = tuple(Item.__dataclass_fields__)
_INSERT_ITEM = (
    f"INSERT OR REPLACE INTO item ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
)


_INSERT_PAYLOAD = (
    "INSERT INTO payload VALUES (?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET codec=excluded.codec, "
    "body=excluded.body "
    "WHERE excluded.kind='rollout'"
)
"""What is named by its content is written once; a rollout that failed may be played again."""


_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "ALTER TABLE item ADD COLUMN level INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE item ADD COLUMN rejected TEXT NOT NULL DEFAULT ''",
    ),
    ("ALTER TABLE item ADD COLUMN usage TEXT NOT NULL DEFAULT ''",),
    (
        "ALTER TABLE item ADD COLUMN judged TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE item ADD COLUMN measured TEXT NOT NULL DEFAULT ''",
    ),
)
"""What leads from each version to the next, the first from 1 to 2."""


class Store:
    """An open store. Use as a context manager; what is not flushed is written on the way out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._items: list[Item] = []
        self._payloads: dict[str, Payload | Packed] = {}
        fresh = not path.exists()
        if fresh:
            _create(path)
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            version = self._db.execute("SELECT value FROM meta WHERE key='version'").fetchone()
        except sqlite3.Error as error:
            raise StoreError(_explained(path, error)) from error
        if version is None or int(version[0]) > STORE_VERSION:
            found = "no version" if version is None else f"version {version[0]}"
            raise StoreError(
                f"{path}: the store has {found}, this agentsynth reads up to {STORE_VERSION}; "
                "update agentsynth-engine, or choose another --out"
            )
        if int(version[0]) < STORE_VERSION:
            self._migrate(int(version[0]))

    def _migrate(self, version: int) -> None:
        """Bring an older store up to date, step by step, in one transaction."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for steps in _MIGRATIONS[version - 1 :]:
                for statement in steps:
                    self._db.execute(statement)
            self._db.execute("UPDATE meta SET value=? WHERE key='version'", (str(STORE_VERSION),))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(_explained(self.path, error)) from error

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            if kind is None or not issubclass(type(error), StoreError):
                self.flush()
        finally:
            self._db.close()

    # -- settings ------------------------------------------------------------------------------

    def setting(self, key: str) -> Any:
        """Return a setting; None when it was never written."""
        row = self._read("SELECT value FROM meta WHERE key=?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_setting(self, key: str, value: Any) -> None:
        """Write a setting at once."""
        text = json.dumps(value, sort_keys=True)
        try:
            self._db.execute("INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)", (key, text))
        except sqlite3.Error as error:
            raise StoreError(_explained(self.path, error)) from error

    # -- writing -------------------------------------------------------------------------------

    def add(self, items: Iterable[Item], payloads: Iterable[Payload | Packed]) -> None:
        """Queue one place's rows; they are written together by `flush`, or not at all."""
        self._items += items
        self._payloads |= {payload.id: payload for payload in payloads}

    @property
    def waiting(self) -> int:
        """Items queued and not yet written."""
        return len(self._items)

    def flush(self) -> None:
        """Write everything queued in one transaction.

        Raises:
            StoreError: if the disk is full or the folder cannot be written; nothing is lost that
                was flushed before.
        """
        if not self._items and not self._payloads:
            return
        ready = [p if isinstance(p, Packed) else packed(p) for p in self._payloads.values()]
        rows = [(p.id, p.kind, _CODEC, p.body) for p in ready]
        items = [tuple(getattr(item, name) for name in _COLUMNS) for item in self._items]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(_INSERT_PAYLOAD, rows)
            self._db.executemany(_INSERT_ITEM, items)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StoreError(_explained(self.path, error)) from error
        self._items.clear()
        self._payloads.clear()

    # -- reading -------------------------------------------------------------------------------

    def items(self, *, up_to: int | None = None) -> Iterator[Item]:
        """Yield the items in the order of the run: place, then sample, then probe.

        Args:
            up_to: last place to yield; None = all.
        """
        limit = 2**62 if up_to is None else up_to
        names = ", ".join(_COLUMNS)
        cursor = self._read(
            f"SELECT {names} FROM item WHERE ordinal <= ? ORDER BY ordinal, slot", (limit,)
        )
        for row in cursor:
            yield Item(*row)

    def finished_places(self) -> set[int]:
        """Return the places that are finished. A place is written whole, or not at all."""
        query = "SELECT ordinal FROM item GROUP BY ordinal HAVING SUM(status = 'failed') = 0"
        return {row[0] for row in self._read(query, ())}

    def payload(self, id_: str) -> Any:
        """Return a payload's value.

        Raises:
            StoreError: if there is none, or it cannot be read.
        """
        row = self._read("SELECT codec, body FROM payload WHERE id=?", (id_,)).fetchone()
        if row is None:
            raise StoreError(f"{self.path}: no payload {id_!r}; the store is damaged")
        unpack = _UNPACK.get(row[0])
        if unpack is None:
            raise StoreError(f"{self.path}: payload {id_!r} has the unknown codec {row[0]!r}")
        return json.loads(unpack(row[1]))

    def find_items(self, prefix: str) -> list[Item]:
        """Return the items whose trajectory id starts with this (with or without `s1:`)."""
        names = ", ".join(_COLUMNS)
        cursor = self._read(
            f"SELECT {names} FROM item WHERE trajectory_id LIKE ? OR trajectory_id LIKE ? "
            "ORDER BY ordinal, slot LIMIT 20",
            (prefix + "%", "s1:" + prefix + "%"),
        )
        return [Item(*row) for row in cursor]

    def _read(self, query: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        try:
            return self._db.execute(query, values)
        except sqlite3.Error as error:
            raise StoreError(_explained(self.path, error)) from error


def packed(payload: Payload) -> Packed:
    """Return the payload as it is stored: compressed JSON."""
    try:
        text = orjson.dumps(payload.value)
    except TypeError:  # whole numbers beyond 64 bits
        text = json.dumps(payload.value, ensure_ascii=False).encode("utf-8")
    return Packed(payload.id, payload.kind, _ZSTD.compress(text))


def _create(path: Path) -> None:
    from agentsynth.pipeline.tables import create_tables  # noqa: PLC0415  (sqlmodel is heavy)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        create_tables(path, STORE_VERSION)
    except OSError as error:
        raise StoreError(f"{path.parent}: cannot be written: {error.strerror}") from error


def _explained(path: Path, error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return f"{path}: the disk is full; free some space and run the same command again ({text})"
    if "readonly" in text or "unable to open" in text:
        return f"{path}: cannot be written; check the folder's permissions ({text})"
    if "not a database" in text or "malformed" in text or "no such table" in text:
        return f"{path}: this is not a store of agentsynth, or it is damaged ({text})"
    return f"{path}: {text}"
