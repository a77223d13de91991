"""The seeded records of one world, indexed on first use. Shared by its rollouts, never edited."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.ids import content_id
from agentsynth.worlds.index import Fields, HashIndex, SortedIndex

__all__ = ["BUILT_IN", "ONCE", "SCHEDULED", "Base", "Record", "Table"]

Record = Mapping[str, Any]
Table = dict[str, Record]
_EMPTY: Table = {}
SCHEDULED = "scheduled"
"""The entity of pending effects: id, effect, due (datetime), args."""
ONCE = "_once"
"""The entity of answers kept for repeated requests: in the hash, never in changes."""
BUILT_IN = (SCHEDULED, ONCE)


class Base:
    """Entity → key → record, and when the world starts."""

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, Record]],
        *,
        seed: int,
        today: str,
        opens_at: str = "09:00",
    ) -> None:
        """Take over the records.

        Args:
            seed: the world's seed; new keys are drawn from it.
            today: the day on which the world starts, an ISO date.
            opens_at: the time of that day, HH:MM.
        """
        self.tables = {entity: dict(records) for entity, records in tables.items()}
        self.seed = seed
        self.today = today
        self.now = f"{today}T{opens_at}"
        opened = {} if opens_at == "09:00" else {"opens_at": opens_at}
        self.hash = content_id({"tables": self.tables, "today": today, **opened})
        self._hashed: dict[tuple[str, Fields], HashIndex] = {}
        self._sorted: dict[tuple[str, str], SortedIndex] = {}

    def table(self, entity: str) -> Table:
        """Return the records of an entity; none for the world's own bookkeeping.

        Raises:
            DomainError: if there is no such entity.
        """
        table = self.tables.get(entity)
        if table is None:
            if entity not in BUILT_IN:
                raise DomainError(f"there is no entity {entity!r}")
            return _EMPTY
        return table

    @cached_property
    def places(self) -> dict[str, dict[str, int]]:
        """The place of every key among the records of its entity."""
        return {
            entity: {key: place for place, key in enumerate(table)}
            for entity, table in self.tables.items()
        }

    def keys_where(self, entity: str, field: str, value: Any) -> list[str]:
        """Return the keys of base records whose field equals the value, in base order."""
        return list(self.hashed(entity, (field,)).keys((value,)))

    def hashed(self, entity: str, fields: Fields) -> HashIndex:
        """Return the index over these fields, made on first use; keys are in base order."""
        index = self._hashed.get((entity, fields))
        if index is None:
            index = self._hashed[entity, fields] = HashIndex(fields)
            for key, record in self.table(entity).items():
                index.add(key, record)
        return index

    def sorted(self, entity: str, field: str) -> SortedIndex:
        """Return the ordered index over this field, made on first use."""
        index = self._sorted.get((entity, field))
        if index is None:
            rows = enumerate(self.table(entity).items())
            index = SortedIndex(field, ((place, key, record) for place, (key, record) in rows))
            self._sorted[entity, field] = index
        return index
