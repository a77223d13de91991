"""`skip` and `take` of a list, and the search among tools with many optional parameters."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentsynth.compose.tasks import Composed, make_task
from agentsynth.core.domain import Domain
from agentsynth.core.errors import DomainError
from agentsynth.evolve.shadows.write import write_folder
from agentsynth.plan.goals import Goal, needed_for
from agentsynth.plan.search import search
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.base import Base
from agentsynth.worlds.declarative import DeclarativeWorld
from agentsynth.worlds.files import parse_yaml, validate
from agentsynth.worlds.load import load_folder
from agentsynth.worlds.runtime import declarative_runtime
from agentsynth.worlds.static import domain_problems
from tests.shadows.tracker import (
    TEXT,
    call,
    domain_from,
    emitted,
    tool,
)

NOTES = [tool("create_note", "title"), tool("get_note", "note_id"), tool("list_notes")]


def problems_with(**step: Any) -> list[str]:
    """Return what is found wrong with a list that is cut as the step says."""
    value = emitted(NOTES)["domain.yaml"]
    next(one for one in value["tools"]["list_notes"]["steps"] if "list" in one).update(step)
    loaded = parse_yaml(yaml.safe_dump(value), "domain.yaml")
    return [str(one) for one in domain_problems(validate(Domain, loaded), loaded)]


def window(**step: Any) -> DeclarativeWorld:
    """Return a world of six notes whose list is cut as the step says."""
    value = emitted(NOTES)["domain.yaml"]
    steps = value["tools"]["list_notes"]["steps"]
    listing = next(one for one in steps if "list" in one)
    listing |= {"count": "every", "sort": ["title"], **step}
    steps[-1] = {"return": {"notes": "=found", "every": "=every"}}
    compiled = domain_from(value)
    notes = {f"N{n}": {"id": f"N{n}", "title": f"T{n}"} for n in range(6)}
    return DeclarativeWorld(compiled, Base({"note": notes}, seed=1, today="2027-03-01"))


@pytest.mark.parametrize(
    ("step", "first", "last"),
    [
        ({}, 0, 6),
        ({"take": 2}, 0, 2),
        ({"skip": 4}, 4, 6),
        ({"skip": 1, "take": 3}, 1, 4),
        ({"skip": 2, "take": 0}, 2, 2),
        ({"skip": 9, "take": 3}, 6, 6),
        ({"skip": -3, "take": 2}, 0, 2),
        ({"take": -1}, 0, 0),
        ({"take": 2.0}, 0, 2),
        ({"take": "=1 + 1"}, 0, 2),
        ({"skip": None, "take": None}, 0, 6),
        ({"limit": 4, "skip": 3}, 3, 4),
    ],
)
def test_a_list_is_cut_after_it_is_sorted_and_counted(
    step: dict[str, Any], first: int, last: int
) -> None:
    answer = json.loads(window(**step).call_now(call("list_notes")).content)
    assert [one["title"] for one in answer["notes"]] == [f"T{n}" for n in range(first, last)]
    assert answer["every"] == 6


@pytest.mark.parametrize("size", [1.5, "two", True, "='two'"])
def test_what_is_no_number_of_entries_is_a_mistake_of_the_domain(size: Any) -> None:
    with pytest.raises(DomainError, match="is not a number of entries"):
        window(take=size).call_now(call("list_notes"))


def test_the_parts_of_a_window_are_checked_before_anything_runs() -> None:
    wrong = problems_with(take="=args.nosuch")
    assert any("nosuch" in problem for problem in wrong)
    assert problems_with(take=3) == []


MANY: dict[str, Any] = {f"remark_{letter}": TEXT for letter in "abcdefghijklmnopqrstuvwx"}


async def test_what_was_told_is_tried_first_among_many_optional_parameters(
    tmp_path: Path,
) -> None:
    wide = [
        tool("create_note", "title", **MANY),
        tool("get_note", "note_id"),
        tool("list_notes", query=TEXT),
        tool("update_note", "note_id", **MANY, title=TEXT),
    ]
    write_folder(tmp_path, emitted(wide))
    runtime = declarative_runtime(load_folder(tmp_path))
    name = next(n for n in runtime.playbook.intents if n.startswith("update_note"))
    kind = runtime.playbook.intents[name].kind
    assert kind != "no_tool"
    made = await make_task(
        kind, runtime, load_voice(), world_seed=3, rng=random.Random(3), only=name
    )
    assert isinstance(made, Composed), made
    needed = [
        pair
        for segment in made.segments
        for pair in needed_for(runtime.playbook.intents[segment.name], segment.attempt)
    ]
    found = await search(made.task, Goal(made.task, needed), runtime)
    assert found.reached
    assert {one.name for one in found.calls} == {"update_note"}
