"""What each tool does to its entity: every required parameter explained, or no operation at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agentsynth.evolve.shadows.entities import Group, field_of, refers_to
from agentsynth.evolve.shadows.model import LeftOut, Operation, Paging, ShadowField
from agentsynth.evolve.shadows.outputs import Laid, laid_out, output_fields, shape_of
from agentsynth.evolve.shadows.parameters import MODES, Param
from agentsynth.evolve.shadows.reading import Reading, has_stem, languages
from agentsynth.evolve.shadows.words import TRANSITIONS, clears, snake

__all__ = ["Draft", "draft_of"]

_STATUS = ("status", "state")
_STATUS_WORDS = {
    "close": ("closed", "close"), "reopen": ("open", "opened", "reopened"),
    "complete": ("completed", "complete", "done"), "cancel": ("cancelled", "canceled"),
    "archive": ("archived",), "resolve": ("resolved",), "acknowledge": ("acknowledged",),
    "publish": ("published",), "pause": ("paused",), "approve": ("approved",),
    "enable": ("enabled", "active"), "disable": ("disabled", "inactive"),
    "activate": ("active", "activated"), "deactivate": ("inactive", "deactivated"),
}  # fmt: skip


@dataclass(slots=True)
class Draft:
    """One entity while its operations are being worked out."""

    group: Group
    groups: dict[str, Group]
    fields: dict[str, ShadowField] = field(default_factory=dict[str, ShadowField])
    """By the name all tools agree on."""
    operations: dict[str, Operation] = field(default_factory=dict[str, Operation])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])
    hidden: dict[str, Param] = field(default_factory=dict[str, Param])
    """Entities that are only spoken of as scopes, with a parameter that holds their key."""
    created: bool = False
    told: dict[str, str] = field(default_factory=dict[str, str])
    """What an overlay says that parameters of the tool at hand refer to."""

    def out(self, reading: Reading, reason: str, detail: str = "") -> None:
        """Note a tool without an operation."""
        self.left_out.append(LeftOut(tool=reading.tool, reason=reason, detail=detail))


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
        work = _WORK.get(reading.deed or "", _transition)
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


def _own_key(reading: Reading, draft: Draft) -> Param | None:
    name = draft.group.keys.get(reading.tool)
    return next((param for param in reading.params if param.name == name), None)


def _reference(param: Param, draft: Draft) -> str | None:
    """Return the entity whose key a parameter holds, a hidden one where no tool shows it."""
    if param.name in draft.told:
        if draft.told[param.name] not in draft.groups:
            draft.hidden.setdefault(draft.told[param.name], param)
        return draft.told[param.name]
    found = refers_to(param, draft.group, draft.groups)
    if found is not None:
        return found
    noun = _owner_noun(param, draft)
    if noun is not None and param.required:
        draft.hidden.setdefault(noun, param)
        return noun
    return None


def _owner_noun(param: Param, draft: Draft) -> str | None:
    """Return what a parameter names that no tool shows: `zone` for `zone_id`, `owner` for `owner`."""
    if param.kind in ("key", "name"):
        named = param.kind == "key" or (
            param.snake.split("_")[-1] in ("name", "slug", "login")
            and param.stem
            and param.stem[-1] in _OWNERS
        )
        foreign = bool(param.stem) and not has_stem(param.stem, draft.group.words)
        return "_".join(param.stem) if named and foreign else None
    if (
        param.kind == "value"
        and param.type == "string"
        and param.stem[-1:]
        and param.stem[-1] in _OWNERS
    ):
        return "_".join(param.stem)
    return None


def _field(param: Param, draft: Draft, origin: str) -> ShadowField | None:
    """Return the field a parameter stands for, made where it is not known yet."""
    ref = _reference(param, draft) if param.kind in ("key", "value", "name") else None
    kind = param.type
    if ref is not None and (kind in ("string", "integer") or param.reaches):
        kind = "string"
    if kind is None:
        return None
    name = field_of(param)
    known = draft.fields.get(name)
    if known is not None and known.origin == "reviewed" and known.type == "enum":
        known = draft.fields[name] = _widened(known, param)
    if known is not None:
        return known if known.type == kind or {known.type, kind} <= {"string", "text", "enum", "date"} else None  # fmt: skip
    values = tuple(param.schema.get("enum", ())) if kind == "enum" else ()
    default = param.schema.get("default")
    made = ShadowField(
        name=_shown(param),
        type=kind,
        values=values,
        description=str(param.schema.get("description", ""))[:300],
        ref=ref,
        origin="scope" if origin == "scope" else "input",
        required=param.required and origin == "create",
        default=default if isinstance(default, str | int | bool) and default != "" else None,
    )
    draft.fields[name] = made
    return made


def _widened(known: ShadowField, param: Param) -> ShadowField:
    """Return a reviewed enumeration as wide as what a tool may write to it."""
    if param.type == "enum":
        values = dict.fromkeys((*known.values, *param.schema.get("enum", ())))
        return known.model_copy(update={"values": tuple(values)})
    if param.type != "string":
        return known
    examples = "For example " + ", ".join(f"'{value}'" for value in known.values)
    return known.model_copy(update={"type": "string", "values": (), "description": examples})


def _shown(param: Param) -> str:
    """Return what results call the field: the parameter's own name, without `new_`."""
    bare = field_of(param)
    own = param.name.rpartition(".")[2]
    return own if bare == param.snake == snake(own) else bare


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


_OWNERS = frozenset(
    [
        "owner",
        "repo",
        "repository",
        "org",
        "organization",
        "workspace",
        "namespace",
        "database",
        "bucket",
        "project",
        "account",
        "team",
        "tenant",
        "vault",
        "cluster",
        "catalog",
        "dataset",
        "site",
        "zone",
        "script",
        "queue",
        "topic",
        "collection",
        "table",
        "index",
        "channel",
        "board",
        "group",
        "user",
        "role",
        "resource",
    ]
)
"""What things are kept in, where a parameter names it without saying `id` or `name`."""
_LANGUAGE = frozenset(
    ["sql", "statement", "script", "code", "expression", "program", "template_body"]
)
"""Parameters in a language of their own, which a shadow would have to carry out."""


def _is_payload(param: Param, draft: Draft) -> bool:
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


def _create(reading: Reading, draft: Draft) -> Operation | None:
    if _joins_known(reading, draft):
        return draft.out(reading, "link")
    sets: dict[str, str] = {}
    refused: list[str] = []
    key: str | None = None
    for param in reading.params:
        if param.kind in ("key", "name") and _is_key(param, draft.group):
            if draft.group.named_by and param.required:
                key = param.name
            elif param.required:
                return draft.out(reading, "key_given", param.name)
            else:
                refused.append(param.name)
            continue
        if param.required and (param.kind == "query" or param.snake in _LANGUAGE):
            return draft.out(reading, "language", param.name)
        made = None
        if param.kind in ("key", "name", "value", "query") or param.required:
            made = _field(param, draft, "create")
        if made is not None and param.kind not in ("limit", "page", "offset", "cursor", "meta"):
            sets[param.name] = made.name
        elif param.required:
            return draft.out(reading, "parameter", param.name)
        else:
            refused.append(param.name)
    payload = [p.name for p in reading.params if p.name in refused and _is_payload(p, draft)]
    if payload:
        return draft.out(reading, "payload", payload[0])
    own = [name for name in sets.values() if not _is_ref(name, draft)]
    if not own and key is None:
        return draft.out(reading, "only_references")
    if draft.group.named_by and key is None and draft.group.key not in sets.values():
        return draft.out(reading, "key_not_given", draft.group.key)
    return Operation(
        tool=reading.tool,
        deed="create",
        entity=draft.group.noun,
        key=key,
        sets=sets,
        needs=tuple(p.name for p in reading.required() if p.name in sets),
        refused=tuple(refused),
    )


def _is_ref(name: str, draft: Draft) -> bool:
    return any(one.name == name and one.ref is not None for one in draft.fields.values())


def _is_key(param: Param, group: Group) -> bool:
    """Whether a creating tool is given the key itself: a name that others take as the key."""
    if not group.key or not has_stem(param.stem, group.words):
        return False
    last = param.snake.split("_")[-1]
    own = "id" if last in ("id", "uuid", "guid", "uid", "identifier") else last
    return own == group.key


def _scope(reading: Reading, draft: Draft, param: Param) -> str | None:
    """Return the field that a required parameter beside the key must equal."""
    name = field_of(param)
    if name in draft.fields and (draft.fields[name].ref is not None or draft.created):
        return draft.fields[name].name
    vague = reading.deed == "list" and param.kind == "value" and param.name not in draft.told
    if draft.created or vague:
        return None
    if param.kind not in ("key", "name", "value") or _reference(param, draft) is None:
        return None
    made = _field(param, draft, "scope")
    return made.name if made is not None else None


def _keyed(
    reading: Reading, draft: Draft, takes: Callable[[Param], str | None]
) -> tuple[str, dict[str, str], dict[str, str], tuple[str, ...]] | None:
    """Read a tool on one record: its key, its scope, what it sets, what is refused."""
    key = _own_key(reading, draft)
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
    return _scope(reading, draft, param)


def _nothing(_param: Param) -> None:
    return None


def _get(reading: Reading, draft: Draft) -> Operation | None:
    found = _keyed(reading, draft, _nothing)
    if found is None:
        return None
    key, scope, _, refused = found
    return Operation(
        tool=reading.tool,
        deed="get",
        entity=draft.group.noun,
        key=key,
        scope=scope,
        refused=refused,
    )


def _delete(reading: Reading, draft: Draft) -> Operation | None:
    found = _keyed(reading, draft, _nothing)
    if found is None:
        return None
    key, scope, _, refused = found
    return Operation(
        tool=reading.tool,
        deed="delete",
        entity=draft.group.noun,
        key=key,
        scope=scope,
        refused=refused,
    )


def _update(reading: Reading, draft: Draft) -> Operation | None:
    def takes(param: Param) -> str | None:
        if param.kind in ("limit", "page", "offset", "cursor", "meta"):
            return None
        if _is_key(param, draft.group):
            return None  # another key for what is known by it
        made = _field(param, draft, "update")
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
    payload = [p.name for p in reading.params if p.name in refused and _is_payload(p, draft)]
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


def _transition(reading: Reading, draft: Draft) -> Operation | None:
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


def _list(reading: Reading, draft: Draft) -> Operation | None:
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
        if known.type in ("string", "enum", "integer", "boolean", "date") and param.type == known.type:  # fmt: skip
            return known.name
        return known.name if known.ref is not None and param.type is not None else None
    return _scope(reading, draft, param) if param.required else None


def _paged(paging: Paging, param: Param) -> Paging:
    default = param.schema.get("default")
    number = int(default) if isinstance(default, int | float) else None
    change: Mapping[str, str | int | None] = {param.kind: param.name}
    if param.kind == "limit":
        change = {**change, "default": number}
    return paging.model_copy(update=dict(change))


_WORK: dict[str, Callable[[Reading, Draft], Operation | None]] = {
    "create": _create,
    "get": _get,
    "list": _list,
    "update": _update,
    "delete": _delete,
}
