"""One tool as its name and parameters tell of it, before other tools are looked at."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue

from agentsynth.core.names import tokens_of
from agentsynth.evolve.shadows.lexis import TRANSITIONS
from agentsynth.evolve.shadows.offered import offered
from agentsynth.evolve.shadows.overlay import Overlay, OverlayTool
from agentsynth.evolve.shadows.parameters import Param, params_of
from agentsynth.evolve.shadows.words import Name, common_prefix, read_name

__all__ = ["Reading", "has_stem", "read_tools"]

_SINGLE = frozenset(
    ("create", "add", "update", "delete", "remove", "rename", "set", "move", *TRANSITIONS)
)
"""Verbs that here act on one record: with a plural they take lists, whose keys are hidden."""
_ASYNCHRONOUS = re.compile(
    r"(?i)\b(asynchronous(ly)?|in the background|long[- ]running|poll(ing)? (for|until)|job id|"
    r"task id to (check|poll)|(may|can) take (several|a few|up to))\b"
)
_LANGUAGES = re.compile(
    r"(?i)\b([jck]ql|sql|odata|soql|nrql|regex|regular expression|query language|query syntax|"
    r"search syntax|filter expression|operators?|lucene|glob|semantic|natural language|cypher|"
    r"graphql|embedding|vector|fuzzy)\b"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a tool seems to do."""

    tool: str
    name: Name
    deed: str | None
    """`create`, `get`, `list`, `update`, `delete`, or a verb of transition; None = not known."""
    params: tuple[Param, ...]
    description: str
    output: Mapping[str, Any] | None
    """The output schema, where it says more than that there is a text."""
    said: OverlayTool | None = None
    """What a reviewed overlay says of it; None = nothing."""
    why: str = ""
    """Why nothing can come of it; empty = nothing is known against it."""

    @property
    def noun(self) -> str:
        """What it acts on, in snake case; empty = not said."""
        return "_".join(self.name.noun)

    def required(self) -> tuple[Param, ...]:
        """Return the parameters that a call must have."""
        return tuple(param for param in self.params if param.required)


def read_tools(
    tools: Sequence[Mapping[str, JsonValue]], overlay: Overlay | None = None
) -> list[Reading]:
    """Read every tool of a server as it lists them, with what an overlay says of it."""
    names = [str(tool.get("name", "")) for tool in tools]
    prefix = common_prefix(names)
    known = overlay.tools if overlay is not None else {}
    never = frozenset(overlay.refuse) if overlay is not None else frozenset[str]()
    found: list[Reading] = []
    for tool, name in zip(tools, names, strict=True):
        reading = _reading(tool, read_name(name, prefix))
        reading = replace(reading, params=_without(reading.params, never))
        found.append(_corrected(reading, known[name]) if name in known else reading)
    return found


def _corrected(reading: Reading, known: OverlayTool) -> Reading:
    if known.leave_out is not None:
        return replace(reading, deed=None, why="reviewed", said=known)
    if reading.why == "unusable_schema":
        return reading
    name = reading.name
    if known.entity is not None:
        name = replace(name, noun=tuple(known.entity.split("_")))
    why = "" if known.does is not None or (known.entity and reading.deed) else reading.why
    kept = _without(reading.params, frozenset(known.refuse))
    params = tuple(_meant(param, known.means.get(param.name)) for param in kept)
    deed = known.does or reading.deed
    return replace(reading, name=name, deed=deed, params=params, why=why, said=known)


def _without(params: Sequence[Param], never: Set[str]) -> tuple[Param, ...]:
    """Return the parameters, those that must never be given marked as not about the records."""
    return tuple(
        replace(param, kind="meta") if param.name in never and not param.required else param
        for param in params
    )


def _meant(param: Param, field: str | None) -> Param:
    """Return a parameter as it would be read if it were called like the field it stands for."""
    if field is None:
        return param
    needed = [field] if param.required else []
    (read,) = params_of({"properties": {field: dict(param.schema)}, "required": needed})
    return replace(read, name=param.name)


def _reading(tool: Mapping[str, JsonValue], name: Name) -> Reading:
    description = str(tool.get("description") or "")
    spec = offered(tool)
    params = params_of(spec.schema) if spec is not None else ()
    why = ""
    if spec is None:
        why = "unusable_schema"
    elif name.verb is None:
        why = "no_verb"
    elif not name.noun:
        why = "no_noun"
    elif _is_batch(name, str(tool.get("name", "")), params):
        why = "batch"
    elif _ASYNCHRONOUS.search(description):
        why = "asynchronous"
    return Reading(
        tool=str(tool.get("name", "")),
        name=name,
        deed=_deed(name, params) if not why else None,
        params=params,
        description=description,
        output=_output(tool.get("outputSchema")),
        why=why,
    )


def _is_batch(name: Name, tool: str, params: Sequence[Param]) -> bool:
    """Whether a call acts on many records at once: then their keys are hidden in lists."""
    if not {"batch", "bulk", "multiple", "many"}.isdisjoint(tokens_of(tool)):
        return True
    many = any(param.required and param.schema.get("type") == "array" for param in params)
    own = any(param.required and param.kind in ("key", "name") for param in params)
    return name.plural and name.verb in _SINGLE and (many or not own)


def _deed(name: Name, params: Sequence[Param]) -> str | None:
    verb = name.verb
    if verb in TRANSITIONS:
        return verb
    match verb:
        case "create" | "delete" | "list":
            return verb
        case "update" | "rename" | "set" | "move" | "assign":
            return "update"
        case "add" | "comment":
            return "create" if not any(joint == "to" for joint, _ in name.tail) else "add"
        case "remove":
            return "delete" if not any(joint == "from" for joint, _ in name.tail) else "remove"
        case "search":
            return "list"
        case "get":
            return "list" if name.plural and not _own_key(name, params) else "get"
        case _:
            return None


def _own_key(name: Name, params: Sequence[Param]) -> bool:
    return any(
        param.required and param.kind == "key" and has_stem(param.stem, name.noun)
        for param in params
    )


def has_stem(stem: Sequence[str], noun: Sequence[str]) -> bool:
    """Whether a parameter's stem speaks of the noun itself: `issue` of `jira issue`."""
    size = len(stem)
    return size == 0 or tuple(noun[-size:]) == tuple(stem)


def languages(reading: Reading, param: Param) -> bool:
    """Whether a query is more than a text to be contained."""
    said = str(param.schema.get("description", ""))
    return bool(_LANGUAGES.search(said) or _LANGUAGES.search(reading.description))


def _output(raw: JsonValue) -> Mapping[str, Any] | None:
    """Return an output schema that names what is in a result; None = it only says 'a text'."""
    if not isinstance(raw, dict):
        return None
    properties = raw.get("properties")
    if not isinstance(properties, dict) or not properties:
        return None
    if len(properties) == 1:
        (only,) = properties.values()
        if isinstance(only, dict) and only.get("type") == "string":
            return None
    return raw
