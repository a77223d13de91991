"""One entity while its operations are worked out: its fields, its key, what it belongs to."""

from dataclasses import dataclass, field

from agentsynth.evolve.shadows.entities import Group, field_of, refers_to
from agentsynth.evolve.shadows.model import LeftOut, Operation, ShadowField
from agentsynth.evolve.shadows.parameters import Param
from agentsynth.evolve.shadows.reading import Reading, has_stem
from agentsynth.evolve.shadows.words import snake

__all__ = ["Draft", "field_for", "is_key", "is_ref", "own_key", "reference", "scope_of"]


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


def own_key(reading: Reading, draft: Draft) -> Param | None:
    """Return the parameter of a tool that holds its record's key; None = it has none."""
    name = draft.group.keys.get(reading.tool)
    return next((param for param in reading.params if param.name == name), None)


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


def reference(param: Param, draft: Draft) -> str | None:
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
    """Return what a parameter names that no tool shows: `zone` for `zone_id`, or `owner`."""
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


def field_for(param: Param, draft: Draft, origin: str) -> ShadowField | None:
    """Return the field a parameter stands for, made where it is not known yet."""
    ref = reference(param, draft) if param.kind in ("key", "value", "name") else None
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
        both_texts = {known.type, kind} <= {"string", "text", "enum", "date"}
        return known if known.type == kind or both_texts else None
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


def is_ref(name: str, draft: Draft) -> bool:
    """Whether a field holds the key of another record."""
    return any(one.name == name and one.ref is not None for one in draft.fields.values())


def is_key(param: Param, group: Group) -> bool:
    """Whether a creating tool is given the key itself: a name that others take as the key."""
    if not group.key or not has_stem(param.stem, group.words):
        return False
    last = param.snake.split("_")[-1]
    own = "id" if last in ("id", "uuid", "guid", "uid", "identifier") else last
    return own == group.key


def scope_of(reading: Reading, draft: Draft, param: Param) -> str | None:
    """Return the field that a required parameter beside the key must equal."""
    name = field_of(param)
    if name in draft.fields and (draft.fields[name].ref is not None or draft.created):
        return draft.fields[name].name
    vague = reading.deed == "list" and param.kind == "value" and param.name not in draft.told
    if draft.created or vague:
        return None
    if param.kind not in ("key", "name", "value") or reference(param, draft) is None:
        return None
    made = field_for(param, draft, "scope")
    return made.name if made is not None else None
