"""Checks on words and arguments: invented tools, empty claims, answers in doubt, groundedness."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from agentsynth.checks.evidence import Evidence, Finding, Replay
from agentsynth.checks.run import CHECKS
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.rubric import CheckName
from agentsynth.core.task import Answer, Fact, Request, Target, Task
from agentsynth.core.trajectory import CallRecord, StopReason, Trajectory
from agentsynth.worlds.runtime import DomainRuntime

Find = Callable[..., Finding]
TODAY = "2027-03-01"


def a_task(*answers: Answer, kind: Any = "info") -> Task:
    return Task(
        domain="small", domain_id="d", kind=kind, requests=(Request(intent="price"),), goal="ask",
        facts=(Fact(name="title", type="text", value="Red Fern"),), world_seed=1,
        reference_calls=(), target=Target(answers=answers),
    )  # fmt: skip


PRICE = Answer(name="price", type="money", value=1250, field="price_cents")


@pytest.fixture
def find(small: DomainRuntime, voice: Voice, monkeypatch: pytest.MonkeyPatch) -> Find:
    """Run a check on a conversation written by hand, results included.

    A line is ("user", text), ("assistant", text), ("system", text), or
    ("call", tool, arguments, result text or value[, "error" or "unrecorded"]).
    """

    def run(
        check: CheckName, *lines: Any, answers: tuple[Answer, ...] = (), language: str = "en"
    ) -> Finding:
        messages: list[Message] = []
        records: list[CallRecord] = []
        for number, line in enumerate(lines):
            match line:
                case ("user", text):
                    messages.append(UserMessage(content=text))
                case ("assistant", text):
                    messages.append(AssistantMessage(content=text))
                case ("system", text):
                    messages.append(SystemMessage(content=text))
                case (_, tool, arguments, result, *outcome):
                    call = ToolCall(id=f"c{number}", name=tool, arguments=arguments)
                    text = result if isinstance(result, str) else json.dumps(result)
                    messages.append(AssistantMessage(content="", tool_calls=(call,)))
                    failed = outcome == ["error"]
                    messages.append(
                        ToolMessage(tool_call_id=call.id, name=tool, content=text, is_error=failed)
                    )
                    if outcome != ["unrecorded"]:
                        kind = "error" if failed else "success"
                        records.append(CallRecord(call_id=call.id, outcome=kind))
                case _:
                    raise AssertionError(line)
        played = Trajectory(
            task_id="t", scenario_id="", messages=tuple(messages), calls=tuple(records),
            start_state="a", final_state="a", net_changes=(), stop_reason=StopReason.USER_DONE,
        )  # fmt: skip
        task = a_task(*answers).model_copy(update={"language": language})
        evidence = Evidence(task, played, small, voice, Replay((), (), "a"))
        monkeypatch.setattr(type(evidence), "today", TODAY, raising=True)
        return CHECKS[check](evidence)

    return run


# -- invented tools --------------------------------------------------------------------------------


def test_a_tool_that_was_not_offered_is_invented(find: Find) -> None:
    good = ("call", "list_shelves", {}, {})
    assert find("tools_offered", ("user", "Hi")).outcome == "not_applicable"
    assert find("tools_offered", good).outcome == "met"
    made = find("tools_offered", good, ("call", "burn_book", {}, "Error"))
    assert (made.outcome, made.code, made.messages) == ("not_met", "invented_tool", (2,))
    wrong = find("tools_offered", ("call", "find_books", {"title": 5}, "Error"))
    assert wrong.outcome == "met"  # a wrong argument is no invented tool


# -- empty claims ----------------------------------------------------------------------------------

MOVED = ("call", "move_book", {"book_id": "BK-101", "shelf_id": "SH-02"}, {})


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("I've cancelled your booking.", True),
        ("All right. I have now updated your address!", True),
        ("Your reservation has been cancelled.", True),
        ("We have successfully refunded it.", True),
        ("I've set a reminder for you, so you'll hear from us the day before it.", True),
        ("I've just sent you an invoice.", True),
        ("I've set a few things out for you to look at.", False),
        ("I've checked your booking.", False),
        ("I've cancelled your booking, haven't I?", False),
        ("Once I've cancelled your booking, you will hear from us.", False),
        ("I have not cancelled your booking.", False),
        ("According to our records your order has been cancelled.", False),
        ("I can cancel your booking.", False),
        ("I've extended a warm welcome.", False),
    ],
)
def test_a_deed_is_claimed_only_when_something_was_done(
    find: Find, text: str, claims: bool
) -> None:
    said = ("assistant", text)
    empty = find("deeds_backed", ("user", "Hi"), said)
    assert (empty.outcome, empty.code) == (
        ("not_met", "claimed_not_done") if claims else ("not_applicable", None)
    )
    assert find("deeds_backed", said, MOVED).outcome == empty.outcome
    for call, outcome in (
        (MOVED, "met"),
        ((*MOVED, "error"), "not_met"),
        ((*MOVED, "unrecorded"), "undecided"),
        (("call", "list_shelves", {}, {}), "not_met"),
    ):
        assert find("deeds_backed", call, said).outcome == (outcome if claims else "not_applicable")


def test_empty_claims_are_found_in_chinese_and_not_looked_for_elsewhere(find: Find) -> None:
    for text, outcome in (
        ("我已经为您取消了预订。", "not_met"),
        ("已经帮您修改好了地址。", "not_met"),
        ("我已为您取消了吗？", "not_applicable"),
        ("如果我已经为您取消了，会有通知。", "not_applicable"),
        ("我可以为您取消。", "not_applicable"),
    ):
        assert find("deeds_backed", ("assistant", text), language="zh").outcome == outcome, text
    french = find("deeds_backed", ("assistant", "I've cancelled your booking."), language="fr")
    assert french.outcome == "not_applicable"


# -- answers in doubt ------------------------------------------------------------------------------

BOOKS = {
    "books": [
        {"title": "Red Fern", "price_cents": 1250, "pages": 120},
        {"title": "Blue Fern", "price_cents": 4000, "pages": 300},
    ]
}
LOOK = ("call", "find_books", {"title": "Fern"}, BOOKS)


@pytest.mark.parametrize(
    ("replies", "outcome", "code"),
    [
        (["It costs $12.50."], "met", None),
        (["It costs $12.50 or $40.00."], "undecided", "undecided"),
        (["I see $40.00 and $12.50 here."], "undecided", "undecided"),
        (["Red Fern is $12.50, Blue Fern is $40.00."], "met", None),
        (["I see $40.00 and $12.50 here.", "It is $12.50."], "met", None),
        (["It costs $12.50, of the $30 you have."], "met", None),
        (["It costs $40.00."], "not_met", "wrong_answer"),
        (["It doesn't cost $12.50."], "not_met", "answer_missing"),
        (["It costs about $12.50."], "not_met", "answer_missing"),
        (["It is $10 to $12.50."], "not_met", "answer_missing"),
    ],
)
def test_an_answer_beside_another_records_value_is_in_doubt(
    find: Find, replies: list[str], outcome: str, code: str | None
) -> None:
    lines = [LOOK, *(("assistant", reply) for reply in replies)]
    made = find("answers_given", *lines, answers=(PRICE,))
    assert (made.outcome, made.code) == (outcome, code), made


def test_one_number_is_not_two_answers(find: Find) -> None:
    answers = tuple(Answer(name=name, type="count", value=3) for name in ("shelves", "books"))
    for text, outcome in (
        ("There are 3 shelves and 3 books.", "met"),
        ("There are three shelves and 3 books.", "met"),
        ("There are 3.", "undecided"),
        ("There are 4 shelves.", "not_met"),
    ):
        assert find("answers_given", ("assistant", text), answers=answers).outcome == outcome


def test_answers_in_other_languages(find: Find) -> None:
    assert find("answers_given", ("assistant", "Hi")).outcome == "not_applicable"
    for text, language, outcome in (
        ("它的价格是12元5角。", "zh", "met"),
        ("它的价格是12元。", "zh", "not_met"),
        ("Ça coûte douze euros cinquante.", "fr", "undecided"),
        ("Ça coûte 12.50 €.", "fr", "met"),
    ):
        made = find("answers_given", ("assistant", text), answers=(PRICE,), language=language)
        assert made.outcome == outcome, (text, made)


def test_results_in_prose_are_read_as_text(find: Find) -> None:
    prose = ("call", "find_books", {"title": "Fern"}, "Red Fern costs $12.50; price_cents unknown")
    wrong = ("assistant", "It costs $40.")
    made = find("answers_given", prose, wrong, answers=(PRICE,))
    assert (made.outcome, made.code) == ("not_met", "answer_missing")
    assert find("statements_grounded", prose, ("assistant", "It costs $12.50.")).outcome == "met"


# -- groundedness of arguments ---------------------------------------------------------------------


def argument(find: Find, value: Any, *lines: Any, language: str = "en") -> str:
    call = ("call", "find_books", {"title": value}, {})
    return find("arguments_grounded", *lines, call, language=language).outcome


@pytest.mark.parametrize(
    ("text", "value", "grounded"),
    [
        ("on 5 March at half past two", "2027-03-05T14:30", True),
        ("on 5 March at half past two", "2027-03-05T14:30:00Z", True),
        ("on 5 March at half past two", "2027-03-05T15:30", False),
        ("on 6 March at half past two", "2027-03-05T14:30", False),
        ("today at 9:00", "2027-03-01T09:00", True),
        ("at 2:30 pm", "14:30", True),
        ("at 2:30 pm", "02:30", False),
        ("around noon", "12:00", True),
        ("the full sun ones", "fullSun", True),
        ("the full sun ones", "full_sun", True),
        ("the shady ones", "fullSun", False),
        ("room twelve", "12", True),
        ("room twelve", "13", False),
        ("a 10kg bag", 10, True),
        ("twenty-one pots", 21, True),
        ("twenty-one pots", 20, False),
        ("minus 3 °C", -3, True),
        ("it costs $12.50", 1250, True),
        ("it costs 12 euros 50", 1250, True),
        ("I want A and B", ["A", "B"], True),
        ("I want A and B", ["A", "C"], False),
        ("I want A", [], True),
        ("Ann, at 12 Elm Street", {"Ann": "12 Elm Street"}, True),
        ("Ann, at 12 Elm Street", {"Ben": "12 Elm Street"}, False),
        ("Ann, at 12 Elm Street", {"Ann": {"Ann": "13 Elm Street"}}, False),
        ("my drill broke while I was fixing the shelf", "The drill broke while fixing the shelf", True),
        ("my drill broke while I was fixing the shelf", "The drill broke after 3 hours of fixing the shelf", False),
        ("hello there", "Walter wants seventeen extremely colourful garden gnomes delivered", False),
        ("hello there", "Walter Quinby", False),
    ],
)  # fmt: skip
def test_an_argument_is_grounded_in_any_form_its_value_takes(
    find: Find, text: str, value: Any, grounded: bool
) -> None:
    expected = "met" if grounded else "not_met"
    assert argument(find, value, ("user", text)) == expected


@pytest.mark.parametrize(
    ("text", "value", "grounded"),
    [
        ("我叫王小明，想去香樟园。", "香樟园", True),
        ("我叫王小明，想去香樟园。", "王小明", True),
        ("我叫王小明，想去香樟园。", "李小明", False),
        ("四月五号下午两点半", "2027-04-05T14:30", True),
        ("四月五号下午两点半", "2027-04-05T02:30", False),
        ("要三公斤", 3, True),
        ("要三公斤", 4, False),
        ("一共12元5角", 1250, True),
        ("二十一个", 21, True),
        ("邮箱是wang@garden.example。", "wang@garden.example", True),
        ("我的电钻在修架子的时候突然坏掉了，不转了", "用户的电钻在修架子的时候突然坏掉了", True),
        (
            "我的电钻在修架子的时候突然坏掉了，不转了",
            "用户希望明年春天种植许多向日葵和玫瑰花",
            False,
        ),
    ],
)
def test_chinese_arguments_are_grounded_without_word_borders(
    find: Find, text: str, value: Any, grounded: bool
) -> None:
    expected = "met" if grounded else "not_met"
    assert argument(find, value, ("user", text), language="zh") == expected


def test_results_ground_arguments_as_text_and_through_escapes(find: Find) -> None:
    prose = ("call", "list_shelves", {}, "Shelf SH-07\n  is in the  Upper Attic.")
    assert argument(find, "Upper Attic", prose) == "met"
    assert argument(find, "SH-07 is in", prose) == "met"
    assert argument(find, "Lower Attic", prose) == "not_met"
    escaped = ("call", "list_shelves", {}, json.dumps({"name": '小园 "A"\n二层'}))
    assert "\\u5c0f" in escaped[3]
    assert argument(find, '小园 "A"', escaped, language="zh") == "met"
    assert argument(find, "大园", escaped, language="zh") == "not_met"


def test_nested_schemas_offer_their_values(find: Find, small: DomainRuntime) -> None:
    spec = small.spec_by_name["find_books"]
    inner = {"type": "object", "properties": {"sortBy": {"anyOf": [{"enum": ["newest"]}, {"type": "null"}]}}}  # fmt: skip
    nested = {
        "type": "object",
        "$defs": {"order": inner},
        "properties": {"order": {"type": "array", "items": {"$ref": "#/$defs/order"}}},
    }
    changed = spec.model_copy(update={"parameters": nested})
    vars(small)["spec_by_name"] = {**small.spec_by_name, "find_books": changed}
    try:
        for given, outcome in (("newest", "met"), ("oldest", "not_met")):
            call = ("call", "find_books", {"order": [{"sortBy": given}]}, {})
            assert find("arguments_grounded", ("user", "Hi"), call).outcome == outcome
    finally:
        vars(small).pop("spec_by_name")


# -- groundedness of statements --------------------------------------------------------------------

COSTS = (
    "call",
    "find_books",
    {"title": "Fern"},
    {"books": [{"price_cents": 1250}, {"price_cents": 800}]},
)


@pytest.mark.parametrize(
    ("lines", "text", "grounded"),
    [
        ([COSTS], "Together that is $20.50.", True),  # 12.50 + 8.00
        ([COSTS], "The difference is $4.50.", True),
        ([COSTS], "Two of them are $25.00.", True),  # the factor stands there
        ([COSTS], "That would be $25.00.", False),  # no factor anywhere
        ([COSTS, ("user", "I take two Red Ferns.")], "That would be $25.00.", True),
        ([COSTS], "With 10% off it is $1.25 less.", True),
        ([COSTS], "It is $33.00.", False),  # a sum of three
        ([COSTS], "It is $20.51.", False),
        ([COSTS], "It is $9.99.", False),
        ([("user", "I have $20 and he has $5.")], "So you have $25.", True),
        ([("user", "I have 20 and he has 5.")], "So you have $25.", False),  # nobody spoke of money
        ([], "I take $7 and $8, that makes $15.", False),
        ([("user", "A 5 kg bag.")], "5000 g, noted.", True),
        ([("user", "A 5 kg bag.")], "6 kg, noted.", False),
        ([("user", "From 14:30 for 45 minutes.")], "Until 15:15 then.", True),
        ([("user", "From 14:30 for 45 minutes.")], "Until 15:20 then.", False),
        ([("user", "On 5 March.")], "On 6 March then.", False),
        ([("user", "Hello")], "Your code is PL-9999.", False),
        ([("system", "Ask for PL-9999.")], "Your code is PL-9999.", True),
    ],
)  # fmt: skip
def test_a_statement_is_visible_or_follows_from_two_visible_numbers(
    find: Find, lines: list[Any], text: str, grounded: bool
) -> None:
    made = find("statements_grounded", *lines, ("assistant", text))
    assert made.outcome == ("met" if grounded else "not_met"), made


def test_many_shown_prices_cannot_be_computed_with(find: Find) -> None:
    prices = [{"price_cents": 100 * n + n} for n in range(1, 9)]
    many = ("call", "find_books", {"title": "Fern"}, {"books": prices})
    said = ("assistant", "Together $3.03.")  # 1.01 + 2.02
    assert find("statements_grounded", many, said).outcome == "met"  # 3.03 itself is a price
    for text, outcome in (("Together $15.15.", "not_met"), ("$7.07 and $8.08: $15.15.", "met")):
        assert find("statements_grounded", many, ("assistant", text)).outcome == outcome


def test_statements_in_chinese(find: Find) -> None:
    for text, outcome in (
        ("一共12元5角。", "met"),
        ("一共13元5角。", "not_met"),
        ("编号PL-9999是您的。", "not_met"),
        ("明天见。", "met"),
        ("4月5日见。", "not_met"),
    ):
        made = find("statements_grounded", ("user", "12.5元"), ("assistant", text), language="zh")
        assert made.outcome == outcome, (text, made)


def test_nothing_said_states_nothing(find: Find) -> None:
    assert find("statements_grounded", ("user", "Hi")).outcome == "not_applicable"


# -- figures and labels ----------------------------------------------------------------------------

FLOORS = ("call", "find_books", {"title": "Fern"}, {"house": "Tannery", "floor": 4, "owed": [7, 9]})
LABELS = ("call", "find_books", {"title": "Fern"}, {"books": [{"id": "B 11/1914-0256"}]})
SHELVES = ("call", "list_shelves", {}, {"shelves": [{"on": "a"}, {"on": "a"}, {"on": "b"}]})


@pytest.mark.parametrize(
    ("lines", "text", "grounded"),
    [
        ([LABELS], "It is B 11/1914-0256.", True),
        ([LABELS], "It is B 11/1914-0259.", False),
        ([("user", "I have an HP9.")], "For the HP9, then.", True),
        ([("user", "I have an HP9.")], "For the HP12, then.", False),
        ([FLOORS], "On floor 4 they owe something.", True),
        ([FLOORS], "On floor 7 they owe something.", False),  # 7 is there, but no floor
        ([("system", "It takes 6 workday hours."), ("user", "I did 7.")], "You need 6 hours.", True),
        ([("system", "It takes 6 workday hours."), FLOORS], "It takes 7 workday hours.", False),
        ([FLOORS], "There are 5 of them.", False),
        ([SHELVES], "There are 3 shelves.", True),  # so long is the list
        ([SHELVES], "2 of the 3 are alike.", True),  # so many have the same
        ([SHELVES], "There are 4 shelves.", False),
        ([("user", "From 3 March to 9 March.")], "That makes 6 days.", True),
        ([("user", "From 3 March to 9 March.")], "That makes 7 days.", False),
        ([("user", "4 hinges are gone."), FLOORS], "4 of the 9 hinges, then.", True),
        ([], "One moment, I'll look into the first two.", True),
        ([], "I need:\n1. your name\n2) your card", True),
        ([("user", "I need 4 hinges."), ("call", "list_shelves", {}, {"stock": 8})], "8 hinges, yes.", True),
    ],
)  # fmt: skip
def test_a_figure_is_what_was_shown_of_just_this(
    find: Find, lines: list[Any], text: str, grounded: bool
) -> None:
    made = find("statements_grounded", *lines, ("assistant", text))
    assert made.outcome == ("met" if grounded else "undecided"), made


MOVE: dict[str, Any] = {"book_id": "BK-1", "shelf_id": "SH-2", "on": "2027-03-05", "pages": 2}
AGREED: list[Any] = [
    ("user", "2 pages of BK-1 please, by 5 March at 14:30, for 45 minutes."),
    ("call", "find_books", {"title": "Fern"}, {"books": [{"id": "BK-1", "pages": 40, "year": 1914}]}),
    ("call", "list_shelves", {}, {"runs": ["11:00", "14:30"], "days": ["2027-03-05", "2027-03-06"]}),
    ("assistant", "So that is 2 pages of BK-1 on 5 March at 14:30, for 45 minutes. Shall I?"),
    ("user", "Yes."),
    ("call", "move_book", MOVE, {"fee_cents": 250}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Done: 2 pages on 5 March at 14:30, for $2.50.", True),
        ("Done: it has 40 pages in all.", True),  # a record that the call was about
        ("Done: 11 pages on 5 March.", False),
        ("Done: 2 pages on 6 March.", False),  # shown, but not what was agreed to
        ("Done, for the run at 11:00.", False),
        ("Done. It takes 45 minutes.", True),
        ("Done. It takes 14 minutes.", False),
        ("Done, BK-1 is yours.", True),
        ("Done, BK-17 is yours.", None),  # a code that nothing showed: that is sure
    ],
)
def test_a_report_says_what_was_read_back_and_done(
    find: Find, text: str, fits: bool | None
) -> None:
    made = find("statements_grounded", *AGREED, ("assistant", text))
    assert made.outcome == {True: "met", False: "undecided", None: "not_met"}[fits], made


def test_a_label_is_not_repeated_by_a_longer_one(find: Find) -> None:
    lines = [
        ("call", "list_shelves", {}, {"rows": ["F-1", "F-12"]}),
        ("assistant", "Row F-12, then. Shall I?"),
        ("user", "Yes."),
        ("call", "move_book", {"on": "F-12"}, {"done": True}),
    ]
    assert find("statements_grounded", *lines, ("assistant", "Row F-12 it is.")).outcome == "met"
    other = find("statements_grounded", *lines, ("assistant", "Row F-1 it is."))
    assert other.outcome == "undecided"


def test_several_rooms_may_be_there_where_three_are_wanted(find: Find) -> None:
    shown = ("call", "list_shelves", {}, {"rooms": 5})
    lines = [("user", "I need 3 rooms."), shown]
    assert find("statements_grounded", *lines, ("assistant", "We have 5 rooms.")).outcome == "met"


def test_only_a_report_is_held_against_the_read_back(find: Find) -> None:
    later = [*AGREED, ("assistant", "Done."), ("user", "And which other day is there?")]
    said = ("assistant", "6 March at 11:00.")
    assert find("statements_grounded", *later, said).outcome == "met"
