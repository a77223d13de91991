"""One server of an MCP registry: its `server.json` read and normalised. Nothing is fetched.

Records of all ages are read: snake_case keys (before 2025-09-16), `version_detail`, `status`
inside the record (before 2025-09-29), `registry_name` and `transport_type` (the first ones).
Source: modelcontextprotocol/registry, docs/reference/server-json (schema and CHANGELOG) and
docs/server-json/examples.md.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from agentsynth.core.frozen import Frozen
from agentsynth.evolve.registry_keys import kind_of, mapping, normalised, renamed, string

__all__ = [
    "Input",
    "Package",
    "Remote",
    "ServerRecord",
    "Skipped",
    "latest_active",
    "read_record",
    "written_at",
]

_NAME = re.compile(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+")
_LONGEST_NAME = 200
_READ = ConfigDict(alias_generator=to_camel, extra="ignore")


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_text)]
"""Text; numbers and booleans are taken as their text, as old records give defaults."""


class Input(Frozen):
    """A value that is fixed or that somebody gives: an argument, a header, a variable and so on."""

    model_config = _READ

    name: Text = ""
    """Of the environment variable or header, or the flag with its dashes; "" = has none."""
    type: Literal["named", "positional"] = "positional"
    """What kind of argument it is; means nothing elsewhere."""
    value_hint: Text = ""
    """What a positional argument is called."""
    is_repeated: bool = False
    description: Text = ""
    is_required: bool = False
    is_secret: bool = False
    format: Text = "string"
    """string, number, boolean or filepath; anything else is read as string."""
    value: Text | None = None
    """Fixed; `{x}` stands for a variable. None = somebody gives it."""
    default: Text | None = None
    choices: tuple[Text, ...] = ()
    variables: dict[str, "Input"] = {}


class Transport(Frozen):
    """How a started package is spoken to."""

    model_config = _READ

    type: Text = "stdio"


class Package(Frozen):
    """A package that holds the server."""

    model_config = _READ

    registry_type: Text
    identifier: Text
    version: Text | None = None
    registry_base_url: Text | None = None
    transport: Transport = Transport()
    runtime_arguments: tuple[Input, ...] = ()
    package_arguments: tuple[Input, ...] = ()
    environment_variables: tuple[Input, ...] = ()


class Remote(Frozen):
    """An address at which the server runs."""

    model_config = _READ

    type: Text
    url: Text
    headers: tuple[Input, ...] = ()
    variables: dict[str, Input] = {}


class ServerRecord(Frozen):
    """What a registry says of one version of one server. Texts are the publisher's."""

    name: str
    title: str
    description: str
    version: str
    homepage: str
    """Web page, else repository; "" = not said."""
    status: str
    """active, deprecated or deleted."""
    updated_at: str
    """RFC 3339 as the registry wrote it; "" = not said."""
    is_latest: bool
    packages: tuple[Package, ...]
    remotes: tuple[Remote, ...]
    problems: tuple[str, ...]
    """One line for each package or remote that cannot be read."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that cannot be read."""

    name: str
    """Its name, or its place in the answer."""
    reason: str


def read_record(raw: object, place: str) -> ServerRecord | Skipped:
    """Return what one row of a listing says; a package that cannot be read costs only itself.

    Args:
        raw: `{"server": …, "_meta": …}`, or a bare server.json.
        place: what a record without a name is called, such as "page 2, row 7".
    """
    row = normalised(raw)
    if not isinstance(row, dict):
        return Skipped(place, f"expected an object, found {kind_of(raw)}")
    server = row["server"] if isinstance(row.get("server"), dict) else row
    name = server.get("name")
    if not isinstance(name, str) or not name:
        return Skipped(place, "has no name")
    if len(name) > _LONGEST_NAME or _NAME.fullmatch(name) is None:
        shown = name if len(name) <= 60 else name[:59] + "…"
        return Skipped(place, f"its name {shown!r} is not of the form namespace/server")
    official = {**_official(server), **_official(row)}
    detail = mapping(server.get("versionDetail"))
    version = string(server.get("version")) or string(detail.get("version"))
    if not version:
        return Skipped(name, "has no version")
    problems: list[str] = []
    return ServerRecord(
        name=name,
        title=string(server.get("title")),
        description=string(server.get("description")),
        version=version,
        homepage=string(server.get("websiteUrl"))
        or string(mapping(server.get("repository")).get("url")),
        status=string(official.get("status")) or string(server.get("status")) or "active",
        updated_at=string(official.get("updatedAt"))
        or string(official.get("publishedAt"))
        or string(server.get("updatedAt"))
        or string(detail.get("releaseDate")),
        is_latest=(official.get("isLatest") is True or detail.get("isLatest") is True),
        packages=_each(Package, server, "packages", problems),
        remotes=_each(Remote, server, "remotes", problems),
        problems=tuple(problems),
    )


def latest_active(records: Iterable[ServerRecord]) -> tuple[list[ServerRecord], list[str]]:
    """Return the newest record of each server that is not deleted, and the names wholly deleted.

    Newest = marked as the latest, else the last updated, else the last in order. Both by name.
    """
    newest: dict[str, ServerRecord] = {}
    deleted: set[str] = set()
    for record in records:
        if record.status == "deleted":
            deleted.add(record.name)
        elif record.name not in newest or _age(record) >= _age(newest[record.name]):
            newest[record.name] = record
    return [newest[name] for name in sorted(newest)], sorted(deleted - newest.keys())


def written_at(text: str) -> datetime | None:
    """Return a registry's timestamp in UTC; None = it is none."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _age(record: ServerRecord) -> tuple[bool, datetime]:
    return record.is_latest, written_at(record.updated_at) or datetime.min.replace(tzinfo=UTC)


def _official(holder: dict[str, Any]) -> dict[str, Any]:
    """Return what the registry itself says of a record, apart from the publisher's words."""
    meta = mapping(holder.get("_meta"))
    found = (value for key, value in meta.items() if key.endswith("registry/official"))
    return mapping(next(found, None))


ReadT = TypeVar("ReadT", Package, Remote)


def _each(
    kind: type[ReadT], server: dict[str, Any], field: str, problems: list[str]
) -> tuple[ReadT, ...]:
    listed = server.get(field, [])
    if not isinstance(listed, list):
        problems.append(f"{field}: expected a list, found {kind_of(listed)}")
        return ()
    made: list[ReadT] = []
    for index, raw in enumerate(listed):
        try:
            made.append(kind.model_validate(renamed(raw)))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in (field, index, *first["loc"]))
            problems.append(f"{where}: {first['msg']}")
    return tuple(made)
