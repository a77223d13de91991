"""From a server's specifications to entities and operations, without a model and without a name."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from agentsynth.evolve.shadows.entities import Group, groups_of
from agentsynth.evolve.shadows.model import (
    Inferred,
    LeftOut,
    Operation,
    ShadowEntity,
    ShadowField,
)
from agentsynth.evolve.shadows.operations import Draft, draft_of
from agentsynth.evolve.shadows.overlay import Overlay
from agentsynth.evolve.shadows.parameters import Param, key_number
from agentsynth.evolve.shadows.reading import read_tools
from agentsynth.evolve.shadows.words import snake

__all__ = ["infer"]

_CONTENT = frozenset(
    [
        "text",
        "content",
        "body",
        "html",
        "markdown",
        "readme",
        "abstract",
        "transcript",
        "article",
        "summary_text",
        "logs",
        "log",
        "output",
        "excerpt",
        "snippet",
    ]
)
"""What only the world can know: nobody makes it up where no tool writes it."""
_FILES = frozenset(["file", "directory", "folder", "path", "range", "cell"])
"""A file system is a tree of paths and a sheet a grid of cells; records are neither."""

_NATURAL = (
    "title", "name", "summary", "subject", "display_name", "full_name", "label", "email",
    "description", "text", "content", "body", "message", "url",
)  # fmt: skip


def infer(
    server: str, tools: Sequence[Mapping[str, JsonValue]], overlay: Overlay | None = None
) -> Inferred:
    """Infer what can be honestly said of a server's tools.

    Args:
        server: its name, for the record only.
        tools: as it lists them.
        overlay: what a person knows beside that; None = nothing.
    """
    readings = read_tools(tools, overlay)
    left = [LeftOut(tool=r.tool, reason=r.why) for r in readings if r.why]
    left += [LeftOut(tool=r.tool, reason="verb") for r in readings if not r.why and r.deed is None]
    groups = groups_of(readings, overlay)
    drafts = {noun: draft_of(group, groups) for noun, group in groups.items()}
    entities: dict[str, ShadowEntity] = {}
    operations: dict[str, Operation] = {}
    for noun, draft in drafts.items():
        left += draft.left_out
        reason = _unfit(draft)
        if reason is not None:
            left += [LeftOut(tool=tool, reason=reason) for tool in draft.operations]
            continue
        entities[noun] = _entity(draft.group, draft)
        operations.update(draft.operations)
    entities, operations, dropped = _closed(entities, operations, drafts)
    return Inferred(
        server=server,
        entities=entities,
        operations=operations,
        left_out=tuple(sorted([*left, *dropped], key=lambda one: one.tool)),
    )


def _unfit(draft: Draft) -> str | None:
    """Return why nothing of an entity can be shown to be true; None = it can."""
    deeds = {operation.deed for operation in draft.operations.values()}
    if not deeds & {"get", "list"}:
        return "no_reader"
    made = "create" in deeds or "update" in deeds
    told = {*draft.fields, draft.group.words[-1]}
    if not made and (told & _CONTENT or draft.group.words[-1] == "summary"):
        return "content"
    kind = draft.group.noun.rpartition("_")[2]
    told = draft.group.said is not None and bool(draft.group.said.fields)
    if not told and kind in _FILES and (kind in ("range", "cell") or not _is_owned(draft)):
        return "files"
    if not any(one.origin in ("input", "output", "reviewed") for one in draft.fields.values()):
        named = draft.group.named_by and "create" in deeds
        return None if named else "no_fields"
    return None


def _hidden(noun: str, param: Param | None) -> ShadowEntity:
    """Return an entity that is only spoken of as an owner: keys or names, and nothing else."""
    named = param is not None and param.kind in ("name", "value")
    number = param is not None and key_number(param)
    key = "name" if named else "id"
    return ShadowEntity(
        name=noun, key=key, key_number=number, named_by=named, hidden=True, fields=()
    )


def _is_owned(draft: Draft) -> bool:
    return any(one.ref is not None for one in draft.fields.values())


def _entity(group: Group, draft: Draft) -> ShadowEntity:
    fields = tuple(draft.fields.values())
    return ShadowEntity(
        name=group.noun,
        key=group.key or "id",
        key_number=group.number,
        named_by=group.named_by,
        fields=fields,
        natural=None if group.named_by else _told_natural(group) or _natural(fields),
    )


def _told_natural(group: Group) -> str | None:
    return group.said.natural if group.said is not None else None


def _natural(fields: Sequence[ShadowField]) -> str | None:
    texts = {snake(one.name): one.name for one in fields if one.type == "string" and not one.ref}
    return next((texts[name] for name in _NATURAL if name in texts), None)


def _closed(
    entities: dict[str, ShadowEntity],
    operations: dict[str, Operation],
    drafts: Mapping[str, Draft],
) -> tuple[dict[str, ShadowEntity], dict[str, Operation], list[LeftOut]]:
    """Give every reference something to refer to: a known entity, or a hidden one of keys."""
    kept = dict(entities)
    for draft in drafts.values():
        if draft.group.noun not in entities:
            continue
        for one in draft.fields.values():
            if one.ref is None or one.ref in kept:
                continue
            kept[one.ref] = _hidden(one.ref, draft.hidden.get(one.ref))
    return kept, operations, []
