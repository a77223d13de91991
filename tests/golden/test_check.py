"""Checks of goldens: what holds, and what turns them red, each for its own reason."""

import random
from pathlib import Path

import pytest

import agentsynth.golden.asks
from agentsynth.core.chat import ModelError
from agentsynth.core.errors import UserError
from agentsynth.golden.asks import Ask
from agentsynth.golden.check import check
from agentsynth.golden.load import load_goldens
from tests.golden.judges import Says, judge, look, options, record, truths, update


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


async def settled(folder: Path) -> None:
    """Record a judge that is right, and write the lock."""
    await record(folder)
    await update(folder)


async def test_a_judge_that_is_right_passes_from_the_cassette_without_being_reached(
    folder: Path,
) -> None:
    await settled(folder)
    report = await look(folder)
    assert (report.status, report.exit_code) == ("passed", 0), report.rule
    assert all(result.right for result in report.results)
    assert report.changes == ()
    assert {r.by for r in report.results} == {"checks and questions"}


async def test_the_same_folder_gives_the_same_report(folder: Path) -> None:
    await settled(folder)
    assert (await look(folder)).model_dump_json() == (await look(folder)).model_dump_json()


async def test_only_labelled_questions_are_asked(folder: Path) -> None:
    edit(folder / "goldens.jsonl", '"polite": {', '"answers": {')
    asked = judge(folder)
    await check(folder, options(asked, mode="record-missing"))
    wanted = sum(len(held.asked) for held in load_goldens(folder).held)
    assert len(asked.asked) == wanted
    assert wanted == 2 * len(load_goldens(folder).held) - 1


async def test_without_answers_each_is_missing_and_never_a_pass(folder: Path) -> None:
    report = await look(folder)
    assert report.exit_code == 3
    assert [(m.why, m.told.partition(":")[0]) for m in report.missing] == [
        ("never", "never recorded")
    ]
    assert all(r.by == "checks" for r in report.results)


async def test_one_word_of_one_question_makes_exactly_its_answers_stale(folder: Path) -> None:
    await settled(folder)
    edit(folder / "mine.yaml", "courteous", "friendly")
    report = await look(folder)
    held = load_goldens(folder).held
    assert report.exit_code == 3
    [miss] = report.missing
    assert miss.why == "question"
    assert miss.told == (
        f"question polite was changed: {len(held)} answers are stale; {len(held)} others hold"
    )
    again = judge(folder)
    await check(folder, options(again, mode="record-missing"))
    assert {ask.criterion.name for ask in again.asked} == {"polite"}
    assert len(again.asked) == len(held)
    report = await look(folder)
    assert report.exit_code == 0
    assert any("courteous" in c and "friendly" in c for c in report.causes)


async def test_another_prompt_makes_every_answer_stale(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled(folder)
    monkeypatch.setattr(agentsynth.golden.asks, "JUDGE_PROMPTS", ("s1:new", "s1:repair"))
    report = await look(folder)
    assert report.exit_code == 3
    [miss] = report.missing
    assert miss.why == "prompt"
    assert "the judge's prompt template changed" in miss.told
    assert len(miss.keys) == 2 * len(report.results)


async def test_another_conversation_is_named(folder: Path) -> None:
    await settled(folder)
    edit(
        folder / "goldens.jsonl",
        '"role": "assistant", "content": "',
        '"role": "assistant", "content": "Well. ',
    )
    report = await look(folder)
    [miss] = report.missing
    assert miss.why == "conversation"
    assert "the conversation of golden g00 changed: 2 answers are stale" in miss.told


async def test_another_judge_is_named_with_the_one_before(folder: Path) -> None:
    await settled(folder)
    edit(folder / "gates.yaml", "first-judge", "second-judge")
    report = await look(folder)
    [miss] = report.missing
    assert miss.why == "judge"
    assert "the judge changed from first-judge to second-judge" in miss.told


async def test_another_temperature_is_other_sampling_settings(folder: Path) -> None:
    await settled(folder)
    edit(folder / "gates.yaml", "retries: 0", "retries: 0, temperature: 0.5")
    report = await look(folder)
    assert "other sampling settings" in report.missing[0].told
    assert report.exit_code == 3


async def test_more_samples_ask_only_for_the_new_ones(folder: Path) -> None:
    await settled(folder)
    edit(folder / "gates.yaml", "gates:", "  asking: {samples: 2}\ngates:\n  samples: 2")
    report = await look(folder)
    assert sum(len(m.keys) for m in report.missing) == 2 * len(report.results)
    assert "more samples or orders" in report.missing[0].told
    assert (await record(folder)).counts["live_calls"] == 2 * len(report.results)
    assert (await look(folder)).exit_code == 0


async def test_where_the_model_answers_does_not_matter_to_what_it_said(folder: Path) -> None:
    await settled(folder)
    edit(folder / "gates.yaml", "127.0.0.1:9", "127.0.0.1:10")
    assert (await look(folder)).exit_code == 0


def noisy(folder: Path) -> Says:
    rng = random.Random(3)
    return lambda ask: rng.choice((0, len(ask.criterion.choices) - 1))


def lenient(ask: Ask) -> int:
    return len(ask.criterion.choices) - 1


def silent(ask: Ask) -> str:
    return "I would rather not say."


def off_format(ask: Ask) -> str:
    return '{"' + ask.criterion.name + '": "yes"}'


async def test_a_noisy_judge_fails_on_agreement(folder: Path) -> None:
    await record(folder, noisy(folder))
    report = await look(folder)
    failed = {gate.name for gate in report.gates if gate.status == "failed"}
    assert report.exit_code == 1
    assert {"agreement[claims_backed]", "agreement[polite]"} & failed


async def test_a_lenient_judge_fails_on_false_accepts_and_names_them(folder: Path) -> None:
    await record(folder, lenient)
    report = await look(folder)
    gates = {gate.name: gate for gate in report.gates}
    assert report.exit_code == 1
    assert gates["false_accept[claims_backed]"].status == "failed"
    assert gates["checks"].status == "passed"
    held = load_goldens(folder).held
    wrong = {h.golden.id for h in held if h.golden.labels["claims_backed"].truth == "not_met"}
    cases = gates["false_accept[claims_backed]"].cases
    assert {case.partition("/")[0] for case in cases} == wrong


@pytest.mark.parametrize("says", [silent, off_format])
async def test_answers_that_cannot_be_read_fail_and_are_no_score(folder: Path, says: Says) -> None:
    await record(folder, says)
    report = await look(folder)
    gates = {gate.name: gate for gate in report.gates}
    assert report.exit_code == 1
    assert gates["parse_failures"].status == "failed"
    items = [i for r in report.results for i in r.items if i.kind == "question"]
    assert {(i.outcome, i.score, i.agrees) for i in items} == {("unanswered", None, None)}
    assert {r.by for r in report.results} == {"checks"}


async def test_a_change_of_the_world_shows_as_other_outcomes_with_its_cause(folder: Path) -> None:
    await settled(folder)
    edit(folder.parent / "world" / "domain.yaml", "room: =shelf.room - 1", "room: =shelf.room - 2")
    report = await look(folder)
    assert report.exit_code == 1
    assert any(cause.startswith("domain ../world: it was s1:") for cause in report.causes)
    regressed = {c.criterion: c for c in report.changes if c.kind == "regressed"}
    assert "replay_mismatch" in regressed["replay"].after
    assert regressed["replay"].before == "met"
    assert "flips" in {gate.name for gate in report.gates if gate.status == "failed"}


async def test_a_change_of_a_rubric_s_check_is_a_regression_with_both_reasons(
    folder: Path,
) -> None:
    await settled(folder)
    edit(folder / "mine.yaml", "check: answers_given", "check: {limit: {calls: 0}}")
    report = await look(folder)
    assert report.exit_code == 1
    gates = {gate.name: gate for gate in report.gates}
    assert gates["flips"].status == "failed"
    regressed = [c for c in report.changes if c.kind == "regressed" and c.criterion == "answers"]
    assert regressed
    assert "not_met (wasteful_calls" in regressed[0].after
    assert any("criterion answers was" in cause for cause in report.causes)


async def test_a_tool_that_is_gone_fails_its_goldens_and_no_other(folder: Path) -> None:
    await settled(folder)
    intents = folder.parent / "world" / "intents.yaml"
    goldens = load_goldens(folder).held
    played = [h.golden.played for h in goldens]
    name = next(p.task.intents[0] for p in played if p is not None)
    text = intents.read_text()
    lexicon = folder.parent / "world" / "lexicon.en.yaml"
    intents.write_text(text.replace(f"{name}:", f"{name}_renamed:"))
    lexicon.write_text(lexicon.read_text().replace(f"{name}:", f"{name}_renamed:"))
    report = await look(folder)
    broken = {r.golden for r in report.results if r.broken}
    assert broken == {
        h.golden.id for h in goldens if h.golden.played and name in h.golden.played.task.intents
    }
    assert report.exit_code == 1
    assert all(r.accepted is None for r in report.results if r.broken)


async def test_must_pass_fails_whatever_the_averages_say(folder: Path) -> None:
    edit(folder / "goldens.jsonl", '"accept":', '"must_pass": true, "accept":')
    said = truths(folder)

    def says(ask: Ask) -> int:
        right = said(ask)
        if (ask.golden, ask.criterion.name) == ("g00", "polite"):
            return 1 - right
        return right

    edit(folder / "gates.yaml", "agreement: 0.6", "agreement: 0.1")
    edit(folder / "gates.yaml", "kappa: 0.3", "kappa: -1")
    edit(folder / "gates.yaml", "false_accept: 0.5", "false_accept: 1")
    await record(folder, says)
    await update(folder)
    report = await look(folder)
    assert [g.name for g in report.gates if g.status == "failed"] == ["must_pass"]
    assert "g00/polite" in report.culprits
    assert report.exit_code == 1


async def test_too_few_cases_are_inconclusive_and_with_strict_they_fail(folder: Path) -> None:
    edit(folder / "gates.yaml", "least_cases: 3", "least_cases: 300")
    await settled(folder)
    assert (await look(folder)).exit_code == 4
    assert (await look(folder, strict=True)).exit_code == 1


async def test_a_criterion_may_have_bounds_of_its_own(folder: Path) -> None:
    await record(folder, lenient)
    await update(folder)
    own = "  criteria:\n    claims_backed: {agreement: null, kappa: null, false_accept: null}\n"
    own += "    polite: {agreement: null, kappa: null, false_accept: 1.0}\n"
    with (folder / "gates.yaml").open("a") as file:
        file.write(own)
    report = await look(folder)
    assert "agreement[polite]" not in {gate.name for gate in report.gates}
    assert report.exit_code == 0


async def test_without_a_judge_checks_decide_and_questions_are_told_unanswered(
    folder: Path,
) -> None:
    (folder / "gates.yaml").write_text("version: 1\n")
    await update(folder)
    report = await look(folder)
    assert report.exit_code == 0
    assert report.judge is None
    assert any("labelled questions are unanswered" in note for note in report.notes)


async def test_a_back_end_that_fails_at_one_question_is_asked_the_others(folder: Path) -> None:
    said = truths(folder)

    def says(ask: Ask) -> int | ModelError:
        fails = (ask.golden, ask.criterion.name) == ("g01", "polite")
        return ModelError("timeout", "no reply") if fails else said(ask)

    report = await record(folder, says)
    assert report.exit_code == 5
    [error] = report.errors
    assert error.startswith("g01/polite (first-judge, sample 0): timeout")
    assert len((await look(folder)).missing[0].keys) == 1


async def test_a_back_end_that_refuses_all_is_asked_no_more(folder: Path) -> None:
    asked = judge(folder, lambda ask: ModelError("denied", "wrong key"))
    report = (await check(folder, options(asked, mode="record-missing"))).report
    assert report.exit_code == 5
    assert len(asked.asked) < len(asked.prompts)


async def test_a_cap_on_calls_keeps_what_was_said_and_names_the_rest(folder: Path) -> None:
    report = await record(folder, max_live_calls=5)
    assert report.counts["live_calls"] == 5
    assert report.exit_code == 4
    assert len(report.undone) == 2 * len(report.results) - 5
    left = (await look(folder)).missing
    assert sum(len(m.keys) for m in left) == len(report.undone)


async def test_a_ceiling_of_time_names_what_was_not_done(folder: Path) -> None:
    report = await record(folder, timeout=0.000001)
    assert report.exit_code == 4
    assert "g00 was not played again" in report.undone


async def test_live_answers_are_kept_nowhere_but_in_the_cache(folder: Path) -> None:
    cache = folder.parent / "cache"
    report = await record(folder, mode="live", cache=cache)
    assert report.exit_code == 4  # no lock yet
    assert not (folder / "cassettes").exists()
    assert (await look(folder)).exit_code == 3
    again = judge(folder)
    await check(folder, options(again, mode="live", cache=cache))
    assert again.asked == []


async def test_offline_and_a_mode_that_asks_exclude_each_other(folder: Path) -> None:
    with pytest.raises(UserError, match="--offline and --mode live"):
        await look(folder, mode="live", offline=True)


async def test_another_judge_s_answers_can_be_compared_with(folder: Path) -> None:
    await settled(folder)
    [old] = (folder / "cassettes").glob("*.jsonl")
    edit(folder / "gates.yaml", "first-judge", "second-judge")
    await record(folder, lenient)
    report = await look(folder, against=old)
    held = load_goldens(folder).held
    wrong = {h.golden.id for h in held if h.golden.labels["polite"].truth == "not_met"}
    found = {c.golden for c in report.changes if c.criterion == "polite"}
    assert found == wrong
    assert {c.kind for c in report.changes if c.criterion == "polite"} == {"regressed"}


async def test_gates_hold_for_the_ends_of_the_intervals_and_not_for_the_values(
    folder: Path,
) -> None:
    said = truths(folder)
    held = load_goldens(folder).held
    one = next(h.golden.id for h in held if h.golden.labels["claims_backed"].truth == "not_met")

    def says(ask: Ask) -> int:
        wrong = (ask.golden, ask.criterion.name) == (one, "claims_backed")
        return 2 if wrong else said(ask)

    await record(folder, says)
    found = (await look(folder)).figures["claims_backed"].figures
    low, high = found["agreement"], found["false_accept"]
    assert low.low < low.value
    assert high.value < high.high
    edit(folder / "gates.yaml", "agreement: 0.6", f"agreement: {(low.low + low.value) / 2:.3f}")
    between = (high.value + high.high) / 2
    edit(folder / "gates.yaml", "false_accept: 0.5", f"false_accept: {between:.3f}")
    status = {gate.name: gate.status for gate in (await look(folder)).gates}
    assert status["agreement[claims_backed]"] == "failed"
    assert status["false_accept[claims_backed]"] == "failed"
    assert status["agreement[polite]"] == "inconclusive"
