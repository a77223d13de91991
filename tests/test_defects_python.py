"""Defects in tools that are Python functions: one change of the source each, and it runs differently."""

import ast
import random
from typing import Any

import pytest

from agentsynth.core.errors import UserError
from agentsynth.plan.defects_python import planted_in_source

SOURCE = '''
"""Tools of a small library."""

LIMIT = 3


class Refused(Exception):
    pass


def lend(table, log, key, days):
    """Lend a book, for at most `LIMIT` days."""
    book = table.get(key)
    if book is None:
        raise Refused("unknown_book")
    if book["status"] != "free" or days < 1:
        raise Refused("not_free")
    if days > 3:
        raise Refused("too_long")
    book["status"] = "lent"
    book["days"] = days
    log.append(key)
    return {"status": book["status"], "days": days}


def untouched(x):
    return x + 1
'''


def behaviour(source: str) -> Any:
    """Return what `lend` does in many situations: result or error, and what it leaves behind."""
    space: dict[str, Any] = {}
    exec(compile(source, "tools.py", "exec"), space)
    seen: list[Any] = []
    for key in ("a", "b", "c"):
        for days in (-1, 0, 1, 2, 3, 4, 5):
            table = {"a": {"status": "free"}, "b": {"status": "lent"}}
            log: list[str] = []
            try:
                result = space["lend"](table, log, key, days)
            except (space["Refused"], AttributeError, KeyError, TypeError) as error:
                result = (type(error).__name__, str(error))
            seen.append((result, table, log, space["untouched"](days)))
    return seen


def test_every_defect_is_one_change_of_the_named_function() -> None:
    sound = ast.parse(SOURCE)
    planted = planted_in_source(SOURCE, "lend", random.Random(1), 100)
    assert len({text for _, _, text in planted}) == len(planted) > 20
    for _, description, text in planted:
        tree = ast.parse(text)
        assert description.startswith("lend: ")
        for before, after in zip(sound.body, tree.body, strict=True):
            if isinstance(before, ast.FunctionDef) and before.name == "lend":
                assert ast.unparse(before) != ast.unparse(after), description
                assert '"""Lend a book, for at most `LIMIT` days."""' in ast.unparse(after)
            else:
                assert ast.unparse(before) == ast.unparse(after), description


def test_defects_of_every_sort_show_in_what_the_function_does() -> None:
    right = behaviour(SOURCE)
    planted = planted_in_source(SOURCE, "lend", random.Random(1), 100)
    unseen = [said for _, said, text in planted if behaviour(text) == right]
    assert unseen == []
    said = "\n".join(one for _, one, _ in planted)
    for part in (
        "\"raise Refused('too_long')\" is dropped",
        "'log.append(key)' is dropped",
        "\"book['days'] = days\" is dropped",
        "'days > 3': Gt has become GtE",
        "NotEq has become Eq",
        "takes and",
        "is negated",
        "3 has become 4",
        "'lent' has become 'free'",
    ):
        assert part in said, said


def test_the_same_draws_give_the_same_defects_spread_over_kinds() -> None:
    first = planted_in_source(SOURCE, "lend", random.Random(5), 8)
    assert first == planted_in_source(SOURCE, "lend", random.Random(5), 8)
    assert first != planted_in_source(SOURCE, "lend", random.Random(6), 8)
    assert len(first) == 8
    assert sum("is dropped" in said for _, said, _ in first) >= 3  # raise, call, assignment


def test_attributes_are_confused_with_each_other() -> None:
    source = "def f(order):\n    return order.total + order.fee\n"
    made = planted_in_source(source, "f", random.Random(1), 10)
    planted = {description: text for _, description, text in made}
    assert (
        planted["f: 'order.total' has become .fee"]
        == "def f(order):\n    return order.fee + order.fee\n"
    )


def test_a_wrong_source_or_name_is_an_error() -> None:
    with pytest.raises(UserError, match="no function 'borrow'"):
        planted_in_source(SOURCE, "borrow", random.Random(1), 3)
    with pytest.raises(UserError, match="line 1: not Python"):
        planted_in_source("def (", "f", random.Random(1), 3)
