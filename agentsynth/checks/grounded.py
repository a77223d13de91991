"""Groundedness: nothing in a call or an answer that was not there before.

An argument may come from the user, an earlier result or the system prompt, or be offered by the
tool's own schema (an enum value, a default, a boolean). What the assistant itself said does not
count: it could have made it up there.
"""

import re
from collections.abc import Iterator
from typing import Any

from agentsynth.checks.bindings import misbound
from agentsynth.checks.computed import amount_grounded, is_total, time_grounded
from agentsynth.checks.echoes import contradicted
from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed, undecided
from agentsynth.checks.figures import figure_made_up
from agentsynth.checks.forms import Mention
from agentsynth.checks.refusals import misrefused
from agentsynth.checks.visible import Visible, texts_shown
from agentsynth.core.messages import AssistantMessage, UserMessage
from agentsynth.core.tools import ToolSpec
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["arguments_grounded", "statements_grounded"]

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_CODE = re.compile(r"\b[A-Z]{1,5}-\d{2,}\b", re.ASCII)
_CHECKED_UNITS = frozenset(("g", "m", "l", "Wh", "°C"))
_SQL_TOKEN = re.compile(r"'((?:[^']|'')*)'|\"([^\"]*)\"|([A-Za-z_][A-Za-z0-9_]*)|(\d+(?:\.\d+)?)")
_SQL_WORDS = frozenset((
    "abs", "add", "all", "alter", "and", "as", "asc", "avg", "between", "by", "case", "cast",
    "coalesce", "count", "create", "cross", "date", "default", "delete", "desc", "describe",
    "distinct", "drop", "else", "end", "exists", "foreign", "from", "full", "glob", "group",
    "having", "if", "ifnull", "in", "index", "inner", "insert", "instr", "integer", "into",
    "is", "isnull", "join", "julianday", "key", "lag", "last_insert_rowid", "left", "length",
    "like", "limit", "lower", "ltrim", "max", "min", "not", "notnull", "null", "nullif",
    "offset", "on", "or", "order", "outer", "primary", "real", "references", "replace",
    "returning", "right", "round", "rtrim", "select", "set", "show", "strftime", "substr",
    "sum", "table", "tables", "text", "then", "total", "trim", "union", "unique", "update",
    "upper", "using", "values", "view", "when", "where", "with",
))  # fmt: skip
_NAMES = re.compile(r"[^/\s][^/]*")
_TOKENS = re.compile(r"[^\W_]+(?:['’.,:-][^\W_]+)*")
_NESTED = ("anyOf", "oneOf", "allOf")
_COMPOSING = frozenset(("$ref", *_NESTED))


def _schemas(schema: Any, root: ToolSpec, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield a schema and what it is composed of."""
    if not isinstance(schema, dict) or depth > 4:
        return
    yield schema
    if _COMPOSING.isdisjoint(schema):
        return
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = root.parameters
        for part in reference[2:].split("/"):
            target = target.get(part) if isinstance(target, dict) else None
        yield from _schemas(target, root, depth + 1)
    for word in _NESTED:
        for part in schema.get(word, ()):
            yield from _schemas(part, root, depth + 1)


def _given(
    value: Any, path: str, schema: Any, spec: ToolSpec | None
) -> Iterator[tuple[str, Any, bool]]:
    """Yield (dotted path, value, whether the tool's schema offers it) of all that a call gives.

    A key that the schema does not name was chosen by the caller and is given too.
    """
    schemas = list(_schemas(schema, spec)) if spec is not None else []
    if isinstance(value, dict):
        for key, part in value.items():
            inner = [s["properties"][key] for s in schemas if key in s.get("properties", {})]
            if path and spec is not None and not inner:
                yield path, key, False
            inside = f"{path}.{key}" if path else key
            yield from _given(part, inside, inner[0] if len(inner) == 1 else {"allOf": inner}, spec)
    elif isinstance(value, list | tuple):
        items = [s["items"] for s in schemas if "items" in s]
        for part in value:
            yield from _given(part, path, {"allOf": items}, spec)
    else:
        yield path, value, any(_offers(schema, value) for schema in schemas)


def _offers(schema: dict[str, Any], value: Any) -> bool:
    """Whether a schema names a value: as a choice, or in quotes where it says what is meant."""
    if value in schema.get("enum", ()) or value in (schema.get("default"), schema.get("const")):
        return True
    return isinstance(value, str) and bool(value) and f"'{value}'" in schema.get("description", "")


def _ungrounded_sql(text: str, visible: Visible) -> str | None:
    """Return the first word, literal or number of a query that was not visible; None = all were."""
    aliases = {name.lower() for name in re.findall(r"\bas\s+([A-Za-z_]\w*)", text, re.IGNORECASE)}
    for match in _SQL_TOKEN.finditer(text):
        literal, quoted, word, number = match.groups()
        if literal is not None:
            if not visible.has(literal.replace("''", "'").strip("%")):
                return match[0]
        elif number is not None:
            if float(number) not in (0.0, 1.0) and not visible.has(float(number)):
                return number
        else:
            name = quoted or word
            known = name.lower() in _SQL_WORDS or name.lower() in aliases or len(name) == 1
            if not known and not visible.has_words(name):
                return name
    return None


def _ungrounded(value: Any, path: str, runtime: DomainRuntime, visible: Visible) -> Any:
    """Return what of an argument was not visible; None = nothing."""
    if isinstance(value, str) and path in runtime.sql_arguments:
        return _ungrounded_sql(value, visible)
    if path in runtime.place_arguments or visible.has(value):
        return None
    if isinstance(value, str) and path in runtime.path_arguments:
        return next((n for n in _NAMES.findall(value) if not _names_shown(n, visible)), None)
    if isinstance(value, str) and path in runtime.text_arguments:
        return next((word for word in _hard_words(value) if not visible.has(word)), None)
    return value


def _hard_words(text: str) -> Iterator[str]:
    """Give the words of a text that an agent cannot choose itself: figures and names."""
    for match in _TOKENS.finditer(text):
        begins = not text[: match.start()].rpartition("\n")[2].strip()
        if any(char.isdigit() for char in match[0]) or (match[0][0].isupper() and not begins):
            yield match[0]


def _names_shown(name: str, visible: Visible) -> bool:
    """Whether a name of a path was visible, or what it is without its ending and its hyphens."""
    stem, dot, ending = name.rpartition(".")
    if visible.has_words(name):
        return True
    if dot and not visible.has_words(ending):
        return False
    words = _TOKENS.findall(stem if dot else name)
    return bool(words) and all(visible.has(word) for word in words)


def arguments_grounded(evidence: Evidence) -> Finding:
    """Every argument value was visible before its call, or is offered by the tool's schema."""
    if not evidence.calls:
        return NOT_APPLICABLE
    visible = Visible(evidence.today)
    specs = evidence.runtime.spec_by_name
    last = evidence.calls[-1][0]
    for index, message in enumerate(evidence.messages[: last + 1]):
        if not isinstance(message, AssistantMessage):
            for text in texts_shown(evidence, index):
                visible.add(text)
            continue
        for call in message.tool_calls:
            spec = specs.get(call.name)
            schema = spec.parameters if spec is not None else None
            for path, value, offered in _given(call.arguments, "", schema, spec):
                if offered:
                    continue
                made_up = _ungrounded(value, path, evidence.runtime, visible)
                if made_up is not None:
                    detail = f"{call.name}.{path} has {made_up!r}, which nothing showed before"
                    return failed("ungrounded_argument", detail, index)
    return MET


def statements_grounded(evidence: Evidence) -> Finding:
    """Every amount, quantity, date, time, code and address the assistant states was visible before.

    An amount or a time may also be computed, within what `computed` allows, and a figure that the
    task has the assistant work out is no invention when it is the right one. Plain figures and
    labels, and reports that differ from their read-back, leave it undecided: an assistant may count
    and reckon in ways that no check knows.
    """
    visible = Visible(evidence.today)
    said_anything = False
    doubt: Finding | None = None
    for index, message in enumerate(evidence.messages):
        if not isinstance(message, AssistantMessage):
            for text in texts_shown(evidence, index):
                visible.add(text, by_user=isinstance(message, UserMessage))
            continue
        if not message.content:
            continue
        said_anything = True
        made_up = _made_up(evidence, index, visible)
        if made_up is not None:
            detail = f"{made_up} is stated, which nothing showed before"
            return failed("ungrounded_statement", detail, index)
        doubt = doubt or _doubted(evidence, index, visible)
    return doubt or (MET if said_anything else NOT_APPLICABLE)


def _doubted(evidence: Evidence, index: int, visible: Visible) -> Finding | None:
    figure = figure_made_up(evidence, index, visible)
    if figure is not None:
        return undecided(f"{figure} is stated, and nothing showed it of just this", index)
    another = misbound(evidence, index)
    if another is not None:
        return undecided(f"{another!r} is stated, and it is not so of what is named", index)
    refused = misrefused(evidence, index)
    if refused is not None:
        return undecided(f"{refused!r} is given with a refusal, and nothing showed it so", index)
    other = contradicted(evidence, index)
    if other is not None:
        return undecided(f"{other!r} is reported, and not what was read back and done", index)
    return None


def _made_up(evidence: Evidence, index: int, visible: Visible) -> str | None:
    """Return the first statement of a message that nothing showed; None = all were."""
    text = evidence.texts[index]
    for mention in text.quantities:
        if _worked_out(evidence, mention):
            continue
        if mention.money and not amount_grounded(evidence, index, mention.value, visible):
            return f"the amount {mention.value}"
        checked = mention.base in _CHECKED_UNITS and not _quantity_shown(mention, visible)
        if checked and not is_total(evidence, index, mention.raw):
            return repr(text.text[mention.start : mention.end].strip())
    for day in text.days:
        if not day.relative and not visible.has_date(day.iso):
            return repr(day.iso)
    for clock in text.clocks:
        if not clock.vague and not time_grounded(evidence, index, clock.minute, visible):
            return repr(text.text[clock.start : clock.end].strip())
    addresses = _EMAIL.findall(text.text) if "@" in text.text else []
    addresses += _CODE.findall(text.text) if text.has_digits else []
    return next((repr(value) for value in addresses if not visible.has_words(value)), None)


def _worked_out(evidence: Evidence, mention: Mention) -> bool:
    """Whether this is a figure that the user came for and that no single result shows."""
    stated = {"money": mention.value * 100 if mention.money else None, "quantity": mention.raw}
    return any(
        answer.field is None and answer.value == stated.get(answer.type)
        for answer in evidence.task.target.answers
    )


def _quantity_shown(mention: Mention, visible: Visible) -> bool:
    if visible.has_number(mention.raw) or visible.has_number(mention.value):
        return True
    return visible.has_measured(mention.base or "", mention.value)
