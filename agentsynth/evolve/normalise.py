"""A raw tool's parameters in one form: draft 2020-12, no references, one way to say "or null".

The raw tool is never changed; this is a view beside it. Whatever the raw schema accepts, the view
accepts too, with one exception that is noted as `type_assumed`: where a node names properties and
no type, an object is meant. All that was rewritten, dropped or given up is told in notes.

Arguments are validated against the view and never against a raw schema: endless references in one
end in a crash of the validator that no `except Exception` holds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from pydantic import JsonValue

from agentsynth.evolve.schema_keywords import ANNOTATIONS, COMBINATORS, KINDS, Kind, is_legal
from agentsynth.evolve.schema_notes import LOSSES, Note
from agentsynth.evolve.schema_rewrites import (
    Say,
    joined_branches,
    modern,
    nullable,
    resolved,
    split_types,
)
from agentsynth.worlds.wire import JsonObject

__all__ = ["Parameters", "parameters_of"]

_MAX_DEPTH = 32
"""Schemas inside each other. The deepest of 4,088 real tools, measured, nests 13 levels."""
_MAX_NODES = 10_000
"""Schemas in one view; references can multiply without end."""
_MAX_OPEN = 2
"""How often one reference is opened inside itself before the recursion is cut."""
_MAX_PASSES = 5


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a tool takes, as later stages read it."""

    schema: JsonObject | None
    """An object schema with `properties`; None = unusable."""
    notes: tuple[Note, ...] = ()
    unusable: str | None = None
    """Why no schema could be had; None = there is one."""


@dataclass(frozen=True, slots=True)
class _Place:
    where: str = ""
    depth: int = 0
    opened: tuple[str, ...] = ()
    """References that are being inlined here."""
    same_value: bool = False
    """True = the node speaks of the value its parent speaks of."""

    def at(self, key: str) -> str:
        return f"{self.where}/{key.replace('~', '~0').replace('/', '~1')}"

    def inside(self, *keys: str, same_value: bool = False) -> "_Place":
        where = self.where
        for key in keys:
            where += f"/{key.replace('~', '~0').replace('/', '~1')}"
        return _Place(where, self.depth + 1, self.opened, same_value)


@dataclass(slots=True)
class _Pass:
    root: JsonObject
    old: bool
    notes: dict[Note, None] = field(default_factory=dict[Note, None])
    nodes: int = 0
    losses: int = 0

    def say(self, code: str, where: str) -> None:
        self.notes.setdefault(Note(code, where))
        self.losses += code in LOSSES or code == "type_assumed"


def parameters_of(raw: Mapping[str, JsonValue]) -> Parameters:
    """Return the parameters of a tool as a server lists it.

    The result is a fixed point: normalising it again changes nothing. Never raises on JSON.

    Args:
        raw: the tool; only `inputSchema` is read.
    """
    root = raw.get("inputSchema")
    reason = _unusable(root)
    if reason is not None:
        return Parameters(None, unusable=reason)
    schema = cast(JsonObject, root)
    notes: dict[Note, None] = {}
    for _ in range(_MAX_PASSES):
        before = schema
        schema, more = _normalised(before)
        notes.update(more)
        if schema == before or schema["type"] != "object":
            break
    if schema["type"] != "object":
        return Parameters(None, tuple(notes), "the parameters are not an object")
    lost = [note for note in notes if note.where == "" and note.code in LOSSES]
    if not schema["properties"] and lost:
        return Parameters(None, tuple(notes), f"the parameters could not be read: {lost[0].code}")
    return Parameters(schema, tuple(notes))


def _unusable(root: JsonValue) -> str | None:
    """Return why nothing can be read from an input schema; None = something can."""
    if not isinstance(root, dict):
        return "no input schema"
    named = root.get("type", "object")
    if named != "object" and not (isinstance(named, list) and "object" in named):
        return "the input schema is of another type than object"
    properties = root.get("properties", {})
    if not isinstance(properties, dict):
        return "the input schema's properties are not an object"
    speaks = _SPEAKS & root.keys()
    if "type" not in root and not speaks:
        return "the input schema has neither a type nor parameters: they were lost"
    if not properties and root.get("required") and not speaks - {"properties"}:
        return "the input schema requires parameters that it does not describe"
    strays = [key for key, value in root.items() if key not in KINDS and _is_parameter(key, value)]
    if not properties and strays:
        return "the parameters stand beside the input schema's properties, not in them"
    return None


_SPEAKS = COMBINATORS | {
    "$ref", "additionalProperties", "oneOf", "patternProperties", "properties",
}  # fmt: skip
"""Keywords at the root that say something of a tool's parameters."""


def _is_parameter(key: str, value: JsonValue) -> bool:
    return not key.startswith("$") and isinstance(value, dict) and "type" in value


def _normalised(root: JsonObject) -> tuple[JsonObject, dict[Note, None]]:
    """Return one pass over a schema, and its notes."""
    declared = root.get("$schema")
    old = isinstance(declared, str) and any(f"draft-0{n}" in declared for n in range(3, 8))
    run = _Pass(root, old)
    # A call's arguments are never null, whatever an OpenAPI flag says of them.
    start = {key: value for key, value in root.items() if key != "nullable"}
    if root.get("type", []) != "object" and "$ref" not in root:
        run.say("root_type", "/type")
        start = {**start, "type": "object"}
    made = _schema(start, _Place(), run)
    if "$ref" in root:
        made = {"type": "object", **made}
    return {**made, "properties": made.get("properties", {})}, run.notes


def _schema(node: JsonValue, place: _Place, run: _Pass) -> JsonObject:
    """Return one node normalised."""
    run.nodes += 1
    if isinstance(node, bool):
        run.say("boolean_schema", place.where)
        return {} if node else {"not": {}}
    if not isinstance(node, dict):
        return _lost("not_a_schema", place, run)
    if place.depth > _MAX_DEPTH:
        return {} if not node else _lost("too_deep", place, run)
    if run.nodes > _MAX_NODES:
        return {} if not node else _lost("too_large", place, run)
    if "$ref" in node:
        return _inlined(node, place, run)
    return _finished(_kept(node, place, run), place, run)


def _lost(code: str, place: _Place, run: _Pass) -> JsonObject:
    run.say(code, place.where)
    return {}


def _inlined(node: JsonObject, place: _Place, run: _Pass) -> JsonObject:
    """Return a node with what its `$ref` names in the reference's place."""
    reference = node["$ref"]
    beside: JsonObject = {key: value for key, value in node.items() if key != "$ref"}
    if run.old and beside.keys() - ANNOTATIONS:
        run.say("beside_reference", place.where)
        beside = {key: value for key, value in beside.items() if key in ANNOTATIONS}
    around = _schema(beside, replace(place, same_value=True), run)
    found = resolved(run.root, reference) if isinstance(reference, str) else None
    if not isinstance(reference, str) or not isinstance(found, dict | bool):
        run.say("reference_lost", place.where)
        return around
    if place.opened.count(reference) >= _MAX_OPEN:
        run.say("recursion_cut", place.where)
        return around
    run.say("reference_inlined", place.where)
    opened = (*place.opened, reference)
    inner = _Place(place.where, place.depth + 1, opened, place.same_value)
    target = _schema(found, inner, run)
    if not around.keys() - ANNOTATIONS:
        return {**target, **around}
    others = cast(list[JsonValue], around.get("allOf", []))
    return {**around, "allOf": [*others, target]} if target else around


def _kept(node: JsonObject, place: _Place, run: _Pass) -> JsonObject:
    """Return the legal keywords of a node, their schemas normalised."""
    made: JsonObject = {}
    looser: set[str] = set()
    spelled = modern(node, old=run.old, say=lambda code, key: run.say(code, place.at(key)))
    for key, value in spelled.items():
        kind = KINDS.get(key)
        if kind is None:
            run.say("given_up" if _counts(key) else "dropped_key", place.at(key))
        elif not is_legal(kind, value):
            run.say("pattern_dropped" if kind == "pattern" else "invalid_keyword", place.at(key))
        else:
            before = run.losses
            rewrite = _REWRITES.get(kind)
            made[key] = rewrite(key, value, place, run) if rewrite else value
            looser |= {key} if run.losses > before else set()
    _settle(made, looser, place, run)
    return made


def _counts(key: str) -> bool:
    """Return whether a keyword that no view keeps forbids something."""
    return key in ("$dynamicRef", "$recursiveRef") or key.startswith("unevaluated")


def _settle(made: JsonObject, looser: set[str], place: _Place, run: _Pass) -> None:
    """Take out what would forbid more than before, now that some keywords accept more."""
    for key, victim in _FORBIDS_MORE:
        if key in looser and victim in made:
            del made[victim]
            run.say("given_up", place.at(victim))
    if "if" not in made:
        for key in ("then", "else"):
            if made.pop(key, None) is not None:
                run.say("dropped_key", place.at(key))
    if "oneOf" in looser:
        run.say("one_of_loosened", place.at("oneOf"))
        branches = cast(list[JsonObject], made.pop("oneOf"))
        if "anyOf" not in made:
            made["anyOf"] = cast(JsonValue, joined_branches(branches))


_FORBIDS_MORE = (
    ("not", "not"),
    ("if", "if"),
    ("contains", "maxContains"),
    ("patternProperties", "additionalProperties"),
)
"""If the first keyword accepts more than it did, the second one would forbid more."""


def _one(key: str, value: JsonValue, place: _Place, run: _Pass) -> JsonValue:
    same = key in ("not", "if", "then", "else")
    return _schema(value, place.inside(key, same_value=same), run)


def _open(key: str, value: JsonValue, place: _Place, run: _Pass) -> JsonValue:
    if isinstance(value, bool) and not (value and key == "items"):
        return value
    return _schema(value, place.inside(key), run)


def _several(key: str, value: JsonValue, place: _Place, run: _Pass) -> JsonValue:
    same = key != "prefixItems"
    branches = [
        _schema(item, place.inside(key, str(number), same_value=same), run)
        for number, item in enumerate(cast(list[JsonValue], value))
    ]
    if key != "anyOf":
        return cast(JsonValue, branches)
    joined = joined_branches(branches)
    if joined != branches:
        run.say("branches_joined", place.at(key))
    return cast(JsonValue, joined)


def _named(key: str, value: JsonValue, place: _Place, run: _Pass) -> JsonValue:
    same = key == "dependentSchemas"
    return {
        name: _schema(item, place.inside(key, name, same_value=same), run)
        for name, item in cast(JsonObject, value).items()
    }


def _patterns(key: str, value: JsonValue, place: _Place, run: _Pass) -> JsonValue:
    made: JsonObject = {}
    for pattern, item in cast(JsonObject, value).items():
        if is_legal("pattern", pattern):
            made[pattern] = _schema(item, place.inside(key, pattern), run)
        else:
            run.say("pattern_dropped", place.inside(key, pattern).where)
    return made


_Rewrite = Callable[[str, JsonValue, _Place, _Pass], JsonValue]
_REWRITES: Mapping[Kind, _Rewrite] = {
    "schema": _one,
    "open": _open,
    "schemas": _several,
    "schema_map": _named,
    "pattern_map": _patterns,
}


def _finished(node: JsonObject, place: _Place, run: _Pass) -> JsonObject:
    """Return a node whose keywords agree with each other, in the forms we keep to."""

    def say(code: str, key: str) -> None:
        run.say(code, place.at(key))

    made = nullable(split_types(node, say), say)
    alone = made.get("allOf")
    if isinstance(alone, list) and len(alone) == 1 and not made.keys() - ANNOTATIONS - {"allOf"}:
        say("all_of_merged", "allOf")
        made = {**cast(JsonObject, alone[0]), **made}
        # Its own `allOf`, if the merged branch has one, stands; ours is spent.
        inner = cast(JsonObject, alone[0]).get("allOf")
        made = {key: value for key, value in made.items() if key != "allOf"}
        made |= {} if inner is None else {"allOf": inner}
    if made.get("type") == "array" and "items" not in made:
        say("items_added", "items")
        made = {**made, "items": {}}
    shared = place.same_value or made.keys() & (COMBINATORS | {"oneOf", "patternProperties"})
    if shared or "properties" not in made:
        return made
    return _agreeing(made, say)


def _agreeing(node: JsonObject, say: Say) -> JsonObject:
    """Return a node that alone describes an object, with a type and only known names required."""
    known = cast(JsonObject, node["properties"])
    names = cast(list[JsonValue], node.get("required", []))
    made: JsonObject = node
    if "type" not in node:
        say("type_assumed", "type")
        made = {"type": "object", **node}
    if any(name not in known for name in names):
        say("required_unknown", "required")
        made = {**made, "required": cast(JsonValue, [name for name in names if name in known])}
    return made
