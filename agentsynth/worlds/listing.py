"""From what a server lists to what a model is offered: `ToolSpec`s with provenance."""

from collections.abc import Sequence
from typing import cast

from pydantic import JsonValue

from agentsynth.core.errors import ServerError
from agentsynth.core.manifest import ServerManifest, ToolNote, live_notes
from agentsynth.core.tools import Provenance, ToolSpec, spec_hash
from agentsynth.worlds.wire import JsonObject, Listing

__all__ = ["normalised_parameters", "offered_specs", "raw_hash", "raw_hashes"]

_DEEPEST = 32


def offered_specs(listing: Listing, manifest: ServerManifest) -> tuple[ToolSpec, ...]:
    """Return the tools that the manifest offers, in the server's order.

    Raises:
        ServerError: the manifest offers a tool that the server does not list.
    """
    listed = {str(raw["name"]): raw for raw in listing.tools}
    offered = {name: note for name, note in live_notes(manifest).tools.items() if note.offered}
    missing = sorted(offered.keys() - listed.keys())
    if missing:
        skipped = "".join(f"; {line}" for line in listing.skipped)
        raise ServerError(
            f"server {manifest.name!r} does not list {', '.join(missing)}, "
            f"which its manifest names; it lists {', '.join(sorted(listed)) or 'nothing'}{skipped}"
        )
    return tuple(_spec(listed[name], offered[name], manifest) for name in listed if name in offered)


def raw_hashes(listing: Listing) -> dict[str, str]:
    """Return each listed tool's hash over its raw specification."""
    return {str(raw["name"]): raw_hash(raw) for raw in listing.tools}


def raw_hash(raw: JsonObject) -> str:
    """Return the hash of a listed tool: of all that an agent is told of it."""
    return spec_hash(
        str(raw["name"]),
        _text(raw.get("description")),
        raw["inputSchema"],
        raw.get("outputSchema"),
        raw.get("annotations"),
    )


def normalised_parameters(schema: JsonObject) -> JsonObject:
    """Return an input schema as providers take it.

    It is always an object schema with `properties`; `$schema` is gone, a list of types is an
    `anyOf`, and every property has a description.
    """
    # At the root a list of types can only mean the object among them.
    cleaned = _normalised({**schema, "type": "object"}, 0)
    cleaned.pop("$schema", None)
    properties = cast(JsonObject, cleaned.get("properties", {}))
    described: JsonObject = {
        name: _described(name, property_) for name, property_ in properties.items()
    }
    rest = {key: value for key, value in cleaned.items() if key not in ("type", "properties")}
    return {"type": "object", "properties": described, **rest}


def _spec(raw: JsonObject, note: ToolNote, manifest: ServerManifest) -> ToolSpec:
    returns = raw.get("outputSchema")
    return ToolSpec(
        name=str(raw["name"]),
        description=_text(raw.get("description")) or _text(raw.get("title")) or str(raw["name"]),
        parameters=normalised_parameters(cast(JsonObject, raw["inputSchema"])),
        returns=returns if isinstance(returns, dict) else None,
        read_only=note.read_only,
        consequential=note.consequential,
        provenance=Provenance(
            origin="mcp",
            source=manifest.name,
            package=manifest.package,
            version=manifest.version,
            licence=manifest.licence,
            spec_hash=raw_hash(raw),
        ),
    )


def _described(name: str, schema: JsonValue) -> JsonValue:
    """Return a property's schema with a description; a boolean schema becomes an object."""
    described: JsonObject = dict(schema) if isinstance(schema, dict) else {}
    if not _text(described.get("description")):
        described["description"] = _text(described.get("title")) or name.replace("_", " ")
    return described


def _normalised(schema: JsonObject, depth: int) -> JsonObject:
    if depth > _DEEPEST:
        return {}
    types = schema.get("type")
    result: JsonObject = {
        key: _child(key, value, depth)
        for key, value in schema.items()
        if not (key == "type" and isinstance(types, list))
    }
    if isinstance(types, list):
        result["anyOf"] = [{"type": kind} for kind in types]
    return result


def _child(key: str, value: JsonValue, depth: int) -> JsonValue:
    """Return the value of a keyword with the schemas inside it normalised."""
    if key in ("properties", "$defs", "definitions") and isinstance(value, dict):
        return {name: _schema(inner, depth) for name, inner in value.items()}
    if key in ("items", "additionalProperties"):
        return _schema(value, depth)
    if key in ("anyOf", "oneOf", "allOf") and isinstance(value, list):
        return [_schema(inner, depth) for inner in cast(Sequence[JsonValue], value)]
    return value


def _schema(value: JsonValue, depth: int) -> JsonValue:
    return _normalised(value, depth + 1) if isinstance(value, dict) else value


def _text(value: JsonValue) -> str:
    return value.strip() if isinstance(value, str) else ""
