"""Tools on one record: it is found by its key and by what it belongs to."""

from collections.abc import Callable

from agentsynth.evolve.shadows.creating import is_payload
from agentsynth.evolve.shadows.drafts import Draft, field_for, is_key, own_key, scope_of
from agentsynth.evolve.shadows.entities import field_of
from agentsynth.evolve.shadows.lexis import TRANSITIONS
from agentsynth.evolve.shadows.model import Deed, Operation, ShadowField
from agentsynth.evolve.shadows.parameters import Param
from agentsynth.evolve.shadows.reading import Reading
from agentsynth.evolve.shadows.words import clears

__all__ = ["delete", "get", "transition", "update"]

_STATUS = ("status", "state")


_STATUS_WORDS = {
    "close": ("closed", "close"), "reopen": ("open", "opened", "reopened"),
    "complete": ("completed", "complete", "done"), "cancel": ("cancelled", "canceled"),
    "archive": ("archived",), "resolve": ("resolved",), "acknowledge": ("acknowledged",),
    "publish": ("published",), "pause": ("paused",), "approve": ("approved",),
    "enable": ("enabled", "active"), "disable": ("disabled", "inactive"),
    "activate": ("active", "activated"), "deactivate": ("inactive", "deactivated"),
}  # fmt: skip


def _keyed(
    reading: Reading, draft: Draft, takes: Callable[[Param], str | None]
) -> tuple[str, dict[str, str], dict[str, str], tuple[str, ...]] | None:
    """Read a tool on one record: its key, its scope, what it sets, what is refused."""
    key = own_key(reading, draft)
    if key is None:
        return draft.out(reading, "no_key")
    scope: dict[str, str] = {}
    sets: dict[str, str] = {}
    refused: list[str] = []
    for param in reading.params:
        if param is key:
            continue
        if param.required and (within := _within(reading, draft, param)) is not None:
            scope[param.name] = within
        elif (field_name := takes(param)) is not None:
            sets[param.name] = field_name
        elif param.required:
            return draft.out(reading, "parameter", param.name)
        else:
            refused.append(param.name)
    return key.name, scope, sets, tuple(refused)


def _within(reading: Reading, draft: Draft, param: Param) -> str | None:
    moves = reading.name.verb in ("move", "assign", "set")
    return None if moves else _scope_of_one(reading, draft, param)


def _scope_of_one(reading: Reading, draft: Draft, param: Param) -> str | None:
    known = draft.fields.get(field_of(param))
    if known is not None and known.ref is None:
        return None  # a value of the record itself, not what it belongs to
    return scope_of(reading, draft, param)


def _nothing(_param: Param) -> None:
    return None


def get(reading: Reading, draft: Draft) -> Operation | None:
    """Return what a tool does that shows one record; None = it is not understood."""
    return _by_key_alone(reading, draft, "get")


def delete(reading: Reading, draft: Draft) -> Operation | None:
    """Return what a tool does that removes one record; None = it is not understood."""
    return _by_key_alone(reading, draft, "delete")


def _by_key_alone(reading: Reading, draft: Draft, deed: Deed) -> Operation | None:
    found = _keyed(reading, draft, _nothing)
    if found is None:
        return None
    key, scope, _, refused = found
    entity = draft.group.noun
    return Operation(
        tool=reading.tool, deed=deed, entity=entity, key=key, scope=scope, refused=refused
    )


def update(reading: Reading, draft: Draft) -> Operation | None:
    """Return what a tool does that changes one record; None = it is not understood."""

    def takes(param: Param) -> str | None:
        if param.kind in ("limit", "page", "offset", "cursor", "meta"):
            return None
        if is_key(param, draft.group):
            return None  # another key for what is known by it
        made = field_for(param, draft, "update")
        return made.name if made is not None else None

    found = _keyed(reading, draft, takes)
    if found is None:
        return None
    key, scope, sets, refused = found
    writes = reading.said.writes if reading.said is not None else {}
    if not sets and not writes:
        return draft.out(reading, "nothing_to_set")
    if reading.name.verb == "set" and not draft.created:
        return draft.out(reading, "may_create")
    payload = [p.name for p in reading.params if p.name in refused and is_payload(p, draft)]
    if payload:
        return draft.out(reading, "payload", payload[0])
    return Operation(
        tool=reading.tool,
        deed="update",
        entity=draft.group.noun,
        key=key,
        scope=scope,
        sets=sets,
        needs=tuple(p.name for p in reading.required() if p.name in sets),
        fixed=writes,
        refused=refused,
    )


def transition(reading: Reading, draft: Draft) -> Operation | None:
    """Return what a verb such as `archive` does to one record; None = it is not understood."""
    verb = reading.deed or ""
    if verb not in TRANSITIONS:
        return draft.out(reading, "link")
    if verb == "restore":
        return draft.out(reading, "restore")
    found = _keyed(reading, draft, _nothing)
    if found is None:
        return None
    key, scope, _, refused = found
    if verb == "close" and not _may_close(draft):
        return draft.out(reading, "may_remove")
    if verb == "publish" and "draft" in draft.group.words:
        return draft.out(reading, "may_remove")  # what is published is a draft no longer
    name, value = _flag(verb, draft)
    return Operation(
        tool=reading.tool,
        deed="update",
        entity=draft.group.noun,
        key=key,
        scope=scope,
        fixed={name: value},
        refused=refused,
    )


def _may_close(draft: Draft) -> bool:
    """Whether what is closed stays: it has a status, or can be opened again."""
    verbs = {reading.name.verb for reading in draft.group.readings}
    return "reopen" in verbs or any(name in draft.fields for name in _STATUS)


def _flag(verb: str, draft: Draft) -> tuple[str, str | bool]:
    """Return the field a transition sets and its value: a status that says it, else a flag."""
    for name in _STATUS:
        known = draft.fields.get(name)
        for word in _STATUS_WORDS.get(verb, ()) if known is not None else ():
            if known is not None and word in known.values:
                return known.name, word
    name = TRANSITIONS[verb][0]
    for moment in (f"{name}_at", f"{name}_on", f"{name}_date"):
        if moment in draft.fields and draft.fields[moment].type == "string":
            return draft.fields[moment].name, "" if clears(verb) else "=now"
    for known in draft.fields.values():
        if known.type == "boolean" and known.name.lower().removeprefix("is") in (name, f"_{name}"):
            return known.name, not clears(verb)
    draft.fields.setdefault(name, ShadowField(name=name, type="boolean", origin="transition"))
    return draft.fields[name].name, not clears(verb)
