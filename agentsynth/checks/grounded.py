"""Groundedness: nothing in a call or an answer that was not there before.

An argument may come from the user, an earlier result or the system prompt, or be offered by the
tool's own schema (an enum value, a default, a boolean). What the assistant itself said does not
count: it could have made it up there.
"""

import re
from collections.abc import Iterator
from typing import Any

from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, MessageText, failed
from agentsynth.checks.mentions import MONEY
from agentsynth.core.messages import AssistantMessage
from agentsynth.core.tools import ToolSpec
from agentsynth.core.words import has_words, normal

__all__ = ["arguments_grounded", "statements_grounded"]

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_CODE = re.compile(r"\b[A-Z]{1,5}-\d{2,}\b")
_SQL_TOKEN = re.compile(r"'((?:[^']|'')*)'|\"([^\"]*)\"|([A-Za-z_][A-Za-z0-9_]*)|(\d+(?:\.\d+)?)")
_SQL_WORDS = frozenset((
    "abs", "add", "all", "alter", "and", "as", "asc", "avg", "between", "by", "case", "cast",
    "coalesce", "count", "create", "cross", "date", "default", "delete", "desc", "distinct",
    "drop", "else", "end", "exists", "foreign", "from", "full", "glob", "group", "having", "if",
    "ifnull", "in", "index", "inner", "insert", "instr", "integer", "into", "is", "isnull",
    "join", "julianday", "key", "lag", "last_insert_rowid", "left", "length", "like", "limit",
    "lower", "ltrim", "max", "min", "not", "notnull", "null", "nullif", "offset", "on", "or",
    "order", "outer", "primary", "real", "references", "replace", "right", "round", "rtrim",
    "select", "set", "strftime", "substr", "sum", "table", "text", "then", "total", "trim",
    "union", "unique", "update", "upper", "using", "values", "view", "when", "where", "with",
    "returning",
))  # fmt: skip


class _Visible:
    """Everything visible so far."""

    def __init__(self, today: str) -> None:
        self._today = today
        self._texts: list[MessageText] = []

    def add(self, text: MessageText) -> None:
        self._texts.append(text)

    def has(self, value: Any) -> bool:
        if value is None or isinstance(value, bool):
            return True
        if isinstance(value, int | float):
            return self.has_number(float(value)) or self._has_amount(value / 100)
        text = str(value)
        if _ISO_DATE.fullmatch(text):
            return text == self._today or any(text in seen.dates for seen in self._texts)
        return self.has_words(text)

    def _has_amount(self, value: float) -> bool:
        """Whether money of this value was shown: tools take cents where people say $12.50."""
        return any(value in seen.amounts for seen in self._texts)

    def has_number(self, value: float) -> bool:
        return any(value in seen.numbers for seen in self._texts)

    def has_words(self, text: str) -> bool:
        wanted = normal(text)
        return not wanted or any(has_words(seen.normal, wanted) for seen in self._texts)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part, path)
    else:
        yield path, value


def _offered(spec: ToolSpec, path: str, value: Any) -> bool:
    """Whether the tool's own schema offers the value."""
    schema: Any = spec.parameters
    for part in path.split("."):
        schema = schema.get("properties", {}).get(part, {}) if isinstance(schema, dict) else {}
    items = schema.get("items") if isinstance(schema, dict) else None
    for one in (schema, items):
        if isinstance(one, dict) and (
            value in one.get("enum", ()) or value in (one.get("default"), one.get("const"))
        ):
            return True
    return False


def _ungrounded_sql(text: str, visible: _Visible) -> str | None:
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


def arguments_grounded(evidence: Evidence) -> Finding:
    """Every argument value was visible before its call, or is offered by the tool's schema."""
    if not evidence.calls:
        return NOT_APPLICABLE
    visible = _Visible(evidence.today)
    specs = evidence.runtime.spec_by_name
    for index, message in enumerate(evidence.messages):
        if not isinstance(message, AssistantMessage):
            visible.add(evidence.texts[index])
            continue
        for call in message.tool_calls:
            spec = specs.get(call.name)
            for path, value in _leaves(dict(call.arguments)):
                if spec is not None and _offered(spec, path, value):
                    continue
                if path in evidence.runtime.sql_arguments and isinstance(value, str):
                    made_up = _ungrounded_sql(value, visible)
                else:
                    made_up = None if visible.has(value) else value
                if made_up is not None:
                    detail = f"{call.name}.{path} has {made_up!r}, which nothing showed before"
                    return failed("ungrounded_argument", detail, index)
    return MET


def statements_grounded(evidence: Evidence) -> Finding:
    """Every amount, date, code and address the assistant states was visible before."""
    visible = _Visible(evidence.today)
    for index, message in enumerate(evidence.messages):
        if not isinstance(message, AssistantMessage):
            visible.add(evidence.texts[index])
            continue
        stated: list[Any] = sorted(evidence.texts[index].dates)
        stated += _EMAIL.findall(message.content) + _CODE.findall(message.content)
        for amount in MONEY.findall(message.content):
            number = float(amount.replace(",", ""))
            if not visible.has_number(number) and not visible.has_number(round(number * 100)):
                detail = f"the amount {amount} is stated, which nothing showed before"
                return failed("ungrounded_statement", detail, index)
        for value in stated:
            if not visible.has(value):
                detail = f"{value!r} is stated, which nothing showed before"
                return failed("ungrounded_statement", detail, index)
    return MET
