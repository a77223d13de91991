"""What a parameter is for, by its name and schema: a key, a page, a query, a value.

Names are those of common APIs; nothing here knows a server or a tool.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agentsynth.core.domain import FieldType
from agentsynth.core.schemas import plain
from agentsynth.evolve.shadows.words import singular, tokens_of

__all__ = [
    "MODES",
    "SECRETS",
    "WRAPPERS",
    "Kind",
    "Param",
    "field_type",
    "is_wrapper",
    "key_number",
    "params_of",
]

Kind = Literal["limit", "page", "offset", "cursor", "query", "meta", "key", "name", "value"]

_LIMITS = frozenset(
    [
        "limit",
        "per_page",
        "page_size",
        "max_results",
        "maxresults",
        "first",
        "top",
        "max_items",
        "num_results",
        "size",
        "take",
        "results_limit",
        "max_records",
        "max_count",
        "page_limit",
        "pagesize",
        "perpage",
        "count",
        "num",
        "max",
        "row_limit",
    ]
)
_PAGES = frozenset(["page", "page_number", "page_num", "page_index", "pagenumber"])
_OFFSETS = frozenset(["offset", "skip", "start_at", "start_index", "startat", "start"])
_CURSORS = frozenset(
    [
        "cursor",
        "page_token",
        "after",
        "next_token",
        "starting_after",
        "start_cursor",
        "next_page_token",
        "before",
        "ending_before",
        "next_cursor",
        "continuation_token",
        "continuation",
        "page_cursor",
        "marker",
        "end_cursor",
        "skip_token",
        "skiptoken",
        "pagetoken",
        "nexttoken",
        "next_page",
    ]
)
_QUERIES = frozenset(
    [
        "query",
        "q",
        "search",
        "keyword",
        "keywords",
        "term",
        "search_term",
        "search_query",
        "search_text",
        "text_query",
        "search_string",
        "filter_text",
        "contains",
        "name_contains",
    ]
)
_META = frozenset(
    [
        "fields",
        "expand",
        "include",
        "format",
        "verbose",
        "raw",
        "dry_run",
        "sort",
        "sort_by",
        "sort_order",
        "order",
        "order_by",
        "orderby",
        "sortby",
        "direction",
        "sort_direction",
        "sort_field",
        "include_archived",
        "include_deleted",
        "fetch_all_pages",
        "opt_fields",
        "opt_pretty",
        "select",
        "filter",
        "top_level",
        "response_format",
        "output_format",
        "output",
        "detail_level",
        "return_format",
        "async",
        "force",
        "notify",
        "confirm",
        "include_headers",
        "timeout",
        "retry",
        "exclude_response",
        "view",
        "embed",
        "projection",
        "properties_to_return",
        "wait",
        "silent",
        "suppress",
        "detail",
        "depth",
        "recursive",
        "locale",
        "language",
        "lang",
        "timezone",
        "response_mode",
        "concise",
        "slim",
        "idempotency_key",
        "if_match",
        "etag",
        "include_html",
        "html",
        "account",
        "profile_name",
        "on_behalf_of",
        "accept",
        "content_type",
        "validate_only",
        "dryrun",
        "confirmed",
        "submit",
        "calendars_to_check",
        "drop_target",
        "user_confirmed",
        "are_you_sure",
        "acknowledged",
        "approve_risk",
    ]
)
MODES = frozenset(["mode", "action", "operation", "command", "method", "subcommand", "tool_action"])
"""Parameters that make several tools of one."""
WRAPPERS = frozenset(
    ["body", "params", "input", "request", "payload", "data", "model", "args", "arguments"]
)
"""Objects that hold a call's parameters: 132 of 139 real ones declare what is in them."""
_READ_ONLY = re.compile(r"(?i)\bread[- ]only\b|cannot be (changed|modified|set)|set by the server")
_DEPTH = 2
SECRETS = re.compile(r"(^|_)(password|passphrase|secret|token|signature|private_key|credential)s?$")
"""Values that are given and never shown again."""
_ID_WORDS = frozenset(
    [
        "id",
        "ids",
        "uuid",
        "gid",
        "guid",
        "sid",
        "iid",
        "key",
        "number",
        "no",
        "ref",
        "hash",
        "sha",
        "arn",
        "uid",
        "urn",
        "identifier",
    ]
)
_NAME_WORDS = frozenset(
    [
        "name",
        "slug",
        "title",
        "path",
        "email",
        "login",
        "username",
        "handle",
        "code",
        "url",
        "uri",
        "domain",
        "address",
        "tag",
        "alias",
    ]
)
_FLAGS = re.compile(
    r"^(include|return|show|with|send|notify|skip|use|fetch|force|enable_.*_mode|only|expand|"
    r"exclude|auto|should|confirm|ignore|full|raw|strict|validate|hide|suppress|convert|is_html|"
    r"allow_dup|check|apply|overwrite|replace|prefer)"
    r"(_|$)"
)
_TOLD = re.compile(
    r"^(send_updates|send_notifications?|notify.*|return_.*|include_.*|exclude_.*|expand_.*|"
    r"response_.*|retry_.*|auth_method|if_.*match|.*_event|.*_behaviou?r|prefer)$"
)
"""What a call asks for beside the values of the record, of whatever type."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a tool."""

    name: str
    snake: str
    kind: Kind
    stem: tuple[str, ...]
    """What a key or a name is of: `project` in `projectId`; empty = of the record itself."""
    schema: Mapping[str, Any]
    """Without null."""
    required: bool
    type: FieldType | None
    """The type of field that could hold it; None = no scalar, and no list of texts."""
    reaches: bool = False
    """True = the schema is of a number, which may be whole."""


def field_type(schema: Mapping[str, Any]) -> FieldType | None:
    """Return the type of field that can hold a value of this schema; None = none can."""
    values = schema.get("enum")
    if isinstance(values, list):
        texts = values and all(isinstance(value, str) for value in values)
        return "enum" if texts else None
    match schema.get("type"):
        case "string":
            return _text_type(schema)
        case "integer":
            return "integer"
        case "boolean":
            return "boolean"
        case "array":
            items = schema.get("items")
            bare = plain(items) if isinstance(items, dict) else {}
            texts = bare.get("type") == "string" and "enum" not in bare
            return "strings" if texts else None
        case _:
            return None


def _text_type(schema: Mapping[str, Any]) -> FieldType | None:
    form = schema.get("format")
    if form == "date":
        return "date"
    if form in ("byte", "binary"):
        return None
    return "string"


def key_number(param: Param) -> bool:
    """Whether a key is given as a number."""
    return param.schema.get("type") in ("integer", "number")


def params_of(schema: Mapping[str, Any]) -> tuple[Param, ...]:
    """Return the parameters of a tool's normalised schema."""
    return tuple(_params(schema, "", required=True, depth=0))


def _params(schema: Mapping[str, Any], above: str, *, required: bool, depth: int) -> list[Param]:
    needed = set(schema.get("required", ()))
    found: list[Param] = []
    for name, raw in schema.get("properties", {}).items():
        bare = plain(raw) if isinstance(raw, dict) else {}
        must = required and name in needed
        if must and is_wrapper(name, bare) and depth < _DEPTH:
            found += _params(bare, f"{above}{name}.", required=True, depth=depth + 1)
        else:
            found.append(_param(f"{above}{name}", bare, must))
    return found


def is_wrapper(name: str, schema: Mapping[str, Any]) -> bool:
    """Whether an object only holds what the call is about: a body, whose parts are parameters."""
    bare = tokens_of(name)
    wraps = bool(bare) and bare[-1] in WRAPPERS
    return schema.get("type") == "object" and wraps and bool(schema.get("properties"))


def _param(name: str, schema: Mapping[str, Any], required: bool) -> Param:
    words = tokens_of(name.rpartition(".")[2])
    snake = "_".join(words)
    kind, stem = _kind(snake, words, schema)
    if not required and _READ_ONLY.search(str(schema.get("description", ""))):
        kind = "meta"
    whole = schema.get("type") == "number"
    return Param(name, snake, kind, stem, schema, required, field_type(schema), whole)


def _kind(
    snake: str, words: tuple[str, ...], schema: Mapping[str, Any]
) -> tuple[Kind, tuple[str, ...]]:
    number = schema.get("type") in ("integer", "number")
    if number and snake in _LIMITS:
        return "limit", ()
    if number and snake in _PAGES:
        return "page", ()
    if number and snake in _OFFSETS:
        return "offset", ()
    if snake in _CURSORS:
        return "cursor", ()
    if schema.get("type") == "string" and "enum" not in schema and snake in _QUERIES:
        return "query", ()
    if (
        snake in _META
        or _TOLD.match(snake)
        or (schema.get("type") == "boolean" and _FLAGS.match(snake))
    ):
        return "meta", ()
    scalar = number or (schema.get("type") == "string" and "enum" not in schema)
    if scalar and words and words[-1] in _ID_WORDS and words[-1] != "ids":
        return "key", tuple(singular(word) for word in words[:-1])
    if (
        schema.get("type") == "string"
        and words
        and words[-1] in _NAME_WORDS
        and "enum" not in schema
    ):
        return "name", tuple(singular(word) for word in words[:-1])
    return "value", tuple(singular(word) for word in words)
