"""Tools that make records: every required parameter is a value, an owner or the key."""

from dataclasses import dataclass, field

from agentsynth.evolve.shadows.drafts import Draft, field_for, is_key, is_ref
from agentsynth.evolve.shadows.model import Operation
from agentsynth.evolve.shadows.parameters import Param
from agentsynth.evolve.shadows.reading import Reading

__all__ = ["create", "is_payload"]

_PAYLOADS = frozenset(
    [
        "data",
        "body",
        "spec",
        "config",
        "configuration",
        "properties",
        "attributes",
        "payload",
        "input",
        "settings",
        "params",
        "parameters",
        "content",
        "definition",
        "object",
        "values",
        "records",
        "items",
        "options",
        "request",
    ]
)


_LANGUAGE = frozenset(
    ["sql", "statement", "script", "code", "expression", "program", "template_body"]
)
"""Parameters in a language of their own, which a shadow would have to carry out."""


def is_payload(param: Param, draft: Draft) -> bool:
    """Whether an object that was not understood is what the call is all about."""
    deep = param.schema.get("type") in (None, "object", "array") and param.type is None
    own = param.stem == draft.group.words[-len(param.stem) :] if param.stem else False
    return deep and (own or param.snake in _PAYLOADS)


def _joins_known(reading: Reading, draft: Draft) -> bool:
    """Whether `add` puts existing records somewhere, instead of making one."""
    if reading.name.verb != "add":
        return False
    makes = any(r.deed == "create" and r.name.verb == "create" for r in draft.group.readings)
    names_them = any(
        param.required
        and (param.snake.endswith("_ids") or (param.kind == "key" and param.stem))
        and tuple(param.stem[:-1] if param.snake.endswith("_ids") else param.stem)
        == draft.group.words[-len(param.stem) :]
        for param in reading.params
    )
    return makes or names_them or "association" in draft.group.words


def create(reading: Reading, draft: Draft) -> Operation | None:
    """Return what a tool does that makes a record; None = it is not understood."""
    if _joins_known(reading, draft):
        return draft.out(reading, "link")
    read = _Read()
    for param in reading.params:
        reason = read.take(param, draft)
        if reason is not None:
            return draft.out(reading, reason, param.name)
    payload = [p.name for p in reading.params if p.name in read.refused and is_payload(p, draft)]
    if payload:
        return draft.out(reading, "payload", payload[0])
    own = [name for name in read.sets.values() if not is_ref(name, draft)]
    if not own and read.key is None:
        return draft.out(reading, "only_references")
    if draft.group.named_by and read.key is None and draft.group.key not in read.sets.values():
        return draft.out(reading, "key_not_given", draft.group.key)
    return Operation(
        tool=reading.tool,
        deed="create",
        entity=draft.group.noun,
        key=read.key,
        sets=read.sets,
        needs=tuple(p.name for p in reading.required() if p.name in read.sets),
        refused=tuple(read.refused),
    )


@dataclass(slots=True)
class _Read:
    """What the parameters of a creating tool are, as far as they were read."""

    key: str | None = None
    sets: dict[str, str] = field(default_factory=dict[str, str])
    refused: list[str] = field(default_factory=list[str])

    def take(self, param: Param, draft: Draft) -> str | None:
        """Take one parameter in; return why the tool is not understood, None = it may be."""
        if param.kind in ("key", "name") and is_key(param, draft.group):
            return self._take_key(param, draft)
        if param.required and (param.kind == "query" or param.snake in _LANGUAGE):
            return "language"
        made = None
        if param.kind in ("key", "name", "value", "query") or param.required:
            made = field_for(param, draft, "create")
        if made is not None and param.kind not in ("limit", "page", "offset", "cursor", "meta"):
            self.sets[param.name] = made.name
        elif param.required:
            return "parameter"
        else:
            self.refused.append(param.name)
        return None

    def _take_key(self, param: Param, draft: Draft) -> str | None:
        if not param.required:
            self.refused.append(param.name)
        elif draft.group.named_by:
            self.key = param.name
        else:
            return "key_given"
        return None
