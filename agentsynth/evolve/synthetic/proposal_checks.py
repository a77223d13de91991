"""Whether every name in a proposed archetype leads somewhere, told so that a model can mend it."""

import re
from collections.abc import Collection, Iterator, Mapping

from agentsynth.evolve.synthetic.archetypes import Archetype, ArchetypeAction, Role
from agentsynth.evolve.synthetic.blueprint import Effect, Guard

__all__ = ["action_problems", "role_problems"]

_PATH = r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)"
_EXPRESSION = re.compile(rf"=(?:0 - )?{_PATH}(?: [*+-] {_PATH})?")
_LATER = re.compile(r"=add_days\(today, -?\d{1,4}\)")
_ON_FIELD = ("among", "flag", "most", "least", "notice", "elapsed", "enough", "own", "same",
             "other", "if_then")  # fmt: skip
_KINDS: Mapping[str, tuple[str, ...]] = {
    "among": ("status", "choice"), "flag": ("flag",), "most": ("number", "count", "money"),
    "least": ("number", "count", "money"), "notice": ("date",), "elapsed": ("date",),
    "enough": ("number", "count"), "own": ("ref",), "if_then": ("choice", "status"),
}  # fmt: skip


def role_problems(archetype: Archetype) -> Iterator[str]:
    """Yield what is wrong with the tables."""
    before: list[str] = []
    for name, role in archetype.roles.items():
        place = f"archetype.roles.{name}"
        for other in _refs(role):
            if other not in before:
                yield f"{place}: {other!r} is no role before it; there are: {', '.join(before)}"
        if role.busy is not None and role.busy[0] not in role.refs:
            yield f"{place}.busy: {role.busy[0]!r} is none of its refs"
        for state in sorted(set(role.open) - set(role.status)):
            yield f"{place}.open: {state!r} is none of its states"
        if role.sort in ("record", "line", "entry") and not role.nouns:
            yield f"{place}.nouns: a {role.sort} needs nouns of its own: [['loan', 'loans']]"
        if role.sort in ("record", "line", "entry") and not role.refs:
            yield f"{place}.refs: a {role.sort} refers to at least one other role"
        for known in role.known_by:
            if known not in (*role.refs, "title", *(field.name for field in role.fields)):
                yield f"{place}.known_by: {known!r} is none of its refs and fields"
        before.append(name)


def action_problems(archetype: Archetype, verbs: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with the actions."""
    for number, action in enumerate(archetype.actions):
        place = f"archetype.actions.{number}"
        for verb in action.verbs:
            if verb not in verbs:
                yield f"{place}.verbs: {verb!r} is not among 'verbs'"
        bound = [*action.takes, *action.reaches]
        unknown = sorted({action.subject, *bound} - archetype.roles.keys())
        if unknown:
            yield f"{place}: there is no role {unknown[0]!r}"
            continue
        created = {e.entity for e in action.effects if e.kind == "create"}
        if action.subject not in bound and action.subject not in created:
            yield f"{place}.subject: {action.subject!r} is neither taken nor created"
        yield from _reaching(archetype, action, place)
        for one in (*action.guards, *action.options):
            yield from _guard(archetype, action, one, f"{place}.guards")
        for effect in action.effects:
            yield from _effect(archetype, action, effect, f"{place}.effects")


def _reaching(archetype: Archetype, action: ArchetypeAction, place: str) -> Iterator[str]:
    if action.party and "party" not in action.takes:
        yield f"{place}.party: it is true, so 'party' has to be among 'takes'"
    for name, path in action.reaches.items():
        origin, _, target = path.partition(".")
        role = archetype.roles.get(origin)
        refers = role is not None and target in _refs(role)
        if origin not in action.takes or not refers or target != name:
            wanted = f"ROLE.{name} of a role that is taken"
            yield f"{place}.reaches: {name}: {path!r}; {wanted} was expected"


def _refs(role: Role) -> tuple[str, ...]:
    """Return the roles that a role refers to."""
    return (*role.refs, *role.maybe, *([role.parent] if role.parent else []))


def _kind(role: Role, field: str) -> str | None:
    """Return the kind of a role's field; None = it has none of this name."""
    if field == "status":
        return "status" if role.status else None
    if field in _refs(role):
        return "ref"
    return next((one.kind for one in role.fields if one.name == field), None)


def _guard(
    archetype: Archetype, action: ArchetypeAction, guard: Guard, place: str
) -> Iterator[str]:
    bound = {*action.takes, *action.reaches}
    said = f"{place}: {guard.kind}"
    if guard.kind != "ahead" and guard.on not in bound:
        yield f"{said}: 'on' is {guard.on!r}; one of {', '.join(sorted(bound))} was expected"
        return
    if guard.kind in _ON_FIELD:
        kind = _kind(archetype.roles[guard.on], guard.field)
        wanted = _KINDS.get(guard.kind, (kind,))
        if kind is None or kind not in wanted:
            yield f"{said}: {guard.on!r} has no {' or '.join(map(str, wanted))} {guard.field!r}"
    if guard.arg and guard.arg not in {arg.name for arg in action.args}:
        yield f"{said}: there is no argument {guard.arg!r}"
    if guard.kind in ("ahead", "enough", "sum_cap", "no_clash") and not guard.arg:
        yield f"{said}: it needs 'arg'"
    if guard.kind in ("open_limit", "none_open", "sum_cap", "no_clash"):
        role = archetype.roles.get(guard.entity)
        if role is None or guard.ref not in _refs(role):
            yield f"{said}: 'entity' has to be a role whose refs have 'ref'"
        elif not role.open:
            yield f"{said}: {guard.entity!r} has no open states"
    yield from _with(archetype, bound, guard, said)


def _with(archetype: Archetype, bound: Collection[str], guard: Guard, said: str) -> Iterator[str]:
    other, _, field = guard.with_.partition(".")
    if guard.kind in ("own", "same", "other", "if_then", "sum_cap") and other not in bound:
        yield f"{said}: 'with_' is {guard.with_!r}; a role that is taken was expected"
    elif field and _kind(archetype.roles[other], field) is None:
        yield f"{said}: {other!r} has no field {field!r}"


def _effect(
    archetype: Archetype, action: ArchetypeAction, effect: Effect, place: str
) -> Iterator[str]:
    bound = {*action.takes, *action.reaches}
    said = f"{place}: {effect.kind}"
    if effect.kind not in ("create", "set", "add", "delete"):
        yield f"{said}: create, set, add or delete was expected"
        return
    name = effect.entity if effect.kind == "create" else effect.on
    if name not in (archetype.roles if effect.kind == "create" else bound):
        yield f"{said}: there is no {name!r}"
        return
    role = archetype.roles[name]
    if effect.kind == "add" and _kind(role, effect.field) not in ("count", "number", "money"):
        yield f"{said}: {name!r} has no count or number {effect.field!r}"
    for field, value in effect.values.items():
        if effect.kind != "add" and field != "title" and _kind(role, field) is None:
            yield f"{said}: {name!r} has no field {field!r}"
        yield from _value(archetype, action, value, f"{said}: {field}")


def _value(
    archetype: Archetype, action: ArchetypeAction, value: object, said: str
) -> Iterator[str]:
    if (
        not isinstance(value, str)
        or not value.startswith("=")
        or value == "=today"
        or _LATER.fullmatch(value)
    ):
        return
    found = _EXPRESSION.fullmatch(value)
    if found is None:
        yield f"{said} is {value[:60]!r}; a literal, =today, =args.NAME or =ROLE.FIELD was expected"
        return
    for head, field in ((found[1], found[2]), (found[3], found[4])):
        if head is not None:
            yield from _path(archetype, action, head, field, said)


def _path(
    archetype: Archetype, action: ArchetypeAction, head: str, field: str, said: str
) -> Iterator[str]:
    if head == "args":
        if field not in {arg.name for arg in action.args}:
            yield f"{said}: there is no argument {field!r}"
    elif head not in {*action.takes, *action.reaches}:
        yield f"{said}: there is no {head!r} here"
    elif field != "id" and _kind(archetype.roles[head], field) is None:
        yield f"{said}: {head!r} has no field {field!r}"
