"""A server's inferred part as a domain: entities with seed records, tools with steps, a policy."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from agentsynth.core.domain import Mirrored
from agentsynth.core.schemas import plain
from agentsynth.evolve.normalise import parameters_of
from agentsynth.evolve.shadows.bank import noun_of
from agentsynth.evolve.shadows.forms import Forms, id_pattern, plural, taken_by
from agentsynth.evolve.shadows.model import Inferred, Operation, ShadowEntity, ShadowField
from agentsynth.evolve.shadows.offered import Offered, offered
from agentsynth.evolve.shadows.parameters import is_wrapper
from agentsynth.evolve.shadows.seeds import entity_order, field_spec, generate
from agentsynth.evolve.shadows.steps import steps_of

__all__ = ["Source", "domain_of"]

_ERRORS = ("codes", "http", "prose")


class Source:
    """Where a shadow's tools come from: what every one of its rows says."""

    def __init__(
        self,
        *,
        server: str,
        package: str,
        version: str,
        licence: str,
        category: str,
        hashes: Mapping[str, str],
        tools: Mapping[str, Mapping[str, JsonValue]],
    ) -> None:
        """Take over what the snapshot says.

        Args:
            hashes: tool to the hash of its whole specification.
            tools: tool to its specification as the server lists it.
        """
        self.server, self.package, self.version = server, package, version
        self.licence, self.category, self.hashes, self.tools = licence, category, hashes, tools

    def mirrored(self, operation: Operation, spec: Offered) -> Mirrored:
        """Return what is said of the real tool."""
        return Mirrored(
            server=self.server,
            package=self.package,
            version=self.version,
            licence=self.licence,
            spec_hash=self.hashes[operation.tool],
            level="L1" if operation.shape is None else "L2",
            shape="not given" if operation.shape is None else "output schema",
            returns=_returns(self.tools[operation.tool]) if operation.shape is not None else None,
            parameters=dict(spec.schema),
            renamed=dict(spec.renamed),
            refused=operation.refused,
        )


def domain_of(
    name: str, inferred: Inferred, source: Source, operations: Sequence[Operation]
) -> dict[str, Any]:
    """Return a domain's YAML as a value.

    Args:
        name: the domain's name, such as `shadow/tracker/issue`.
        inferred: the server, for its entities.
        source: where its tools come from.
        operations: the tools that the domain has.
    """
    entities = needed(inferred, operations)
    forms = Forms(inferred)
    by_tool = {one.tool: one for one in operations}
    main = operations[0].entity
    writes = [one.tool for one in operations if one.deed not in ("get", "list")]
    return {
        "schema_version": 1,
        "name": name,
        "title": f"{noun_of(plural(main)).capitalize()} in a {source.category or 'team'} workspace",
        "category": ["shadow", source.category or "tools"],
        "persona": _persona(main, source),
        "clock": {"start": "2027-03-01", "spread_days": 90},
        "worlds": 40,
        "errors": _ERRORS[sum(map(ord, inferred.server)) % len(_ERRORS)],
        "policy": _policy(writes),
        "entities": {
            entity: _entity(forms, entities[entity], entities, by_tool)
            for entity in entity_order(entities)
        },
        "tools": {one.tool: _tool(forms, source, one, entities) for one in operations},
    }


def _returns(raw: Mapping[str, JsonValue]) -> dict[str, JsonValue] | None:
    """Return a tool's output schema in its normalised form."""
    return parameters_of({"inputSchema": raw.get("outputSchema")}).schema


def needed(inferred: Inferred, operations: Sequence[Operation]) -> dict[str, ShadowEntity]:
    """Return the entities that these operations touch, and what those refer to by need.

    A reference to anything else stays a plain text, for nothing in the domain could show it.
    """
    own = {one.entity for one in operations}
    wanted = set(own)
    for one in operations:
        scope = one.scope.values() if one.deed == "list" else ()
        for name in (*scope, *one.sets.values(), *one.filters.values()):
            field = inferred.entities[one.entity].field(name)
            if field is None or field.ref is None:
                continue
            if field.required or field.origin == "scope":
                wanted.add(field.ref)
    found: dict[str, ShadowEntity] = {}
    for name, entity in inferred.entities.items():
        if name not in wanted:
            continue
        if name not in own:
            found[name] = entity.model_copy(update={"hidden": True, "fields": (), "natural": None})
            continue
        fields = [
            field if field.ref is None or field.ref in wanted else _unbound(field, inferred)
            for field in entity.fields
        ]
        found[name] = entity.model_copy(update={"fields": tuple(fields)})
    return found


def _unbound(field: ShadowField, inferred: Inferred) -> ShadowField:
    """Return a reference as a plain value, for where nothing shows what it refers to."""
    number = inferred.entities[field.ref or ""].key_number
    return field.model_copy(update={"ref": None, "type": "integer" if number else field.type})


def _persona(main: str, source: Source) -> str:
    about = source.category or "team"
    return (
        f"You are an assistant for people who keep {noun_of(plural(main))} in a {about} system. "
        "You look things up and make changes with the tools you are given, say plainly what you "
        "did, "
        "and never guess an id."
    )


def _policy(writes: Sequence[str]) -> dict[str, Any]:
    if not writes:
        return {
            "shown_only": {
                "text": "Say only what the tools have shown you.",
                "enforced_by": "agent",
            }
        }
    return {
        "confirm": {
            "text": (
                "Before you create, change or remove anything, say what you are about to do, with "
                "every value you will enter, and wait for a clear yes."
            ),
            "enforced_by": "agent",
            "tools": list(writes),
        }
    }


def _entity(
    forms: Forms,
    entity: ShadowEntity,
    entities: Mapping[str, ShadowEntity],
    operations: Mapping[str, Operation],
) -> dict[str, Any]:
    pattern, _ = id_pattern(entity)
    key = forms.key(entity)
    fields: dict[str, Any] = {key: {"type": "string"}}
    if entity.named_by:
        fields[entity.key] = {"type": "string"}
    for field in entity.fields:
        if field.name not in fields:
            fields[field.name] = field_spec(field)
    made: dict[str, Any] = {"key": key, "id_pattern": pattern, "fields": fields}
    natural = entity.key if entity.named_by else entity.natural
    if natural is not None and not entity.hidden:
        made["natural_key"] = [natural]
    if entity.named_by and not entity.hidden:
        made["unique"] = [list(dict.fromkeys(taken_by(entity)))]
    made["generate"] = generate(forms, entity, entities, operations)
    return made


def _tool(
    forms: Forms, source: Source, operation: Operation, entities: dict[str, ShadowEntity]
) -> dict[str, Any]:
    raw = source.tools[operation.tool]
    spec = offered(raw)
    assert spec is not None  # it was read
    required = spec.schema.get("required", [])
    parameters: dict[str, Any] = {}
    for name, one in spec.schema["properties"].items():
        parameters[name] = _parameter(plain(one), name, operation)
        if name not in required:
            parameters[name]["optional"] = True
    return {
        "description": str(raw.get("description") or operation.tool),
        "kind": "read" if operation.deed in ("get", "list") else "write",
        "mirrors": source.mirrored(operation, spec).model_dump(mode="json", by_alias=True),
        "parameters": parameters,
        "steps": steps_of(forms, operation, entities),
    }


def _parameter(schema: Mapping[str, Any], path: str, operation: Operation) -> dict[str, Any]:
    """Return a parameter as the domain reads it: one type, and what values it may have.

    Of a body it has the parts that mean something; the world refuses a call that gives another.
    """
    name = path.rpartition(".")[2]
    defaults = path not in operation.refused and "." not in path
    kind = schema.get("type")
    made: dict[str, Any] = {"type": kind if isinstance(kind, str) else "object"}
    for part in ("enum", "format", "minimum", "maximum", "items", "default"):
        if schema.get(part) in (None, "") or (part == "format" and schema[part] != "date"):
            continue
        if part != "default" or (defaults and not isinstance(schema[part], list | dict)):
            made[part] = schema[part]
    if isinstance(made.get("enum"), list) and not isinstance(kind, str):
        made["type"] = "string"
    if is_wrapper(name, schema):
        meant = {*operation.sets, *operation.scope, *operation.filters, operation.key or ""}
        needed = schema.get("required", [])
        made["properties"] = {
            inner: _parameter(plain(one), f"{path}.{inner}", operation)
            for inner, one in schema["properties"].items()
            if any(f"{one}.".startswith(f"{path}.{inner}.") for one in meant) or inner in needed
        }
        made["required"] = [inner for inner in needed if inner in made["properties"]]
    made["description"] = str(schema.get("description") or name)
    return made
