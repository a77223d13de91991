"""What each tool does to its entity: every required parameter explained, or no operation."""

from collections.abc import Callable

from agentsynth.evolve.shadows.creating import create
from agentsynth.evolve.shadows.drafts import Draft
from agentsynth.evolve.shadows.entities import Group
from agentsynth.evolve.shadows.keyed import delete, get, transition, update
from agentsynth.evolve.shadows.lexis import MODES
from agentsynth.evolve.shadows.listing import list_records
from agentsynth.evolve.shadows.model import LeftOut, Operation, ShadowField
from agentsynth.evolve.shadows.outputs import Laid, laid_out, output_fields, shape_of
from agentsynth.evolve.shadows.reading import Reading
from agentsynth.evolve.shadows.words import snake

__all__ = ["Draft", "draft_of"]


def draft_of(group: Group, groups: dict[str, Group]) -> Draft:
    """Work out the operations of one noun: creating first, which says what a record holds."""
    draft = Draft(group, groups)
    _take_known(draft)
    laid = _laid(group)
    order = {"create": 0, "update": 1, "get": 2, "delete": 2, "list": 3}
    for reading in sorted(group.readings, key=lambda r: order.get(r.deed or "", 1)):
        modes = next((param.name for param in reading.params if param.snake in MODES), None)
        if modes is not None and reading.said is None:
            draft.out(reading, "several_in_one", modes)
            continue
        work = _WORK.get(reading.deed or "", transition)
        draft.told = _told(reading, group)
        operation = work(reading, draft)
        if operation is not None and (wanted := _wants_refused(reading, operation)) is not None:
            draft.out(reading, "wants_refused", wanted)
            continue
        if operation is not None:
            if reading.said is not None or group.said is not None or draft.told:
                operation = operation.model_copy(update={"reviewed": True})
            draft.operations[reading.tool] = operation
            draft.created |= operation.deed == "create"
    _require_what_all_give(draft)
    _take_outputs(draft, laid)
    _keep_the_key(draft)
    return draft


def _told(reading: Reading, group: Group) -> dict[str, str]:
    """Return what an overlay says that a tool's parameters refer to."""
    told = {p.name: group.refers[p.name] for p in reading.params if p.name in group.refers}
    return {**told, **(reading.said.refers if reading.said is not None else {})}


def _keep_the_key(draft: Draft) -> None:
    """Leave out what would write the key of a record, which the world gives."""
    if draft.group.named_by:
        return
    key = draft.group.key or "id"
    draft.fields = {name: one for name, one in draft.fields.items() if one.name != key}
    for tool, one in list(draft.operations.items()):
        if key in (*one.sets.values(), *one.filters.values(), *one.scope.values(), *one.fixed):
            del draft.operations[tool]
            draft.left_out.append(LeftOut(tool=tool, reason="writes_key", detail=key))


def _wants_refused(reading: Reading, operation: Operation) -> str | None:
    """Return an optional parameter that the description asks for and that is not understood.

    What a reviewed overlay refuses for the tool, it has been read with its description.
    """
    reviewed = reading.said.refuse if reading.said is not None else ()
    text = reading.description.lower()
    for name in (name for name in operation.refused if name not in reviewed):
        bare = name.rpartition(".")[2].replace("_", "-").lower()
        at = text.find(bare)
        if len(bare) > 4 and at >= 0 and "requir" in text[max(0, at - 40) : at + 40]:
            return name
    return None


def _take_known(draft: Draft) -> None:
    """Add the fields that a reviewed overlay says records have."""
    said = draft.group.said
    for name, form in said.fields.items() if said is not None else ():
        assert said is not None
        values = form if isinstance(form, tuple) else ()
        draft.fields[snake(name)] = ShadowField(
            name=name,
            type="enum" if isinstance(form, tuple) else form,
            values=values,
            ref=said.refers.get(name),
            origin="reviewed",
        )


def _laid(group: Group) -> dict[str, Laid]:
    """Read the output schemas of a noun's tools; one that shows an id gives the records a key."""
    found: dict[str, Laid] = {}
    for reading in group.readings:
        if reading.output is None or reading.deed is None:
            continue
        laid = laid_out(reading.output, reading.deed, group.noun)
        if laid is not None:
            found[reading.tool] = laid
            if not group.key and reading.deed in ("get", "list") and "id" in laid.record:
                group.key = "id"
    return found


def _take_outputs(draft: Draft, laid: dict[str, Laid]) -> None:
    """Add the fields that output schemas tell of, and lay results out as they say."""
    key = draft.group.key or "id"
    for tool, operation in draft.operations.items():
        if tool in laid and operation.deed in ("get", "list", "create"):
            for one in output_fields(laid[tool], key):
                draft.fields.setdefault(snake(one.name), one)
    for tool, operation in list(draft.operations.items()):
        if tool not in laid or not laid[tool].record:
            continue
        shape = shape_of(laid[tool], operation.deed, key, draft.fields)
        if isinstance(shape, str):
            del draft.operations[tool]
            draft.left_out.append(LeftOut(tool=tool, reason="output", detail=shape))
        else:
            draft.operations[tool] = operation.model_copy(update={"shape": shape})


def _require_what_all_give(draft: Draft) -> None:
    """Let a field be required only where whatever creates a record gives it."""
    makers = [one for one in draft.operations.values() if one.deed == "create"]
    for name, one in draft.fields.items():
        always = all(
            any(maker.sets[parameter] == one.name for parameter in maker.needs) for maker in makers
        )
        if one.required and not always:
            draft.fields[name] = one.model_copy(update={"required": False})


_WORK: dict[str, Callable[[Reading, Draft], Operation | None]] = {
    "create": create,
    "get": get,
    "list": list_records,
    "update": update,
    "delete": delete,
}
