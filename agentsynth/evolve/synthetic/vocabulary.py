"""The words of application domains, as data: what people, places and things are called there."""

from functools import lru_cache
from pathlib import Path

from pydantic import Field, TypeAdapter

from agentsynth.core.frozen import Frozen
from agentsynth.worlds.files import load_yaml

__all__ = ["Vocabulary", "people", "vocabularies"]

_DATA = Path(__file__).with_name("data")
_Noun = tuple[str, str]
"""(one, many)."""


class Vocabulary(Frozen):
    """One application domain's words."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    category: str
    title: str
    desk: str
    """Who the assistant works for, to stand behind `the assistant at`."""
    party: _Noun
    staff: _Noun
    place: _Noun
    thing: _Noun
    places: tuple[str, ...] = Field(min_length=4)
    """Two capitalised words each, such as `Mill Lane`."""
    things: tuple[str, ...] = Field(min_length=10)
    """Things' names, all different, lower case unless they are names."""
    topics: tuple[str, ...] = Field(min_length=8)
    """What records are about, where they are known by a title."""
    items: tuple[str, ...] = Field(min_length=6)
    """Parts, steps or lines of a record."""
    unserved: tuple[tuple[str, str], ...] = Field(min_length=2)
    """(what people ask for in vain, who does it instead)."""


@lru_cache(maxsize=1)
def vocabularies() -> dict[str, Vocabulary]:
    """Return the bundled vocabularies by name."""
    adapter = TypeAdapter(tuple[Vocabulary, ...])
    found: dict[str, Vocabulary] = {}
    for path in sorted((_DATA / "vocabularies").glob("*.yaml")):
        found |= {one.name: one for one in adapter.validate_python(load_yaml(path).value)}
    return found


@lru_cache(maxsize=1)
def people() -> dict[str, tuple[str, ...]]:
    """Return first and last names, under `first` and `last`."""
    return TypeAdapter(dict[str, tuple[str, ...]]).validate_python(
        load_yaml(_DATA / "people.yaml").value
    )
