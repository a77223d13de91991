"""Small rewrites of one schema node: older drafts' spellings, type lists, ways to say "or null".

Each takes a node and returns a new one. What a node accepts stays the same, but where a note with a
code of `schema_notes.LOSSES` says otherwise.
"""

from collections.abc import Callable
from typing import cast

from pydantic import JsonValue

from agentsynth.core.ids import canonical_json
from agentsynth.evolve.schema_keywords import NEWER_THAN_DRAFT_7, OF_TYPE, TYPES, has_type
from agentsynth.worlds.wire import JsonObject

__all__ = ["Say", "joined_branches", "modern", "nullable", "resolved", "split_types"]

Say = Callable[[str, str], None]
"""Takes a note's code and the keyword it is about."""

_NULL: JsonObject = {"type": "null"}


def resolved(root: JsonObject, reference: str) -> JsonValue:
    """Return what a local reference (`#`, `#/$defs/x`, `#/properties/y`) names; None = nothing."""
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    found: JsonValue = root
    for step in reference[2:].split("/"):
        # In a pointer ~1 stands for a slash and ~0 for a tilde, in a fragment %25 for a percent.
        name = _unquoted(step).replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and len(name) < 9:
            found = found[int(name)] if int(name) < len(found) else None
        else:
            return None
    return found


def _unquoted(step: str) -> str:
    for code, sign in (("%24", "$"), ("%7B", "{"), ("%7D", "}"), ("%20", " "), ("%25", "%")):
        step = step.replace(code, sign)
    return step


def modern(node: JsonObject, *, old: bool, say: Say) -> JsonObject:
    """Return the node with draft 2020-12 spellings in place of older ones.

    Args:
        node: one node; the schemas in it are left as they are.
        old: True = the schema declares draft-07 or older, so newer keywords have no effect in it.
        say: told what was rewritten or dropped.
    """
    made = dict(node)
    if old:
        for word in NEWER_THAN_DRAFT_7 & made.keys():
            del made[word]
            say("dropped_key", word)
        _split_dependencies(made, say)
    _modern_items(made, say)
    for word, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(made.get(word), bool):
            say("older_spelling", word)
            if made.pop(word) and limit in made:
                made[word] = made.pop(limit)
    if isinstance(made.get("required"), list):
        names = cast(list[JsonValue], made["required"])
        unique = list(dict.fromkeys(name for name in names if isinstance(name, str)))
        if len(unique) != len(names):
            say("required_repaired", "required")
            made["required"] = cast(JsonValue, unique)
    if made.pop("nullable", None) is True and isinstance(made.get("type"), str):
        say("null_added", "nullable")
        made["type"] = [made["type"], "null"]
        if isinstance(made.get("enum"), list):
            made["enum"] = [*cast(list[JsonValue], made["enum"]), None]
    return made


def _modern_items(made: JsonObject, say: Say) -> None:
    """Turn a list of `items` into `prefixItems`, and `additionalItems` into `items`."""
    listed = made.get("items")
    if not isinstance(listed, list):
        return
    say("older_spelling", "items")
    del made["items"]
    if listed:
        made["prefixItems"] = listed
    if "additionalItems" in made:
        made["items"] = made.pop("additionalItems")


def _split_dependencies(made: JsonObject, say: Say) -> None:
    given = made.pop("dependencies", None)
    if not isinstance(given, dict):
        return
    say("older_spelling", "dependencies")
    names: JsonObject = {key: value for key, value in given.items() if isinstance(value, list)}
    schemas: JsonObject = {key: value for key, value in given.items() if key not in names}
    if names:
        made["dependentRequired"] = names
    if schemas:
        made["dependentSchemas"] = schemas


def split_types(node: JsonObject, say: Say) -> JsonObject:
    """Return the node with a list of types as an `anyOf` of one branch per type, null last.

    A node that has an `anyOf` of its own keeps its list, which is legal though not the one form.
    """
    listed = node.get("type")
    if not isinstance(listed, list):
        return node
    types = [name for name in TYPES if name in listed]
    if "number" in types and "integer" in types:
        types.remove("integer")
    branches = [made for name in types if (made := _branch(node, name)) is not None]
    outside = _without_typed(node)
    if len(branches) == 1:
        say("one_type", "type")
        return {**outside, **branches[0]}
    if not branches or "anyOf" in node:
        say("type_list_kept", "type")
        return node
    say("type_list_split", "type")
    return {**outside, "anyOf": cast(JsonValue, branches)}


def _without_typed(node: JsonObject) -> JsonObject:
    typed = frozenset[str]().union(*OF_TYPE.values()) | {"type", "enum", "const"}
    return {key: value for key, value in node.items() if key not in typed}


def _branch(node: JsonObject, name: str) -> JsonObject | None:
    """Return what the node says of values of one type; None = it accepts none of them."""
    made: JsonObject = {"type": name}
    for key, value in node.items():
        if key in OF_TYPE[name]:
            made[key] = value
        elif key == "const":
            if not has_type(value, name):
                return None
            made[key] = value
        elif key == "enum":
            fitting = [item for item in cast(list[JsonValue], value) if has_type(item, name)]
            if not fitting:
                return None
            made[key] = fitting
    # A null type says all there is to say.
    return dict(_NULL) if name == "null" else made


def joined_branches(branches: list[JsonObject]) -> list[JsonObject]:
    """Return the branches of an `anyOf` flat, each once, null last."""
    flat: dict[str, JsonObject] = {}
    for branch in branches:
        inner = branch["anyOf"] if branch.keys() == {"anyOf"} else [branch]
        for item in cast(list[JsonObject], inner):
            flat.setdefault(canonical_json(item), item)
    return sorted(flat.values(), key=lambda branch: branch == _NULL)


def nullable(node: JsonObject, say: Say) -> JsonObject:
    """Return the node with `oneOf [X, null]` as `anyOf [X, null]`, where X has a type of its own.

    The two accept the same values then, and `anyOf` is what most readers of schemas understand.
    """
    branches = node.get("oneOf")
    if not isinstance(branches, list) or len(branches) != 2 or "anyOf" in node:
        return node
    ordered = sorted(cast(list[JsonObject], branches), key=lambda branch: branch == _NULL)
    if ordered[1] != _NULL or ordered[0].get("type", "null") == "null":
        return node
    say("one_of_null", "oneOf")
    rest = {key: value for key, value in node.items() if key != "oneOf"}
    return {**rest, "anyOf": cast(JsonValue, joined_branches(ordered))}
