"""Tools that list records: owners, filters, a text to contain, pages."""

from collections.abc import Mapping

from agentsynth.evolve.shadows.drafts import Draft, scope_of
from agentsynth.evolve.shadows.entities import field_of
from agentsynth.evolve.shadows.model import Operation, Paging
from agentsynth.evolve.shadows.parameters import Param
from agentsynth.evolve.shadows.reading import Reading, has_stem, languages

__all__ = ["list_records"]


_COMPARED = ("string", "enum", "integer", "boolean", "date")
"""Types of fields that a filter may be equal to."""


def list_records(reading: Reading, draft: Draft) -> Operation | None:
    """Return what a tool does that lists records; None = it is not understood."""
    scope: dict[str, str] = {}
    filters: dict[str, str] = {}
    refused: list[str] = []
    query: str | None = None
    paging = Paging()
    for param in reading.params:
        if param.kind in ("limit", "page", "offset"):
            paging = _paged(paging, param)
        elif param.kind == "query" and query is None and _searchable(reading, param, draft):
            query = param.name
        elif (within := _filter(reading, draft, param)) is not None:
            if param.required and not _owns(within, draft):
                return draft.out(reading, "listed_by_value", param.name)
            (scope if param.required else filters)[param.name] = within
        elif param.required:
            return draft.out(reading, "parameter", param.name)
        elif _names_own(param, draft):
            return draft.out(reading, "one_or_many", param.name)
        else:
            refused.append(param.name)
    if reading.name.verb == "search" and query is None and not filters and not scope:
        return draft.out(reading, "search_without_query")
    return Operation(
        tool=reading.tool,
        deed="list",
        entity=draft.group.noun,
        scope=scope,
        filters=filters,
        query=query,
        paging=paging,
        refused=tuple(refused),
    )


def _owns(name: str, draft: Draft) -> bool:
    """Whether a list may have to be told this field: an owner, or one of a few values."""
    one = next(one for one in draft.fields.values() if one.name == name)
    return one.ref is not None or one.type in ("enum", "boolean")


def _names_own(param: Param, draft: Draft) -> bool:
    """Whether a parameter of a list picks records by their keys, one or many."""
    words = param.snake.split("_")
    if words[-1] == "ids":
        return has_stem(tuple(words[:-1]), draft.group.words)
    return param.kind == "key" and bool(param.stem) and has_stem(param.stem, draft.group.words)


def _searchable(reading: Reading, param: Param, draft: Draft) -> bool:
    texts = any(f.type == "string" and f.ref is None for f in draft.fields.values())
    return (texts or draft.group.named_by) and not languages(reading, param)


def _filter(reading: Reading, draft: Draft, param: Param) -> str | None:
    """Return the field a parameter of a list must equal."""
    if param.kind in ("cursor", "meta", "query"):
        return None
    known = draft.fields.get(field_of(param))
    if known is not None:
        if known.type in _COMPARED and param.type == known.type:
            return known.name
        return known.name if known.ref is not None and param.type is not None else None
    return scope_of(reading, draft, param) if param.required else None


def _paged(paging: Paging, param: Param) -> Paging:
    default = param.schema.get("default")
    number = int(default) if isinstance(default, int | float) else None
    change: Mapping[str, str | int | None] = {param.kind: param.name}
    if param.kind == "limit":
        change = {**change, "default": number}
    return paging.model_copy(update=dict(change))
