from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.errors import DomainError
from agentsynth.worlds.expressions import compile_expression, fill, resolve_path, slots_of


def value(text: str, /, **scope: Any) -> Any:
    return compile_expression(text).evaluate(scope)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plot.fee", 25),
        ("plot.fee + 5", 30),
        ("plot.fee > 20 && name == 'Ann'", True),
        ("name == 'plot.fee'", False),
        ('"it\'s" + name', "it'sAnn"),
        ("'a\\'b.c' == name", False),
        ("plot.holder == null ? 'free' : 'held'", "free"),
        ("!(plot.fee == 25)", False),
        ("name in ['Ann', 'Bo']", True),
        ("name.startsWith('A')", True),
        ("size(name)", 3),
        ("'PL-' + string(1000 + plot.fee)", "PL-1025"),
        ("lower(name)", "ann"),
        ("days_between('2027-02-27', '2027-03-01')", 2),
        ("add_days('2028-02-28', 2)", "2028-03-01"),
        ("7 / 2", 3),
        ("rows.1.x", 2),
        ("rows.1.x + 1", 3),
    ],
)
def test_an_expression_gives_the_value_over_its_scope(text: str, expected: object) -> None:
    scope: dict[str, Any] = {
        "plot": {"fee": 25, "holder": None},
        "name": "Ann",
        "rows": [{"x": 1}, {"x": 2}],
    }
    assert value(text, **scope) == expected


def test_an_expression_knows_the_paths_it_reads() -> None:
    assert compile_expression("a.b + c > size(d.e) && a.b in [f]").paths == ("a.b", "c", "d.e", "f")
    assert compile_expression("name.startsWith('x.y')").paths == ("name",)
    assert compile_expression("true").paths == ()
    assert compile_expression("  a.b  ").paths == ("a.b",)


def test_paths_that_look_alike_are_told_apart() -> None:
    scope = {"a": {"b": {"c": 1}, "b__c": 2}, "a__b": {"c": 3}}
    assert value("100 * a.b.c + 10 * a.b__c + a__b.c", **scope) == 123


@pytest.mark.parametrize("text", ["a ==", "", "(a", "'open", "a b", "1 +"])
def test_what_is_not_well_formed_does_not_compile(text: str) -> None:
    with pytest.raises(ValueError, match="ERROR"):
        compile_expression(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a.c == 1", "'a.c' has no value here: 'c' does not exist"),
        ("b", "'b' has no value here"),
        ("a.b < null", "cannot be evaluated with {'a.b': 1}"),
        ("a.b + 'x'", "cannot be evaluated"),
        ("a.b / 0", "division by zero"),
        ("9223372036854775807 * a.big", "overflow"),
        ("add_days('2027-01-01', a.big)", "cannot be evaluated"),
        ("days_between('today', '2027-01-01')", "cannot be evaluated"),
    ],
)
def test_what_cannot_be_evaluated_is_the_domains_error(text: str, told: str) -> None:
    with pytest.raises(DomainError) as raised:
        value(text, a={"b": 1, "big": 10**10})
    assert told in str(raised.value)


def test_an_unknown_function_is_found_when_the_expression_is_compiled() -> None:
    with pytest.raises(ValueError, match="unknown function 'mystery'"):
        compile_expression("mystery(a.b) == 1")


def test_values_of_different_types_are_not_equal() -> None:
    assert value("a == '1'", a=1) is False
    assert value("a == 1", a=None) is False


@given(st.dates(date(1950, 1, 1), date(2150, 1, 1)), st.integers(-20000, 20000))
def test_adding_days_and_counting_them_agree(day: date, days: int) -> None:
    later = value("add_days(day, n)", day=day.isoformat(), n=days)
    assert later == (day + timedelta(days=days)).isoformat()
    assert value("days_between(a, b)", a=day.isoformat(), b=later) == days


@given(st.text(max_size=30), st.text(max_size=30))
def test_text_in_the_scope_is_never_read_as_an_expression(one: str, two: str) -> None:
    assert value("a.x == b", a={"x": one}, b=two) is (one == two)
    assert value("a.x + b", a={"x": one}, b=two) == one + two


def test_templates_are_filled_once() -> None:
    scope = {"a": {"b": "{c}"}, "c": 3}
    assert fill("{a.b} and {c}, {not a slot}", scope) == "{c} and 3, {not a slot}"
    assert slots_of("{a.b} and {c}, {not a slot}") == ("a.b", "c")
    with pytest.raises(DomainError, match="'d' has no value"):
        fill("{d}", scope)


def test_paths_step_through_records_and_lists() -> None:
    scope = {"rows": [{"x": [7]}]}
    assert resolve_path("rows.0.x.0", scope) == 7
    for path in ("rows.1", "rows.x", "rows.0.y", "rows.0.x.0.z"):
        with pytest.raises(DomainError, match="does not exist"):
            resolve_path(path, scope)
