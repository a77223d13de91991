"""Reviewed overlays: what they may say, what they change, and that those we ship make sense."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agentsynth.core.errors import UserError
from agentsynth.core.resources import bundled
from agentsynth.evolve.shadows.emit import Source
from agentsynth.evolve.shadows.infer import infer
from agentsynth.evolve.shadows.model import Inferred
from agentsynth.evolve.shadows.overlay import Overlay, parse_overlay
from agentsynth.evolve.shadows.write import files_of, write_folder
from agentsynth.plan.contracts import check_contracts
from agentsynth.worlds.contract_file import load_contracts
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.load import load_folder
from agentsynth.worlds.runtime import declarative_runtime

FOLDER = bundled("tools_registry") / "shadows"
FILES = sorted(FOLDER.glob("*.yaml"))
KNOWN = {
    "server": "shelf",
    "reviewed": "2026-11-22",
    "source": "the library's own documentation",
}


def tool(name: str, *required: str, **properties: Any) -> dict[str, Any]:
    made = {one: {"type": "string"} for one in required} | properties
    schema = {"type": "object", "properties": made, "required": list(required)}
    return {"name": name, "description": f"Works: {name}.", "inputSchema": schema}


SHELF = [
    tool("list_books", page={"type": "integer"}),
    tool("get_book", "book_id"),
    tool("delete_book", "book_id"),
]


def overlay(**said: Any) -> Overlay:
    return parse_overlay({**KNOWN, **said}, "shelf.yaml")


def books(**said: Any) -> dict[str, Any]:
    return {"book": {"fields": {"title": "string", "binding": ["hard", "soft"]}, **said}}


def emitted(inferred: Inferred, tools: list[dict[str, Any]]) -> dict[str, Any]:
    names = [str(one["name"]) for one in tools]
    source = Source(
        server="shelf",
        package="shelf",
        version="1",
        licence="MIT",
        category="tests",
        hashes=dict.fromkeys(names, "s1:" + "0" * 32),
        tools={str(one["name"]): one for one in tools},
    )
    return files_of("shadow/shelf/book", inferred, source, list(inferred.operations.values()))


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"entities": {"book": {"fields": {"title": "sting"}}}}, "entities.book.fields.title"),
        ({"entities": {"book": {"fields": {"binding": ["hard"]}}}}, "entities.book.fields.binding"),
        ({"entities": {"book": {"feilds": {"title": "string"}}}}, "entities.book.feilds"),
        ({"tools": {"get_book": {"does": "fetch"}}}, "tools.get_book.does"),
        ({"tools": {"get_book": {"writes": {"a": "1", "b": "2"}}}}, "tools.get_book.writes"),
        ({"reviewed": "yesterday"}, "reviewed"),
    ],
)
def test_an_overlay_with_something_wrong_is_refused_with_its_file_and_field(
    said: Mapping[str, Any], place: str
) -> None:
    with pytest.raises(UserError) as caught:
        overlay(**said)
    assert str(caught.value).startswith("shelf.yaml: ")
    assert place in str(caught.value)


@pytest.mark.parametrize("said", [{"refers": {"author": "person"}}, {"natural": "name"}])
def test_an_overlay_that_speaks_of_a_field_it_does_not_name_is_refused(
    said: Mapping[str, Any],
) -> None:
    with pytest.raises(UserError, match="is not among the fields"):
        overlay(entities=books(**said))


def test_an_overlay_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(UserError, match=r"shelf\.yaml: expected a mapping"):
        parse_overlay(["book"], "shelf.yaml")


def test_without_an_overlay_nobody_knows_what_a_record_shows() -> None:
    inferred = infer("shelf", SHELF)
    assert inferred.operations == {}
    assert {one.reason for one in inferred.left_out} == {"no_fields"}


def test_the_fields_an_overlay_gives_are_shown_and_stand_the_contracts(tmp_path: Path) -> None:
    inferred = infer("shelf", SHELF, overlay(entities=books()))
    assert set(inferred.operations) == {"list_books", "get_book", "delete_book"}
    assert all(one.reviewed for one in inferred.operations.values())
    write_folder(tmp_path, emitted(inferred, SHELF))
    shown = str(load_yaml(tmp_path / "domain.yaml").value["tools"]["get_book"]["steps"])
    assert ".title" in shown
    assert ".binding" in shown

    runtime = declarative_runtime(load_folder(tmp_path))
    contracts = load_contracts(tmp_path, runtime.domain)
    assert contracts is not None
    assert runtime.compiled is not None
    report = check_contracts(runtime.compiled, contracts, seed=1)
    assert [one.tool for one in report.tools if one.failures or one.mistakes] == []
    assert all(one.cases for one in report.tools)


def test_people_name_a_record_by_the_field_an_overlay_says() -> None:
    said = {"fields": {"title": "string", "motto": "string"}}
    plain = infer("shelf", SHELF, overlay(entities={"book": said}))
    told = infer("shelf", SHELF, overlay(entities={"book": {**said, "natural": "motto"}}))
    assert plain.entities["book"].natural == "title"
    assert told.entities["book"].natural == "motto"


def test_a_key_of_another_name_is_found_in_every_tool_that_has_it() -> None:
    tools = [tool("list_books"), tool("get_book", "shelfmark"), tool("delete_book", "shelfmark")]
    without = infer("shelf", tools, overlay(entities=books()))
    told = infer("shelf", tools, overlay(entities=books(parameter="shelfmark")))
    assert set(without.operations) == {"list_books"}
    assert {told.operations[name].key for name in ("get_book", "delete_book")} == {"shelfmark"}


def test_a_parameter_that_means_a_field_filters_by_it() -> None:
    tools = [tool("list_books", cover={"type": "string", "enum": ["hard", "soft"]})]
    without = infer("shelf", tools, overlay(entities=books()))
    said = {"list_books": {"means": {"cover": "binding"}}}
    told = infer("shelf", tools, overlay(entities=books(), tools=said))
    assert without.operations["list_books"].refused == ("cover",)
    assert told.operations["list_books"].filters == {"cover": "binding"}


def test_what_a_call_itself_writes_is_written() -> None:
    tools = [*SHELF, tool("bind_book", "book_id")]
    said = {"bind_book": {"does": "update", "entity": "book", "writes": {"binding": "hard"}}}
    told = infer("shelf", tools, overlay(entities=books(), tools=said))
    assert told.operations["bind_book"].fixed == {"binding": "hard"}
    assert told.operations["bind_book"].key == "book_id"


def test_a_refused_parameter_becomes_no_field() -> None:
    tools = [*SHELF, tool("create_book", "title", attempts={"type": "string"})]
    without = infer("shelf", tools)
    told = infer("shelf", tools, overlay(refuse=["attempts"]))
    assert without.entities["book"].field("attempts") is not None
    assert told.entities["book"].field("attempts") is None
    assert told.operations["create_book"].refused == ("attempts",)


def test_a_reference_told_for_the_server_holds_in_every_tool() -> None:
    tools = [tool("list_books", "hall"), tool("get_book", "hall", "book_id"), tool("list_rooms")]
    rooms = {"room": {"key": "name", "named_by": True, "fields": {"floor": "integer"}}}
    told = infer("shelf", tools, overlay(entities={**books(), **rooms}, refers={"hall": "room"}))
    assert told.operations["list_books"].scope == {"hall": "hall"}
    assert told.operations["get_book"].scope == {"hall": "hall"}
    field = told.entities["book"].field("hall")
    assert field is not None
    assert field.ref == "room"


def test_a_reviewed_list_of_values_gives_way_to_what_tools_may_write() -> None:
    free = [*SHELF, tool("create_book", "title", binding={"type": "string"})]
    wide = [
        *SHELF,
        tool("create_book", "title", binding={"type": "string", "enum": ["soft", "ring"]}),
    ]
    texts = infer("shelf", free, overlay(entities=books())).entities["book"].field("binding")
    values = infer("shelf", wide, overlay(entities=books())).entities["book"].field("binding")
    assert texts is not None
    assert texts.type == "string"
    assert values is not None
    assert values.values == ("hard", "soft", "ring")


def test_a_tool_left_out_has_no_shadow_whatever_could_be_inferred() -> None:
    said = {"delete_book": {"leave_out": "removes the shelf as well"}}
    told = infer("shelf", SHELF, overlay(entities=books(), tools=said))
    assert set(told.operations) == {"list_books", "get_book"}
    assert [(one.tool, one.reason) for one in told.left_out] == [("delete_book", "reviewed")]


def test_overlays_are_shipped() -> None:
    assert len(FILES) >= 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_bundled_overlay_speaks_of_a_server_we_know_in_words_that_fit(path: Path) -> None:
    read = parse_overlay(load_yaml(path).value, path.name)
    assert read.server == path.stem
    assert (FOLDER.parent / f"{path.stem}.yaml").is_file()
    nouns = [*read.entities, *(one.entity for one in read.tools.values() if one.entity)]
    nouns += [*read.refers.values()]
    nouns += [noun for one in read.tools.values() for noun in one.refers.values()]
    nouns += [noun for one in read.entities.values() for noun in one.refers.values()]
    assert [noun for noun in nouns if not re.fullmatch(r"[a-z][a-z0-9_]*", noun)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_bundled_overlay_says_one_thing_of_a_tool(path: Path) -> None:
    read = parse_overlay(load_yaml(path).value, path.name)
    for name, one in read.tools.items():
        said = one.model_dump(exclude_defaults=True)
        assert said, f"{name}: nothing is said"
        assert one.leave_out is None or set(said) == {"leave_out"}, f"{name}: left out, and more"
        for field, value in one.writes.items():
            assert one.entity is not None, f"{name}: of which noun"
            assert one.key is not None, f"{name}: of which record"
            form = read.entities[one.entity].fields[field]
            assert not isinstance(form, tuple) or value in form, f"{name}: {value} is no {field}"
