"""Mistakes that a first-time author makes in a copy of the template, and what they are told.

Each message names the file and the line, says what was expected, and says what to do.
"""

import shutil
from pathlib import Path

import pytest

from agentsynth.cli.main import main
from agentsynth.core.resources import bundled

D, P, L, C = "domain.yaml", "intents.yaml", "lexicon.en.yaml", "contracts.yaml"
LIST = "      - {list: game, sort: [title], count: total, as: games}"
RETURN = (
    "      - return: {loan_id: =loan.id, title: =loan.title, deposit_cents: =game.deposit_cents}\n"
)
START = 'clock: {start: "2027-04-05", spread_days: 30}'
WORLD = "    enforced_by: world\n"
TEXT = "    text: A game that is out cannot be lent until it is back.\n"
GUARD = '      - {guard: two_weeks, ok: "days_between(shelf.as_of, due_on) <= 14"}\n'
CALL = '      - call: lend_game\n        args: {member_id: "@member.id", game_id: "@game.id", due_on: $due_on}\n        as: lent'
PROMISE = "  list_games:\n    returns:\n      as_of: =today\n      total: {count: game}\n      games: {rows: game, order: [title]}\n\n"

Fault = tuple[str, str, str, int, tuple[str, ...]]
"""File, what stands there, what is written instead, the line named as an offset from the place, and
what the message says."""

IN_THE_FILES: dict[str, Fault] = {
    "a field's name is misspelt": (D, 'id_pattern: "GA-##"', 'id_patern: "GA-##"', 0, ("entities.game.id_patern", "unknown field", "did you mean 'id_pattern'?")),
    "a step's verb is misspelt": (D, LIST, LIST.replace("list:", "lists:"), 0, ("tools.list_games.steps.0", "exactly one verb of: get,", "this one has: lists, sort", "did you mean 'list'?")),
    "a reference leads nowhere": (D, "ref: game}", "ref: games}", 0, ("entities.loan.fields.game_id", "unknown entity 'games'", "did you mean 'game'?")),
    "a type that there is not": (D, "players: {type: integer,", "players: {type: number,", 0, ("entities.game.fields.players.type", "expected 'string'", "'integer'", "given: 'number'")),
    "a step names an unknown entity": (D, "- find: member\n", "- find: members\n", 0, ("tools.find_member.steps.0.find", "unknown entity 'members'", "did you mean 'member'?")),
    "an expression that is none": (D, "- require: args.due_on > today", "- require: args.due_on >> today", 0, ("tools.lend_game.steps.3.require", "not a well-formed expression", "extraneous input '>' (character 18)")),
    "a function that there is not": (D, "require: days_between(today", "require: days_betwen(today", 0, ("policy.two_weeks.require", "unknown function 'days_betwen'; did you mean 'days_between'?")),
    "an equals sign is left out": (D, "return: {id: =member.id, name", "return: {id: member.id, name", 0, ("tools.find_member.steps.1.return.id", "write =member.id for its value")),
    "an equals sign is left out of a condition": (D, "where: {card: =args.card}", "where: {card: args.card}", 0, ("tools.find_member.steps.0.where.card", "write =args.card for its value")),
    "a value that its enum does not have": (D, "set: {status: out}}\n      - return", "set: {status: lent}}\n      - return", 0, ("tools.lend_game.steps.5.set.status", "expected one of in, out, got 'lent'")),
    "a tool returns nothing": (D, RETURN, "", -9, ("tools.return_game.steps", "a tool ends with 'return'")),
    "a parameter has no type": (D, 'loan_id: {type: string, description: "Id of the open', 'loan_id: {description: "Id of the open', 0, ("tools.return_game.parameters.loan_id", "needs one 'type', such as string")),
    "a name where a list is due": (D, WORLD + "    tools: [lend_game]", WORLD + "    tools: lend_game", 1, ("policy.not_lent_twice.tools", "expected a list, such as [one, two]", "given: 'lend_game'")),
    "a clause has no text": (D, TEXT, "", -1, ("policy.not_lent_twice.text", "this field is required")),
    "a clause's text is empty": (D, TEXT, "    text:\n", 0, ("policy.not_lent_twice.text", "expected a text (nothing is given)")),
    "every clause is the world's": (D, "    enforced_by: agent\n", WORLD, -3, ("policy", "at least half of the clauses", "'enforced_by: agent'")),
    "a date is written as a number": (D, START, "clock: {start: 20270405, spread_days: 30}", 0, ("clock.start", "expected a text", "put it in quotes")),
    "a date is written as at home": (D, START, "clock: {start: 5.4.2027, spread_days: 30}", 0, ("clock.start", 'expected a date such as "2027-04-05"')),
    "a key is given twice": (D, "title: A lending shelf for board games\n", "title: A\ntitle: B\n", 1, ("title", "this key is given twice")),
    "a tab": (D, WORLD, "\tenforced_by: world\n", 0, ("not valid YAML", "indent with spaces only")),
    "a line is indented too little": (D, WORLD, "   enforced_by: world\n", 0, ("not valid YAML", "begun in line 21", "compare this line's indentation")),
    "a colon in a text": (D, "description: Lend a game that is in", "description: Lend a game: it is in", 0, ("not valid YAML", "a text that contains ': ' needs quotes")),
    "a quote is left open": (D, 'has the card {args.card}."}', "has the card {args.card}.}", 16, ("not valid YAML", "begun in line 122", "a bracket or quote opened before is not closed")),
    "records that others need are not made": (D, "      count: 12\n", "      count: 1\n", 38, ("entities.loan.generate", "record 'LO-1087'", "there is no member 'ME-102'")),
    "two records have one key": (D, "\"='ME-' + string(101 + n)\"", "\"='ME-' + string(101 + n / 2)\"", -10, ("entities.member", "two seed records have the key 'ME-101'")),
    "records lack a field": (D, "        players: {int: [2, 8]}\n", "", -8, ("entities.game.generate", "field 'players'", "give it a value here")),
    "a newer form": (D, "schema_version: 1", "schema_version: 2", 0, ("schema_version", "written for a newer agentsynth", "reads 1", "pip install --upgrade")),
    "a form in quotes": (D, "schema_version: 1", 'schema_version: "1"', 0, ("schema_version", "expected 1", "without quotes")),
    "a newer engine": (D, 'engine: "0.1"', 'engine: "9.0"', 0, ("engine", "needs agentsynth-engine 9.0 or newer", "pip install --upgrade")),
    "an engine as a number": (D, 'engine: "0.1"', "engine: 0.1", 0, ("engine", 'put it in quotes: "0.1"')),
    "a guard for no clause": (P, "{guard: two_games, ok", "{guard: three_games, ok", 0, ("intents.borrow.steps.5.guard", "no clause 'three_games'", "did you mean 'two_games'?")),
    "an argument from nowhere": (P, 'loan_id: "@loan.id"', 'loan_id: "@lone.id"', 0, ("intents.bring_back.steps.3.args.loan_id", "nothing before this step gives 'lone'", "known here: home, loan, member")),
    "a plan calls an unknown tool": (P, "{call: list_games, as: shelf}\n      - {pick: game, from: shelf.games, where: {title: $title}}\n    answers", "{call: list_game, as: shelf}\n      - {pick: game, from: shelf.games, where: {title: $title}}\n    answers", 0, ("intents.deposit.steps.0.call", "unknown tool 'list_game'", "did you mean 'list_games'?")),
    "a fact that nobody can say": (P, "      title: =loan.title\n", "      title: =loan.title\n      due: =loan.due_on\n", 1, ("intents.bring_back.facts.due", "no slot of this name", "say under `slots`")),
    "a phrase with an unknown slot": (L, "Can I have {title}[", "Can I have {titel}[", 0, ("intents.borrow.open.1", "unknown slot 'titel'", "did you mean 'title'?")),
    "a bracket is left open": (L, "borrow {title}[, please][", "borrow {title}[, please[", 0, ("intents.borrow.open.0", "expected ']'")),
    "an intent without phrases": (L, "  deposit:\n    open:", "  deposits:\n    open:", -29, ("intents", "no phrases for the intent 'deposit'", "give it `open`")),
    "a pattern that hears nothing": (L, r"['\b(C-\d{4})\b']", r"['\bC-\d{4}\b']", 0, ("slots.card.patterns.0", "needs exactly 1 group", "around what is to be heard")),
}  # fmt: skip
"""Found before anything runs: exit code 2."""

IN_THE_RUNNING: dict[str, Fault] = {
    "a guard after the call": (P, GUARD + CALL, CALL + "\n" + GUARD.rstrip("\n"), -20, ("intents.borrow", "it breaks clause 'two_weeks'", "has to stand before the call of 'lend_game'")),
    "a guard is left out": (P, "      - {guard: two_games, ok: home.total < 2}\n", "", -19, ("intents.borrow", "it breaks clause 'two_games'", "put a step `- {guard: two_games, ok: CONDITION}` before the call of 'lend_game'")),
    "a user who knows ids": (P, "      card: =member.card\n      title: =game.title", "      card: =member.id\n      title: =game.title", 0, ("intents.borrow.facts.card", "'=member.id' is an id, which people do not know", "natural_key")),
    "a tool without a contract": (C, PROMISE, "", -8, ("tools", "the tool 'list_games' has no contract", "write what it promises")),
    "a contract that says otherwise": (C, "set: {status: out}}", "set: {status: in}}", -10_000, ("domain.yaml:152: tools.lend_game", "contract broken: lend_game(", "got update game", "either the tool's steps or its contract")),
    "a name with a blank": (D, "name: game_shelf", "name: Game Shelf", 0, ("name", "'Game Shelf' cannot be asked for")),
}  # fmt: skip
"""Found by making and playing tasks: exit code 1."""


def broken(tmp_path: Path, fault: Fault) -> tuple[Path, int]:
    """Return a folder with the fault, and the line where it stands."""
    folder = tmp_path / "broken"
    shutil.copytree(bundled("domains") / "_template" / "declarative", folder)
    file, sound, wrong, *_ = fault
    text = (folder / file).read_text(encoding="utf-8")
    assert sound in text, "the template has changed; plant the fault elsewhere"
    often = -1 if wrong == WORLD else 1
    (folder / file).write_text(text.replace(sound, wrong, often), encoding="utf-8")
    return folder, text[: text.index(sound)].count("\n") + 1


def told(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["check-domain", str(folder), "--tasks", "2"])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.mark.parametrize("name", IN_THE_FILES)
def test_a_mistake_in_the_files_is_told_with_its_line_and_the_way_out(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = IN_THE_FILES[name]
    folder, line = broken(tmp_path, fault)
    code, said = told(folder, capsys)
    assert code == 2, said
    hit = [one for one in said.splitlines() if all(part in one for part in fault[4])]
    assert hit, said
    assert f"{fault[0]}:{line + fault[3]}:" in hit[0], hit[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_THE_RUNNING)
def test_a_mistake_that_shows_in_the_running_is_told_with_its_line_and_the_way_out(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = IN_THE_RUNNING[name]
    folder, line = broken(tmp_path, fault)
    code, said = told(folder, capsys)
    assert code == 1, said
    hit = [one for one in said.splitlines() if all(part in one for part in fault[4])]
    assert hit, said
    if fault[3] > -10_000:
        assert f"{fault[0]}:{line + fault[3]}:" in hit[0], hit[0]


@pytest.mark.slow
def test_what_may_be_meant_is_noted_and_the_domain_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = (D, "string(1207 + n * 613)", "string(1207 + n / 2)", 0, ())
    folder, line = broken(tmp_path, shared)
    spoken = (folder / L).read_text(encoding="utf-8")
    spare = spoken.replace("\nintents:\n", "\nintents:\n  chat:\n    open: [Hello there.]\n")
    (folder / L).write_text(spare, encoding="utf-8")
    code, said = told(folder, capsys)
    assert code == 0, said
    assert "intents.chat: intents.yaml has no intent of this name" in said
    assert "note: " in said
    where = f"{D}:{line - 9}: entities.member.natural_key"
    assert f"{where}: 2 records of the first world are all called C-" in said


@pytest.mark.parametrize("missing", ["intents.yaml", "lexicon.en.yaml"])
def test_a_missing_file_is_named_with_the_command_that_writes_it(
    missing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "short"
    shutil.copytree(bundled("domains") / "_template" / "declarative", folder)
    (folder / missing).unlink()
    code, said = told(folder, capsys)
    assert code == 2
    assert f"{missing}: no such file" in said
    assert "agentsynth new-domain" in said
