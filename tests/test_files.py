from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.domain import Domain
from agentsynth.core.errors import UserError
from agentsynth.core.frozen import Frozen
from agentsynth.worlds.files import load_yaml, parse_yaml, validate
from agentsynth.worlds.load import find_domain, load_folder


class Shelf(Frozen):
    name: str
    rows: int = 1


class Room(Frozen):
    shelves: tuple[Shelf, ...]


def test_only_what_json_has_is_more_than_text() -> None:
    text = """
answer: yes
off: on
day: 2027-04-05
time: 12:30
octal: 010
hex: 0x1F
grouped: 1_000
exponent: 1e3
title: True
empty:
tilde: ~
nothing: null
truth: true
lie: false
whole: -12
part: 1.50
big: 2.5e-3
quoted: "12"
"""
    assert parse_yaml(text, "x.yaml").value == {
        "answer": "yes",
        "off": "on",
        "day": "2027-04-05",
        "time": "12:30",
        "octal": "010",
        "hex": "0x1F",
        "grouped": "1_000",
        "exponent": "1e3",
        "title": "True",
        "empty": None,
        "tilde": None,
        "nothing": None,
        "truth": True,
        "lie": False,
        "whole": -12,
        "part": 1.5,
        "big": 0.0025,
        "quoted": "12",
    }


def test_keys_are_text_whatever_they_look_like() -> None:
    assert parse_yaml("on: 1\n1: 2\ntrue: 3\n", "x.yaml").value == {"on": 1, "1": 2, "true": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3: a: this key is given twice"),
        ("a: {b: 1,\n  b: 2}\n", "x.yaml:2: b: this key is given twice"),
        ("a: 1\n? [b]\n: 2\n", "x.yaml:2: keys must be plain text"),
        ("a: 1\nb: !!python/object:os.system x\n", "x.yaml:2: the tag"),
        ("a: !mine x\n", "x.yaml:1: the tag '!mine' is not supported"),
        ("a: !!int twelve\n", "x.yaml:1: the tag 'int' is not supported"),
        ("a: !!float .nan\n", "x.yaml:1: the tag 'float' is not supported"),
        ("a: !!binary aGk=\n", "x.yaml:1: the tag 'binary' is not supported"),
        ("a:\n - 1.0e999\n", "x.yaml:2: this number is too large"),
        ("a: " + "9" * 5000, "x.yaml:1: this number is too large"),
        ("a: [1, 2\nb: 3\n", "x.yaml:2: not valid YAML"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: not valid YAML"),
        ("a: &here [*here]\n", "x.yaml: nested too deeply"),
        ("a: " + "[" * 3000 + "]" * 3000, "x.yaml: nested too deeply"),
        ("a: \x07\n", "x.yaml: not valid YAML"),
        ("# nothing\n", "x.yaml: the file is empty"),
        ("", "x.yaml: the file is empty"),
    ],
)
def test_what_is_not_strict_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_yaml(text, "x.yaml")
    assert str(refused.value).startswith(message)


@given(st.text(alphabet="ab:-[]{}#&*!|>\"' \n0.?%@`,", max_size=40))
def test_any_text_is_a_document_or_a_user_error(text: str) -> None:
    told = "x.yaml:"
    try:
        parse_yaml(text, "x.yaml")
    except UserError as error:
        told = str(error)
    assert told.startswith("x.yaml:")


def test_every_node_knows_its_line_and_unknown_ones_their_parents() -> None:
    loaded = parse_yaml("a:\n  b:\n    - 1\n    - c: 2\n      d: 3\ne: 4\n", "x.yaml")
    assert loaded.line_of(("a", "b")) == 2
    assert loaded.line_of(("a", "b", 1, "d")) == 5
    assert loaded.line_of(("a", "b", 1, "missing", "deeper")) == 4
    assert loaded.line_of(("e",)) == 6
    problem = loaded.problem(("a", "b", 1, "d"), "is odd")
    assert str(problem) == "x.yaml:5: a.b.1.d: is odd"


def test_every_mistake_is_named_with_file_line_and_path() -> None:
    text = "shelves:\n  - name: a\n    rows: many\n  - rows: 2\n    colour: red\n"
    with pytest.raises(UserError) as refused:
        validate(Room, parse_yaml(text, "room.yaml"))
    lines = sorted(str(refused.value).splitlines())
    assert lines[0].startswith("room.yaml:3: shelves.0.rows: ")
    assert "(given: 'many')" in lines[0]
    assert lines[1:] == [
        "room.yaml:4: shelves.1.name: this field is required",
        "room.yaml:5: shelves.1.colour: unknown field; check the spelling",
    ]


def test_a_step_without_a_verb_or_with_two_is_told_the_choices(small_files: dict[str, str]) -> None:
    good = small_files["domain.yaml"]
    for broken, held in (
        ("{sort: [name], as: shelves}", "sort, as"),
        ("{list: shelf, get: shelf, as: shelves}", "list, get, as"),
        ("{lists: shelf, as: shelves}", "lists, as; did you mean 'list'?"),
    ):
        text = good.replace("{list: shelf, sort: [name], as: shelves}", broken)
        line = text[: text.index(broken)].count("\n") + 1
        with pytest.raises(UserError) as refused:
            validate(Domain, parse_yaml(text, "domain.yaml"))
        assert str(refused.value) == (
            f"domain.yaml:{line}: tools.list_shelves.steps.0: a step has exactly one verb of: "
            "get, find, list, aggregate, require, let, create, update, delete, for_each, "
            f"schedule, unschedule, advance, once, document, return (this one has: {held})"
        )


def test_a_file_that_cannot_be_read_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_yaml(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: Zoë".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8 text"):
        load_yaml(tmp_path / "latin.yaml")
    with pytest.raises(UserError, match="cannot be read"):
        load_yaml(tmp_path)


def test_a_domain_is_found_by_name_or_folder_and_nothing_else(tmp_path: Path) -> None:
    assert find_domain("community_garden").name == "community_garden"
    with pytest.raises(
        UserError, match=r"unknown domain 'gardn'; bundled are: .*community_garden,"
    ):
        find_domain("gardn")
    with pytest.raises(UserError, match=r"has no domain\.yaml"):
        find_domain(str(tmp_path))


def test_a_folder_without_intents_is_refused(tmp_path: Path, small_files: dict[str, str]) -> None:
    (tmp_path / "domain.yaml").write_text(small_files["domain.yaml"], encoding="utf-8")
    with pytest.raises(UserError, match=r"intents.yaml: no such file"):
        load_folder(tmp_path)
