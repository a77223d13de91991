"""The base of every value: immutable, closed to unknown fields, named by its content."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from agentsynth.core.ids import content_id

__all__ = ["Frozen", "Identified"]


class Frozen(BaseModel):
    """A value: never edited after it is made, and unknown fields are errors.

    Frozen is shallow: a `dict` inside a value can still be edited, so nobody hands one out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Identified(Frozen):
    """A value whose `id` is the hash of its whole content."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a changed copy, with an id of its own."""
        copied = super().model_copy(update=update, deep=deep)
        for made in ("plain", "id"):
            vars(copied).pop(made, None)
        return copied

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The value as JSON types, made once: what is stored and what is hashed."""
        return self.model_dump(mode="json", by_alias=True)

    @cached_property
    def id(self) -> str:
        """`s1:` and 32 hex digits over the canonical JSON of all fields."""
        return content_id(self.plain)
