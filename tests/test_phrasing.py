"""Phrase templates, against an expansion of the same template written without the parser."""

import itertools
import random
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.checks.mentions import dates_in, says
from agentsynth.core.errors import UserError
from agentsynth.core.phrasing import (
    format_value,
    parse_template,
    render,
    show_date,
    show_money,
    tidy,
    with_unit,
)

MARKS = "{}[]()|"


@dataclass(frozen=True)
class Node:
    """A template as a tree: what it is written as, and everything it can become."""

    kind: str
    text: str = ""
    options: tuple[tuple["Node", ...], ...] = ()

    def source(self) -> str:
        inner = ["".join(node.source() for node in option) for option in self.options]
        match self.kind:
            case "slot":
                return "{" + self.text + "}"
            case "choice":
                return f"({'|'.join(inner)})"
            case "optional":
                return f"[{inner[0]}]"
            case "parentheses":
                return f"({inner[0]})"
            case _:
                return self.text

    def slots(self) -> set[str]:
        if self.kind == "slot":
            return {self.text}
        return {slot for option in self.options for node in option for slot in node.slots()}

    def needed(self) -> set[str]:
        if self.kind == "parentheses":
            return {slot for node in self.options[0] for slot in node.needed()}
        if self.kind == "choice" and all(slots_of(option) for option in self.options):
            return {slot for option in self.options for slot in slots_of(option)}
        return {self.text} if self.kind == "slot" else set()

    def texts(self, tell: set[str]) -> set[str]:
        match self.kind:
            case "slot":
                return {f"<{self.text}>"}
            case "choice":
                fitting = [o for o in self.options if slots_of(o) <= tell] or self.options
                return {text for option in fitting for text in texts_of(option, tell)}
            case "optional":
                body = self.options[0]
                kept = texts_of(body, tell) if slots_of(body) <= tell else set[str]()
                return kept | (set() if slots_of(body) and slots_of(body) <= tell else {""})
            case "parentheses":
                return {f"({text})" for text in texts_of(self.options[0], tell)}
            case _:
                return {self.text}


def slots_of(nodes: tuple[Node, ...]) -> set[str]:
    return {slot for node in nodes for slot in node.slots()}


def texts_of(nodes: tuple[Node, ...], tell: set[str]) -> set[str]:
    return {"".join(parts) for parts in itertools.product(*(n.texts(tell) for n in nodes))}


TEXT = st.text(alphabet="ABC", min_size=1, max_size=3).map(lambda text: Node("text", text))
SLOT = st.sampled_from(["x", "y", "z.a"]).map(lambda name: Node("slot", name))


def _nested(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    body = st.lists(nodes, min_size=1, max_size=2).map(tuple)
    two = st.lists(body, min_size=2, max_size=3).map(tuple)
    return (
        two.map(lambda options: Node("choice", "", options))
        | body.map(lambda one: Node("optional", "", (one,)))
        | body.map(lambda one: Node("parentheses", "", (one,)))
    )


TEMPLATE = st.lists(st.recursive(TEXT | SLOT, _nested, max_leaves=4), min_size=1, max_size=4).map(
    tuple
)


@given(TEMPLATE, st.sets(st.sampled_from(["x", "y", "z.a"])), st.integers(0, 1000))
def test_a_template_becomes_one_of_its_texts(
    nodes: tuple[Node, ...], tell: set[str], seed: int
) -> None:
    template = parse_template("".join(node.source() for node in nodes))
    assert template.slots == slots_of(nodes)
    assert template.needed == {slot for node in nodes for slot in node.needed()}
    made = render(template, random.Random(seed), "<{}>".format, tell)
    assert made in texts_of(nodes, tell)


@given(st.text(alphabet=MARKS + "ab. \n", max_size=30))
def test_any_phrase_is_a_template_or_a_user_error(text: str) -> None:
    told = repr(text)
    try:
        render(parse_template(text), random.Random(1), str)
    except UserError as error:
        told = str(error)
    assert repr(text) in told


@given(st.text(max_size=60).filter(lambda text: not set(text) & {*MARKS, "\0"}))
def test_literal_text_survives(text: str) -> None:
    assert render(parse_template(text), random.Random(1), str) == tidy(text)


@given(st.text(alphabet="AB.,(){}[]|", max_size=12))
def test_what_is_filled_in_is_never_read_as_a_template(value: str) -> None:
    assert render(parse_template("X{slot}X"), random.Random(1), lambda _: value) == f"X{value}X"


@pytest.mark.parametrize(
    ("phrase", "told"),
    [
        ("(a|b", "expected ')'"),
        ("[a", "expected ']'"),
        ("a)", "')' at 1 has no opening bracket"),
        ("a]", "']' at 1 has no opening bracket"),
        ("a|b", "'|' at 1 has no opening bracket"),
        ("(a|[b)", "expected ']'"),
        ("{a", "'{' at 0 is never closed"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_unbalanced_brackets_are_named(phrase: str, told: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_template(phrase)
    assert told in str(refused.value)


def test_an_optional_part_is_kept_exactly_when_all_its_slots_are_told() -> None:
    template = parse_template("Plot {label}[ at {garden}][, {name} ({email})].")

    def told(*names: str) -> str:
        return render(template, random.Random(0), str.upper, names)

    assert told() == "Plot LABEL."
    assert told("garden") == "Plot LABEL at GARDEN."
    assert told("name") == "Plot LABEL."
    assert told("name", "email") == "Plot LABEL, NAME (EMAIL)."


def test_choices_and_coins_use_every_side() -> None:
    template = parse_template("(A|B)[C]")
    made = {render(template, random.Random(seed), str) for seed in range(60)}
    assert made == {"A", "B", "AC", "BC"}


@pytest.mark.parametrize(
    ("rough", "clean"),
    [
        ("  plot  a-01 , please .", "Plot a-01, please."),
        ("so\n and", "So\n and"),
        ("ana@postbox.example is it", "ana@postbox.example is it"),
        ("what ?", "What?"),
        ("您好， 请问 Elm Street花园 ？ 谢谢。 再见", "您好，请问 Elm Street花园？谢谢。再见"),
        ("", ""),
    ],
)
def test_texts_are_tidied(rough: str, clean: str) -> None:
    assert tidy(rough) == clean


@given(st.text(max_size=60))
def test_tidying_twice_changes_nothing_more_than_capitals_and_spaces(text: str) -> None:
    assert tidy(text).casefold().replace(" ", "") == text.strip().casefold().replace(" ", "")


def test_dates_are_shown_in_the_styles_of_people() -> None:
    styles = ("iso", "day_month", "month_day", "weekday")
    assert [show_date("2027-04-05", style) for style in styles] == [
        "2027-04-05",
        "5 April",
        "April 5",
        "Monday 5 April",
    ]


@given(st.dates(date(2000, 1, 1), date(2060, 12, 31)))
def test_a_weekday_is_the_right_one(day: date) -> None:
    # Zeller's congruence, which knows nothing of Python's calendar.
    month, year = (day.month + 12, day.year - 1) if day.month < 3 else (day.month, day.year)
    century, rest = divmod(year, 100)
    number = (day.day + 13 * (month + 1) // 5 + rest + rest // 4 + century // 4 + 5 * century) % 7
    names = ("Saturday", "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
    assert show_date(day.isoformat(), "weekday").split()[0] == names[number]


def test_a_day_of_another_year_is_said_with_its_year() -> None:
    styles = ("iso", "day_month", "month_day", "weekday")
    assert [show_date("2026-12-23", style, today="2027-04-27") for style in styles] == [
        "2026-12-23",
        "23 December 2026",
        "December 23, 2026",
        "Wednesday 23 December 2026",
    ]
    assert show_date("2026-12-23", "day_month", today="2026-01-02") == "23 December"
    assert show_date("2026-12-23", "weekday", "zh", today="2027-01-02") == "2026年12月23日（周三）"


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("plot.fee_cents", 2405, "$24.05"),
        ("plot.fee_cents", 5, "$0.05"),
        ("plot.size", 2405, "2405"),
        ("plot.sun", "full", "full sun"),
        ("plot.raised", True, "yes"),
        ("plot.raised", False, "no"),
        ("plot.due", "2027-04-05", "5 April"),
        ("plot.code", "2027-04-05x", "2027-04-05x"),
    ],
)
def test_values_are_said_as_people_say_them(path: str, value: object, shown: str) -> None:
    assert format_value(path, value, {"full": "full sun"}, "day_month") == shown


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ("plot.fee_cents", 2850, "28.50元"),
        ("plot.sun", "full", "全日照"),
        ("plot.raised", True, "是"),
        ("plot.raised", False, "否"),
        ("plot.due", "2027-04-22", "4月22日"),
        ("plot.due", "2027-04-22T09:30", "4月22日09:30"),
        ("plot.label", "A-01", "A-01"),
    ],
)
def test_values_are_said_in_chinese(path: str, value: object, shown: str) -> None:
    assert format_value(path, value, {"full": "全日照"}, "day_month", "zh") == shown


def test_times_and_units_are_said_by_their_words() -> None:
    words = {"09:30": "上午9点半", "grams": "克"}
    moment = "2027-04-22T09:30"
    assert format_value("sent", moment, words, "day_month", "zh") == "4月22日上午9点半"
    assert with_unit("420", "grams", words) == "420克"
    assert says("体重420克。", 420, "quantity", unit="grams", today="2027-04-14", language="zh")
    assert with_unit("420", "grams", {}) == "420 grams"
    assert with_unit("420", None, words) == "420"


@given(st.dates(date(2026, 11, 1), date(2027, 9, 30)))
def test_a_date_is_read_back_as_it_is_shown_in_every_style_and_language(day: date) -> None:
    for language in ("en", "zh"):
        for style in ("iso", "day_month", "month_day", "weekday"):
            shown = show_date(day.isoformat(), style, language)
            around = f"在{shown}去" if language == "zh" else f"on {shown}, please"
            assert dates_in(around, "2027-04-14", language) == {day.isoformat()}, shown


@given(st.integers(0, 10_000_00))
def test_an_amount_is_read_back_as_it_is_shown_in_every_language(cents: int) -> None:
    for language in ("en", "zh"):
        for whole in (True, False):
            text = show_money(cents, language, whole=whole)
            assert says(text, cents, "money", today="2027-04-14", language=language), text
