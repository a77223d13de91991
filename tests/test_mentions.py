from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.checks.mentions import contains, dates_in, numbers_in, says
from agentsynth.compose.scenarios import personas
from agentsynth.core.phrasing import format_value, show_date
from agentsynth.core.words import has_words, normal

TODAY = "2027-04-14"
STYLES = sorted({persona.dates for persona in personas()})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Until 2027-05-01.", {"2027-05-01"}),
        ("from 2027-05-01 to 2027-05-03", {"2027-05-01", "2027-05-03"}),
        ("5 May", {"2027-05-05"}),
        ("the 5th of May", {"2027-05-05"}),
        ("May 5th, please", {"2027-05-05"}),
        ("MAY 5", {"2027-05-05"}),
        ("Monday 19 April", {"2027-04-19"}),
        ("19 Apr. or Apr. 20", {"2027-04-19", "2027-04-20"}),
        ("Sept. 5 or 6 Sept", {"2027-09-05", "2027-09-06"}),
        ("May 5, 2031", {"2031-05-05"}),
        ("5 May 2031", {"2031-05-05"}),
        ("28 December", {"2026-12-28"}),
        ("2 January", {"2027-01-02"}),
        ("30 February", set()),
        ("2027-02-30 or 2027-13-01", set()),
        ("29 February", {"2028-02-29"}),
        ("in May, 5 of them", set()),
        ("may I have 5", set()),
        ("number 12027-05-011", set()),
        ("plot 5 maybe", set()),
        ("tomorrow", set()),
        ("on 8 February. The 14:00 run, please", {"2027-02-08"}),
    ],
)
def test_dates_are_found_as_people_write_them(text: str, found: set[str]) -> None:
    assert dates_in(text, TODAY) == found


@given(st.dates(date(2001, 1, 1), date(2060, 1, 1)), st.integers(-180, 180))
def test_a_date_is_found_again_in_every_style_of_the_personas(today: date, days: int) -> None:
    day = (today + timedelta(days=days)).isoformat()
    for style in STYLES:
        text = f"I'd bring it back on {show_date(day, style)}, if that works."
        assert dates_in(text, today.isoformat()) == {day}
        assert says(text, day, "date", today=today.isoformat())


def test_every_style_of_the_personas_is_one_that_can_be_shown() -> None:
    assert {show_date("2027-04-05", style) for style in STYLES} == {
        "2027-04-05", "5 April", "April 5", "Monday 5 April"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is $1,250.50 a year.", {1250.5}),
        ("7 or 12.5, or -3", {7, 12.5}),
        ("plot A-07, GA-11, B12, 3rd, 10kg", set()),
        ("three of the twenty", {3, 20}),
        ("There are none left, no.", {0}),
        ("12,345,678 and 1,23", {12345678, 1, 23}),
        ("at 9:15", {9, 15}),
        ("$800.", {800}),
        ("one.", {1}),
        ("someone bone", set()),
    ],
)
def test_numbers_are_found_in_digits_and_words(text: str, found: set[float]) -> None:
    assert numbers_in(text) == found


@given(st.integers(0, 10**7))
def test_an_amount_is_found_again_as_it_is_shown(cents: int) -> None:
    shown = format_value("fee_cents", cents, {}, "iso")
    assert says(f"That comes to {shown} a year.", cents, "money", today=TODAY)
    assert not says(f"That comes to {shown} a year.", cents + 1, "money", today=TODAY)
    assert says(f"Only {cents:,} left", cents, "count", today=TODAY)


@pytest.mark.parametrize(
    ("text", "value", "held"),
    [
        ("I'm Brian Parker.", "Ian Park", False),
        ("I'm IAN  PARK.", "Ian Park", True),
        ("Ian\nPark", "ian park", True),
        ("a.b@x.example", "b@x.example", True),
        ("the drill_bit", "drill", False),
        ("brian park, ian park", "Ian Park", True),
        ("STRASSE", "straße", True),
        ("A-01.", "A-01", True),
        ("A-011", "A-01", False),
        ("anything", "", True),
    ],
)
def test_text_is_contained_as_whole_words(text: str, value: str, held: bool) -> None:
    if value:
        assert contains(text, value) is held
        assert has_words(normal(text), normal(value)) is held


@given(st.text(alphabet="abc .", max_size=12), st.text(alphabet="abc", min_size=1, max_size=3))
def test_words_are_contained_exactly_when_they_are_among_the_words(text: str, word: str) -> None:
    assert contains(text, word) == (word in text.replace(".", " ").split())


@pytest.mark.parametrize(
    ("text", "value", "type_", "said_as", "held"),
    [
        ("It costs $12.50.", 1250, "money", None, True),
        ("It costs 1250.", 1250, "money", None, False),
        ("There are 3.", 3, "count", None, True),
        ("There are three.", 3, "count", None, True),
        ("There are 13.", 3, "count", None, False),
        ("It is out on loan.", "on_loan", "text", "out on loan", True),
        ("It is on_loan.", "on_loan", "text", "out on loan", True),
        ("It is about a loan.", "on_loan", "text", "out on loan", False),
        ("On 15 April.", "2027-04-15", "date", None, True),
        ("On 16 April.", "2027-04-15", "date", None, False),
    ],
)
def test_a_text_says_a_value_by_its_type(
    text: str, value: object, type_: str, said_as: str | None, held: bool
) -> None:
    assert says(text, value, type_, today=TODAY, said_as=said_as) is held
