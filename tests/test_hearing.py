"""What the garden's lexicon tells is heard back: by the assistant, by the user, by the checks."""

import random
import re
from collections.abc import Collection, Iterator
from typing import Any

import pytest

from agentsynth.checks.conduct import claim_in
from agentsynth.compose.scenarios import personas
from agentsynth.core.intent import GuardStep, Intent
from agentsynth.core.lexicon import SlotPhrases, Voice
from agentsynth.core.phrasing import parse_template, render, show_date
from agentsynth.core.protocols import UserView
from agentsynth.core.scenario import Persona
from agentsynth.core.task import Fact
from agentsynth.plan.candidate import draw, draw_facts
from agentsynth.plan.recipe import UNKNOWN
from agentsynth.simulate.hearing import Heard, hear
from agentsynth.simulate.user import ScriptedUser
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime

WORLDS = (1, 2, 3)
STYLES = sorted({persona.dates for persona in personas()})
QUIET = next(persona for persona in personas() if persona.opens_with == "little")

Facts = dict[str, Any]


@pytest.fixture(params=["en", "zh"])
def desk(request: pytest.FixtureRequest, garden: DomainRuntime) -> DomainRuntime:
    """The garden in each of its languages."""
    return garden.speaking(request.param)


@pytest.fixture
def tongue(desk: DomainRuntime) -> Voice:
    return load_voice(desk.lexicon.language)


def drawn_facts(
    runtime: DomainRuntime, intent: Intent, count: int
) -> Iterator[tuple[Facts, str, list[str]]]:
    """Yield what users of several worlds know, the day, and the names of all tools there."""
    assert runtime.compiled is not None
    for world in WORLDS:
        rng = random.Random(world)
        items = [str(item["name"]) for item in runtime.compiled.base(world).tables["item"].values()]
        for _ in range(count):
            scope = None
            while scope is None:
                scope = draw(intent, runtime, world, rng, {})
            yield draw_facts(intent, scope), runtime.today(world), items


def spoken(runtime: DomainRuntime, name: str, value: Any, dates: str) -> str:
    if runtime.lexicon.slots[name].type == "date":
        return show_date(str(value), dates, runtime.lexicon.language)
    return runtime.lexicon.words.get(str(value), str(value))


def heard(runtime: DomainRuntime, name: str, text: str, today: str, items: list[str]) -> Any:
    listener = Heard(runtime.lexicon, [text], today)
    if runtime.lexicon.slots[name].hearing == "seen":
        return listener.among(name, items)
    return listener.value(name)


def test_every_opening_is_heard_back_and_nothing_else_is(desk: DomainRuntime) -> None:
    for name, intent in desk.playbook.intents.items():
        cases = list(drawn_facts(desk, intent, 2))
        for number, phrase in enumerate(desk.lexicon.intents[name].open):
            template = parse_template(phrase)
            for count, (facts, today, items) in enumerate(cases):
                dates = STYLES[(number + count) % len(STYLES)]
                for told in (set(facts), template.needed, template.needed | {"full_name", "email"}):
                    text = _told(desk, phrase, facts, dates, told)
                    for fact, value in facts.items():
                        found = heard(desk, fact, text, today, items)
                        said = says(desk, fact, value, dates, text)
                        assert said or fact not in template.needed
                        assert found == (value if said else UNKNOWN), (name, fact, text)


def says(runtime: DomainRuntime, name: str, value: Any, dates: str, text: str) -> bool:
    """Whether the text has the fact as people say it; "good" in a greeting is no condition."""
    said = re.sub("good (morning|afternoon|day)", "", text.lower())
    return spoken(runtime, name, value, dates).lower() in said


def _told(
    runtime: DomainRuntime, phrase: str, facts: Facts, dates: str, told: Collection[str]
) -> str:
    def value(slot: str) -> str:
        return spoken(runtime, slot, facts[slot], dates)

    return render(parse_template(phrase), random.Random(1), value, facts.keys() & told)


@pytest.mark.parametrize("style", STYLES)
def test_every_answer_to_a_question_is_heard_back(desk: DomainRuntime, style: str) -> None:
    slots = desk.lexicon.slots
    phrases = [(phrase, (name,)) for name in slots for phrase in slots[name].tell]
    phrases += [(phrase, ask.slots) for ask in desk.lexicon.asks for phrase in ask.tell]
    for phrase, names in phrases:
        needed = parse_template(phrase).slots | set(names)
        intent = next(i for i in desk.playbook.intents.values() if needed <= i.facts.keys())
        for facts, today, items in drawn_facts(desk, intent, 3):
            text = _told(desk, phrase, facts, style, needed)
            for name in names:
                assert heard(desk, name, text, today, items) == facts[name], (name, text)


async def test_an_opening_of_any_persona_is_never_misheard(
    desk: DomainRuntime, tongue: Voice
) -> None:
    for number, (name, intent) in enumerate(desk.playbook.intents.items()):
        for seed, (facts, today, items) in enumerate(drawn_facts(desk, intent, 3)):
            for persona in personas():
                user = user_of(desk, tongue, name, persona, 100 * number + seed)
                text = (await user.act(view(desk, facts))).text or ""
                for fact, value in facts.items():
                    found = heard(desk, fact, text, today, items)
                    said = says(desk, fact, value, persona.dates, text)
                    assert found == (value if said else UNKNOWN), (name, fact, text)


async def test_a_user_answers_every_question_of_the_lexicon_with_what_was_asked(
    desk: DomainRuntime, tongue: Voice
) -> None:
    slots = desk.lexicon.slots
    questions = [(ask, (name,)) for name in slots for ask in slots[name].ask]
    questions += [(ask, group.slots) for group in desk.lexicon.asks for ask in group.ask]
    for number, (question, names) in enumerate(questions):
        for intent_name, intent in desk.playbook.intents.items():
            # An opening always names some facts; only what is still open can be asked for.
            openings = desk.lexicon.intents[intent_name].open
            if not set(names) <= intent.facts.keys():
                continue
            if any(parse_template(opening).needed & set(names) for opening in openings):
                continue
            facts, _, _ = next(drawn_facts(desk, intent, 1))
            user = user_of(desk, tongue, intent_name, QUIET, number)
            opening = (await user.act(view(desk, facts))).text or ""
            asked = view(desk, facts, ("user", opening), ("assistant", question))
            answer = await user.act(asked)
            assert not answer.leaves
            for name in names:
                shown = spoken(desk, name, facts[name], QUIET.dates)
                assert shown in (answer.text or ""), (intent_name, question, answer.text)


def user_of(
    runtime: DomainRuntime, voice: Voice, name: str, persona: Persona, seed: int
) -> ScriptedUser:
    intent = (name, runtime.playbook.intents[name])
    return ScriptedUser([intent], runtime.lexicon, voice, persona, random.Random(seed))


def view(runtime: DomainRuntime, facts: Facts, *messages: tuple[str, str]) -> UserView:
    known = {
        name: Fact(name=name, type=runtime.lexicon.slots[name].type, value=value)
        for name, value in facts.items()
    }
    return UserView(goal="", facts=known, messages=messages)


def matches(patterns: tuple[str, ...], text: str) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def asking(text: str) -> str:
    """The questions of a text."""
    return " ".join(re.findall(r"[^.!?。！？\n]*[?？]", text))


def sample(phrase: str) -> Iterator[str]:
    for seed in range(4):
        yield render(parse_template(phrase), random.Random(seed), lambda _: "this", ())


def test_every_refusal_is_heard_as_one_and_by_its_own_clause(
    desk: DomainRuntime, tongue: Voice
) -> None:
    for name, clause in (*desk.lexicon.clauses.items(), *desk.lexicon.obstacles.items()):
        for phrase in clause.decline:
            for text in sample(phrase):
                assert matches(tongue.refusals, text), (name, text)
                assert matches(clause.cues, text), (name, text)
                assert not matches(tongue.confirm_cues, asking(text)), (name, text)


def test_a_refusal_claims_nothing_to_be_done(desk: DomainRuntime, tongue: Voice) -> None:
    for name, intent in desk.playbook.intents.items():
        claims = desk.lexicon.intents[name].claims
        guards = {step.guard for step in intent.steps if isinstance(step, GuardStep)}
        for reason in guards if claims else ():
            phrases = desk.lexicon.reason(reason)
            assert phrases is not None
            for text in (text for phrase in phrases.decline for text in sample(phrase)):
                assert claim_in(text, claims, tongue.hedges) is None, (name, reason, text)


def test_every_report_of_a_deed_claims_it_and_no_proposal_does(
    desk: DomainRuntime, tongue: Voice
) -> None:
    for name, phrases in desk.lexicon.intents.items():
        for text in (text for phrase in phrases.done for text in sample(phrase)):
            assert matches(phrases.claims, text), (name, text)
            assert not matches(tongue.refusals, text), (name, text)
        for text in (text for phrase in phrases.propose for text in sample(phrase)):
            assert text.rstrip().endswith(("?", "？"))
            assert matches(tongue.confirm_cues, asking(text)), (name, text)


def test_what_the_voice_says_is_heard_for_what_it_is(tongue: Voice) -> None:
    for bank, phrases in tongue.phrases.items():
        kind = bank.partition(".")[0]
        for text in (text for phrase in phrases for text in sample(phrase)):
            assert matches(tongue.affirmations, text) or kind != "yes", text
            assert matches(tongue.refusals, text) or kind not in ("hold_firm", "hold_fact"), text
            if kind in ("closing", "more", "lets_see", "ask_lead", "leaves_early"):
                assert not matches(tongue.confirm_cues, asking(text)), (bank, text)
            if kind in ("closing", "more", "lets_see", "ask_lead"):
                assert not matches(tongue.refusals, text), (bank, text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Ana Park.", "Ana Park"),
        ("This is Mary-Jane Watson.", "Mary-Jane Watson"),
        ("Ana Park, ana.park@postbox.example", "Ana Park"),
        ("Sure! Ana Park.", "Ana Park"),
        ("Hello,\nAna Park", "Ana Park"),
        ("Ana Park here.", "Ana Park"),
        ("it is about a plot in Elm Street garden", UNKNOWN),
    ],
)
def test_a_person_is_heard_by_how_people_give_their_name(text: str, name: Any) -> None:
    assert hear(_slot("person"), [text], "2027-04-14") == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("我叫Ana Park，邮箱是ana.park@postbox.example。", "Ana Park"),
        ("我是 Mary-Jane Watson。", "Mary-Jane Watson"),
        ("姓名：Ana Park", "Ana Park"),
        ("名字是Ana Park，麻烦您了。", "Ana Park"),
        ("你好，这里是Ana Park。", "Ana Park"),
        ("Ana Park，ana.park@postbox.example。", "Ana Park"),
        ("Ana Park，我的邮箱是ana.park@postbox.example", "Ana Park"),
        ("好的，Ana Park。", "Ana Park"),
        ("我叫王小明，谢谢。", "王小明"),
        ("我是Elm Street花园的会员。", UNKNOWN),
        ("在Elm Street花园，地块A-01。", UNKNOWN),
        ("我叫的车还没到", UNKNOWN),
    ],
)
def test_a_person_is_heard_in_chinese(text: str, name: Any) -> None:
    assert hear(_slot("person"), [text], "2027-04-14", "zh") == name


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("借到4月22日。", "2027-04-22"),
        ("我2027年4月22日还。", "2027-04-22"),
        ("是4月22日（周四）那天", "2027-04-22"),
        ("定在2027-04-22吧。", "2027-04-22"),
        ("四月二十二号就行", "2027-04-22"),
        ("A-01号地块", UNKNOWN),
    ],
)
def test_a_day_is_heard_in_chinese(text: str, day: Any) -> None:
    assert hear(_slot("date"), [text], "2027-04-14", "zh") == day


def test_addresses_times_and_numbers_are_heard_between_chinese_characters() -> None:
    email, time = _slot("email"), _slot("time")
    count = _slot("pattern", type="count", patterns=[r"一共(\S+?)个"])
    text = "我的邮箱是ana.park@postbox.example谢谢，下午三点半到，一共十二个人。"
    assert hear(email, [text], "2027-04-14", "zh") == "ana.park@postbox.example"
    assert hear(time, [text], "2027-04-14", "zh") == "15:30"
    assert hear(count, [text], "2027-04-14", "zh") == 12


def test_what_people_call_a_stored_value_is_heard_as_the_value(garden: DomainRuntime) -> None:
    chinese, english = garden.speaking("zh").lexicon, garden.lexicon
    tools = ["hose reel", "soaker hose", "wheelbarrow"]
    heard_tool = Heard(chinese, ["我想借渗灌软管"], "2027-04-14").among("item", tools)
    assert heard_tool == "soaker hose"
    assert Heard(chinese, ["我想借wheelbarrow"], "2027-04-14").among("item", tools) == "wheelbarrow"
    assert Heard(chinese, ["要半日照的"], "2027-04-14").value("light") == "partial"
    assert Heard(english, ["In partial sun, please."], "2027-04-14").value("light") == "partial"


async def test_a_chinese_user_puts_no_spaces_between_sentences(garden: DomainRuntime) -> None:
    runtime = garden.speaking("zh")
    for number, (name, intent) in enumerate(runtime.playbook.intents.items()):
        facts, _, _ = next(drawn_facts(runtime, intent, 1))
        for persona in personas():
            user = user_of(runtime, load_voice("zh"), name, persona, number)
            text = (await user.act(view(runtime, facts))).text or ""
            assert not re.search(r"[。！？，：]\s|\s[。！？，：]", text), text
            assert not re.search(r"[，：][。！？，：]|^[，。]", text), text


async def test_a_sentence_behind_a_greeting_keeps_the_capital_of_names_only(
    garden: DomainRuntime, voice: Voice
) -> None:
    formal = next(persona for persona in personas() if persona.style == "formal")
    seen: set[str] = set()
    for name, intent in garden.playbook.intents.items():
        facts, _, _ = next(drawn_facts(garden, intent, 1))
        names = {word for value in facts.values() for word in str(value).split(" ")}
        for seed in range(12):
            user = user_of(garden, voice, name, formal, seed)
            text = (await user.act(view(garden, facts))).text or ""
            led = re.match(r"(?:Hello|Good day|Dear team), ([A-Z]\S*)", text)
            if led is not None:
                seen.add(led[1])
                assert led[1].startswith("I") or led[1].strip(".,:") in names, text
    assert seen


def _slot(hearing: str, **more: Any) -> SlotPhrases:
    words = {"tell": ["x"], "ask": ["x?"], "asked_by": ["x"]}
    return SlotPhrases.model_validate({"hearing": hearing, **words, **more})


def test_the_latest_mention_counts() -> None:
    texts = ["My email is old@postbox.example.", "Sorry, new@postbox.example.", "Thanks!"]
    assert hear(_slot("email"), texts, "2027-04-14") == "new@postbox.example"
    assert hear(_slot("email"), ["no address here @ all"], "2027-04-14") is UNKNOWN
    days = ["until 5 May", "or rather from 6 May to 8 May"]
    assert hear(_slot("date"), days, "2027-04-14") == "2027-05-08"


def test_a_pattern_gives_its_group_as_its_type_says() -> None:
    money = _slot("pattern", type="money", patterns=[r"(\$\d+(?:\.\d+)?)"])
    count = _slot("pattern", type="count", patterns=[r"(\w+) places"])
    assert hear(money, ["it was $12.50"], "2027-04-14") == 1250
    assert hear(count, ["for three places"], "2027-04-14") == 3
    assert hear(count, ["for some places"], "2027-04-14") is UNKNOWN


def test_one_of_a_list_is_heard_by_its_longest_name_or_not_at_all(garden: DomainRuntime) -> None:
    tools = ["hose", "hose reel", "leaf rake", "bow saw"]

    def among(*texts: str) -> Any:
        return Heard(garden.lexicon, list(texts), "2027-04-14").among("item", tools)

    assert among("I'd like the hose reel") == "hose reel"
    assert among("the Hose, please") == "hose"
    assert among("the hoses, please") is UNKNOWN
    assert among("the bow saw or the leaf rake") is UNKNOWN
    assert among("the bow saw", "no, the leaf rake") == "leaf rake"


@pytest.mark.parametrize(
    ("sentence", "joined"),
    [
        ("Pepper's visit has to go.", "Hello, Pepper's visit has to go."),
        ("Pepper, please.", "Hello, Pepper, please."),
        ("Peppers are not meant.", "Hello, peppers are not meant."),
        ("When is it due?", "Hello, when is it due?"),
    ],
)
def test_a_name_in_the_genitive_keeps_its_capital_behind_a_greeting(
    garden: DomainRuntime, voice: Voice, sentence: str, joined: str
) -> None:
    name = next(iter(garden.playbook.intents))
    user = user_of(garden, voice, name, personas()[0], 1)
    facts = {"animal": Fact(name="animal", type="text", value="Pepper")}
    assert user._join(["Hello,", sentence], facts) == joined
