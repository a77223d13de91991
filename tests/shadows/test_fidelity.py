"""Fidelity: a server that is its shadow scores 1, and each way of being unlike it costs its part."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from agentsynth.evolve.shadows.emit import domain_of
from agentsynth.evolve.shadows.infer import infer
from agentsynth.evolve.shadows.model import Inferred, Operation
from agentsynth.pipeline.fidelity import Fidelity, measure
from agentsynth.worlds.base import Base
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from tests.shadows.tracker import TRACKER, call, domain_from, source

TOOLS = [*TRACKER[:7], TRACKER[8]]
INFERRED = infer("toy", TOOLS)
READS = ("get_project", "list_projects", "get_issue", "list_issues")

Live = Callable[[str, dict[str, Any]], Awaitable[tuple[str, bool]]]


def shadow(operations: Mapping[str, Operation], inferred: Inferred = INFERRED) -> CompiledDomain:
    """Return the shadow's domain with these operations."""
    made = domain_of("shadow/toy/all", inferred, source(TOOLS), list(operations.values()))
    return domain_from(made)


class Server:
    """A server that is what its shadow thinks it is."""

    def __init__(self) -> None:
        compiled = shadow(INFERRED.operations)
        nothing: dict[str, dict[str, Any]] = {name: {} for name in compiled.domain.entities}
        base = Base(nothing, seed=3, today=compiled.domain.clock.start)
        self.world = DeclarativeWorld(compiled, base)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def live(self, name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        """Answer a call, and keep it."""
        self.calls.append((name, arguments))
        result = self.world.call_now(call(name, **arguments))
        return result.content, result.is_error


async def measured(unlike: Callable[[Live], Live] = lambda live: live, seed: int = 1) -> Fidelity:
    """Measure the shadow against the server, changed by a wrapper."""
    return await measure(unlike(Server().live), shadow, INFERRED, INFERRED.operations, seed=seed)


def parts(found: Fidelity, tool: str) -> dict[str, float | None]:
    """Return a tool's three parts."""
    fields = found.tools[tool].as_fields()
    return {name: fields[name] for name in ("format", "facts", "state")}


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_server_that_is_its_shadow_scores_one_in_everything(seed: int) -> None:
    found = await measured(seed=seed)
    assert {name: one.score for name, one in found.tools.items()} == dict.fromkeys(
        (str(one["name"]) for one in TOOLS), 1.0
    )
    assert found.score == 1.0
    assert all(len(one.format) == 12 for one in found.tools.values())
    assert {name for name, one in found.tools.items() if not one.state} == set(READS)


async def test_the_same_seed_makes_the_same_calls_and_some_of_records_that_are_not_there() -> None:
    servers = [Server(), Server(), Server()]
    for server, seed in zip(servers, (1, 1, 2), strict=True):
        await measure(server.live, shadow, INFERRED, INFERRED.operations, seed=seed)
    first, same, other = (server.calls for server in servers)
    assert first == same
    assert first != other
    assert any("zz" in str(arguments) for _, arguments in first)


async def test_a_server_that_ignores_updates_is_unlike_in_state_and_facts() -> None:
    def unlike(live: Live) -> Live:
        async def lazy(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            if name == "update_issue":
                return await live("get_issue", {"issue_id": arguments["issue_id"]})
            return await live(name, arguments)

        return lazy

    found = await measured(unlike)
    update = parts(found, "update_issue")
    assert update["format"] == 1.0
    assert (update["state"] or 0) < 0.95
    assert (update["facts"] or 0) < 0.8
    assert parts(found, "create_project") == {"format": 1.0, "facts": 1.0, "state": 1.0}


async def test_a_server_that_forgets_records_is_unlike_in_state() -> None:
    def unlike(live: Live) -> Live:
        made = 0

        async def forgetful(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            nonlocal made
            text, error = await live(name, arguments)
            made += name == "create_issue"
            if name == "create_issue" and not error and made % 2:
                await live("delete_issue", {"issue_id": json.loads(text)["id"]})
            return text, error

        return forgetful

    found = await measured(unlike)
    create = parts(found, "create_issue")
    assert (create["format"], create["facts"]) == (1.0, 1.0)
    assert (create["state"] or 0) < 0.8
    assert found.tools["get_issue"].score < 0.9


async def test_a_server_that_keeps_what_it_says_it_deleted_is_unlike_in_state() -> None:
    def unlike(live: Live) -> Live:
        async def hoarding(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            if name != "delete_issue":
                return await live(name, arguments)
            text, error = await live("get_issue", arguments)
            return (text if error else json.dumps({**arguments, "deleted": True})), error

        return hoarding

    found = await measured(unlike)
    assert (parts(found, "delete_issue")["state"] or 0) < 0.95


def renamed(value: Any) -> Any:
    """Return a result with other names for everything but the key."""
    if isinstance(value, dict):
        return {name if name == "id" else f"my_{name}": renamed(v) for name, v in value.items()}
    return [renamed(one) for one in value] if isinstance(value, list) else value


async def test_a_server_that_renames_properties_later_on_is_unlike_in_format() -> None:
    def unlike(live: Live) -> Live:
        seen = 0

        async def renaming(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            nonlocal seen
            text, error = await live(name, arguments)
            seen += name == "get_issue"
            if name == "get_issue" and not error and seen > 4:
                text = json.dumps(renamed(json.loads(text)))
            return text, error

        return renaming

    found = await measured(unlike)
    assert (parts(found, "get_issue")["format"] or 0) < 0.85
    assert parts(found, "list_issues")["format"] == 1.0


async def test_a_server_that_shows_other_records_is_unlike_in_facts() -> None:
    def unlike(live: Live) -> Live:
        seen: list[str] = []

        async def mixing(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            text, error = await live(name, arguments)
            if name == "get_project" and not error:
                seen.append(text)
                text = seen[0]
            return text, error

        return mixing

    project = parts(await measured(unlike), "get_project")
    assert project["format"] == 1.0
    assert (project["facts"] or 0) < 0.8


async def test_a_server_that_answers_where_the_shadow_refuses_is_unlike_in_both() -> None:
    def unlike(live: Live) -> Live:
        async def kind(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            text, error = await live(name, arguments)
            return ("{}", False) if error else (text, error)

        return kind

    found = await measured(unlike)
    keyed = [parts(found, name) for name in ("get_issue", "get_project", "update_issue")]
    assert any((one["format"] or 0) < 1.0 for one in keyed)
    assert any((one["facts"] or 0) < 1.0 for one in keyed)


async def test_a_tool_that_answers_in_prose_has_no_layout_but_its_facts_count() -> None:
    def unlike(live: Live) -> Live:
        async def talking(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            text, error = await live(name, arguments)
            return (f"Here they are: {text}" if name == "list_issues" else text), error

        return talking

    issues = parts(await measured(unlike), "list_issues")
    assert issues == {"format": 0.5, "facts": 1.0, "state": None}


async def test_a_server_that_refuses_everything_gives_nothing_to_compare() -> None:
    async def closed(_name: str, _arguments: dict[str, Any]) -> tuple[str, bool]:
        return "no", True

    found = await measure(closed, shadow, INFERRED, INFERRED.operations, seed=1)
    assert not found.tools["get_issue"].format
    assert parts(found, "create_project")["format"] == 0.0
    assert found.score < 0.5


async def test_empty_lists_of_a_server_that_takes_no_records_are_alike_and_admit_nothing() -> None:
    live = Server().live

    async def full(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        return ("no", True) if name.startswith("create") else await live(name, arguments)

    operations, only = INFERRED.operations, ["list_projects"]
    found = await measure(full, shadow, INFERRED, operations, seed=1, only=only)
    assert found.tools["list_projects"].score == 1.0
    assert not found.tools["list_projects"].admitted
    found = await measure(Server().live, shadow, INFERRED, operations, seed=1, only=only)
    assert found.tools["list_projects"].admitted


async def test_only_the_tools_asked_for_are_compared() -> None:
    server = Server()
    found = await measure(
        server.live, shadow, INFERRED, INFERRED.operations, seed=1, only=["list_issues"]
    )
    assert set(found.tools) == {"list_issues"}


async def test_the_layout_of_a_server_is_taken_over_before_anything_is_scored() -> None:
    def unlike(live: Live) -> Live:
        async def wrapping(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            text, error = await live(name, arguments)
            if name == "get_issue" and not error:
                text = json.dumps({"success": True, "result": json.loads(text)})
            return text, error

        return wrapping

    assert parts(await measured(unlike), "get_issue")["format"] == 1.0
