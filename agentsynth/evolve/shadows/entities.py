"""The entities of a server: which nouns are records, their keys, and what they belong to."""

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from agentsynth.evolve.shadows.overlay import Overlay, OverlayEntity
from agentsynth.evolve.shadows.parameters import Param, key_number
from agentsynth.evolve.shadows.reading import Reading, has_stem

__all__ = ["Group", "field_of", "groups_of", "refers_to"]

_TARGETS = ("new", "target", "destination", "dest", "updated", "to", "dst")
_SINGLE = ("get", "update", "delete")


@dataclass(slots=True)
class Group:
    """The tools of one noun, and what its records are known by."""

    noun: str
    readings: list[Reading]
    key: str = ""
    """Field of the key; empty = not known, so nothing can be done with one record."""
    number: bool = False
    named_by: bool = False
    said: OverlayEntity | None = None
    """What a reviewed overlay says of the records; None = nothing."""
    keys: dict[str, str] = field(default_factory=dict[str, str])
    """Tool to the parameter that holds the key."""
    refers: dict[str, str] = field(default_factory=dict[str, str])
    """What a reviewed overlay says that parameters refer to, in every tool."""

    @property
    def words(self) -> tuple[str, ...]:
        """The noun's words."""
        return tuple(self.noun.split("_"))


def groups_of(readings: Sequence[Reading], overlay: Overlay | None = None) -> dict[str, Group]:
    """Return the tools by noun, each group with its key where one is found."""
    groups: dict[str, Group] = {}
    for reading in readings:
        if reading.deed is None:
            continue
        groups.setdefault(reading.noun, Group(reading.noun, [])).readings.append(reading)
    _join_views(groups, apart=frozenset(overlay.entities if overlay is not None else ()))
    for group in groups.values():
        if overlay is not None:
            group.said = overlay.entities.get(group.noun)
            group.refers = {p: noun for p, noun in overlay.refers.items() if noun != group.noun}
        _find_key(group)
        if not group.key and any(reading.deed == "create" for reading in group.readings):
            group.key = "id"
        if group.said is not None:
            _correct(group, group.said)
    return groups


def _join_views(groups: dict[str, Group], *, apart: Set[str]) -> None:
    """Let `project issues`, which nothing makes, be a view of `issues`, which something does.

    Args:
        apart: nouns that a reviewed overlay speaks of: they are records of their own.
    """
    makes = {n for n, g in groups.items() if any(r.deed == "create" for r in g.readings)}
    for noun in [noun for noun in groups if noun not in apart]:
        group = groups[noun]
        if any(reading.deed not in ("list", "get") for reading in group.readings):
            continue
        words = group.words
        target = next(
            (
                "_".join(words[place:])
                for place in range(1, len(words))
                if "_".join(words[place:]) in makes
                and _is_known("_".join(words[:place]), group, groups)
            ),
            None,
        )
        if target is not None:
            groups[target].readings += group.readings
            del groups[noun]


def _is_known(owner: str, group: Group, groups: dict[str, Group]) -> bool:
    """Whether the first words of a view are an owner: a noun of the server, or of a parameter."""
    stems = {"_".join(p.stem) for reading in group.readings for p in reading.params if p.stem}
    return owner in groups or owner in stems


def _correct(group: Group, known: OverlayEntity) -> None:
    """Take over what an overlay says of a noun's records."""
    if known.key is not None:
        group.key = known.key
    elif not group.key and known.fields:
        group.key = "id"
    if known.named_by is not None:
        group.named_by = known.named_by
    if known.number is not None:
        group.number = known.number


def _find_key(group: Group) -> None:
    votes: Counter[tuple[int, str]] = Counter()
    chosen: dict[str, Param] = {}
    for reading in group.readings:
        if reading.deed in ("create", "list", "add", "remove"):
            continue
        found = _candidates(reading, group)
        if found:
            rank, param = found[0]
            chosen[reading.tool] = param
            votes[(rank, _key_field(param, group))] += 1
    if not votes:
        return
    # What most tools take, and of equals the better form.
    (rank, key), _ = max(votes.items(), key=lambda item: (item[1], -item[0][0], item[0][1]))
    group.key = key
    group.named_by = rank >= 2
    told = {r.tool for r in group.readings if r.said is not None and r.said.key is not None}
    group.keys = {
        tool: param.name
        for tool, param in chosen.items()
        if tool in told or _key_field(param, group) == key
    }
    group.named_by |= any(_gives_key(reading, group) for reading in group.readings)
    params = [param for tool, param in chosen.items() if tool in group.keys]
    group.number = bool(params) and all(key_number(param) for param in params)


def _gives_key(reading: Reading, group: Group) -> bool:
    """Whether whoever creates a record says its key: then the key is a name."""
    return reading.deed == "create" and any(
        param.kind in ("key", "name")
        and has_stem(param.stem, group.words)
        and _key_field(param, group) == group.key
        and param.type == "string"
        for param in reading.required()
    )


def _is_the_noun(param: Param, group: Group) -> bool:
    """Whether a parameter is called like the noun itself: `subscription` of a subscription."""
    own = param.stem == group.words[-len(param.stem) :]
    return param.kind == "value" and param.type == "string" and own


def _candidates(reading: Reading, group: Group) -> list[tuple[int, Param]]:
    """Return the parameters that may hold the record's key, the likeliest first."""
    if reading.said is not None and reading.said.key is not None:
        return [(0, param) for param in reading.params if param.name == reading.said.key]
    own = group.said.parameter if group.said is not None else None
    found = [(0, param) for param in reading.params if param.name == own]
    if found:
        return found
    for param in reading.required():
        if param.kind == "key" and has_stem(param.stem, group.words):
            if param.stem or not reading.name.owned:
                found.append((0 if param.stem else 1, param))
        elif _is_the_noun(param, group):
            found.append((1, param))
        elif param.kind == "name" and has_stem(param.stem, group.words):
            found.append((2 if param.stem else 3, param))
    return sorted(found, key=lambda pair: pair[0])


def _key_field(param: Param, group: Group) -> str:
    """Return what the key is called in results: `id` for `issue_id`, `issueId` and `id`."""
    words = param.snake.split("_")
    if param.kind == "value":
        return "id"
    last = words[-1]
    return "id" if last in ("id", "uuid", "guid", "uid", "identifier") else last


def field_of(param: Param) -> str:
    """Return the name under which all tools of a server agree on a parameter's field."""
    words = param.snake.split("_")
    while len(words) > 1 and words[0] in _TARGETS:
        words = words[1:]
    if words[-1] in ("uuid", "guid", "uid", "identifier") and len(words) > 1:
        words = [*words[:-1], "id"]
    return "_".join(words)


def refers_to(param: Param, own: Group, groups: dict[str, Group]) -> str | None:
    """Return the noun whose key a parameter holds; None = it refers to nothing that is known."""
    stem = _without_target(param.stem)
    if not stem or param.kind not in ("key", "value", "name"):
        return None
    if param.type not in ("string", "integer") and not param.reaches:
        return None
    found = [
        noun
        for noun, group in groups.items()
        if group is not own and group.key and _holds_key(param, group)
        if group.words == stem or (param.kind != "value" and group.words[-len(stem) :] == stem)
    ]
    exact = "_".join(stem)
    if exact in found:
        return exact
    return found[0] if len(found) == 1 else None  # of several that end so, none is meant for sure


def _holds_key(param: Param, group: Group) -> bool:
    """Whether a parameter takes this entity's key and not another of its fields."""
    last = param.snake.split("_")[-1]
    if group.number != key_number(param):
        return False
    match param.kind:
        case "key":
            return not group.named_by or group.key == last
        case "name":
            return group.named_by and group.key == last
        case _:
            return not group.named_by


def _without_target(stem: tuple[str, ...]) -> tuple[str, ...]:
    words = list(stem)
    while len(words) > 1 and words[0] in _TARGETS:
        words = words[1:]
    return tuple(words)
