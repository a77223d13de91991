"""Domains whose tools are typed Python functions run over the same state as declarative ones."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentsynth.core.domain import FieldSpec
from agentsynth.core.errors import DomainError
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import ToolResult
from agentsynth.core.task import Change
from agentsynth.testing.check_domain import check_domain
from agentsynth.worlds.declarative import DeclarativeWorld
from agentsynth.worlds.load import load_folder
from agentsynth.worlds.runtime import DomainRuntime, declarative_runtime

DEPOT = Path(__file__).parent / "data" / "python_small"
SEED = 2


@pytest.fixture(scope="module")
def depot() -> DomainRuntime:
    return declarative_runtime(load_folder(DEPOT))


@pytest.fixture
def world(depot: DomainRuntime) -> DeclarativeWorld:
    return opened(depot)


def opened(runtime: DomainRuntime) -> DeclarativeWorld:
    assert runtime.compiled is not None
    return DeclarativeWorld(runtime.compiled, runtime.compiled.base(SEED))


def act(world: DeclarativeWorld, name: str, **arguments: Any) -> ToolResult:
    return world.call_now(ToolCall(id="c", name=name, arguments=arguments))


def value(result: ToolResult) -> Any:
    assert not result.is_error, result.content
    return json.loads(result.content)


def code(result: ToolResult) -> str:
    assert result.is_error
    return json.loads(result.content)["error"]["code"]


def job_of(world: DeclarativeWorld, status: str) -> str:
    return next(key for key, _ in world.state.records("job", {"status": status}))


def changed(tmp_path: Path, old: str, new: str) -> DomainRuntime:
    """Return the depot with one passage of its tools.py replaced."""
    for path in DEPOT.iterdir():
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            if path.name == "tools.py":
                assert text.count(old) == 1
                text = text.replace(old, new)
            (tmp_path / path.name).write_text(text, encoding="utf-8")
    return declarative_runtime(load_folder(tmp_path))


def test_schemas_come_from_the_annotations(depot: DomainRuntime) -> None:
    find, open_ = depot.spec_by_name["find_jobs"], depot.spec_by_name["open_job"]
    assert (
        find.description == "Find jobs by a part of their title.\nOpen ones unless asked otherwise."
    )
    assert find.parameters == {
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 2, "description": "A part of the title."},
            "status": {
                "type": "string",
                "enum": ["open", "closed"],
                "default": "open",
                "description": "Only jobs in this status.",
            },
        },
        "required": ["title"],
        "additionalProperties": False,
    }
    properties: Any = open_.parameters["properties"]
    assert properties["cost_cents"] == {
        "type": "integer",
        "minimum": 0,
        "default": 0,
        "description": "What it may cost, in cents.",
    }
    visit: Any = depot.spec_by_name["plan_visit"].parameters["properties"]
    assert visit["at"]["format"] == "datetime"
    assert visit["tags"] == {
        "type": "array",
        "items": {"type": "string"},
        "description": "Words to find it by.",
    }
    assert properties["parts"]["items"] == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "count": {"type": "integer", "minimum": 1}},
        "required": ["name"],
        "additionalProperties": False,
    }
    assert open_.parameters["required"] == ["turbine_id", "title"]


def test_what_a_tool_may_do_is_said_by_how_it_is_exported(depot: DomainRuntime) -> None:
    said = {spec.name: (spec.read_only, spec.consequential) for spec in depot.specs}
    assert said == {
        "find_jobs": (True, False),
        "list_turbines": (True, False),
        "close_job": (False, True),
        "open_job": (False, True),
        "retire_turbine": (False, False),
        "plan_visit": (False, True),
        "wait": (False, False),
        "list-visits": (True, False),
    }
    assert {spec.provenance.origin for spec in depot.specs} == {"python"}


def test_entities_come_from_the_records(depot: DomainRuntime) -> None:
    job = depot.domain.entities["job"]
    assert job.natural_key == ("title",)
    assert job.fields["status"] == FieldSpec(type="enum", values=("open", "closed"))
    assert job.fields["turbine_id"] == FieldSpec(type="string", ref="turbine")
    assert job.fields["cost_cents"].type == "money"
    assert job.fields["closed_on"] == FieldSpec(type="date", nullable=True)
    retired = depot.domain.entities["turbine"].fields["retired_on"]
    assert retired == FieldSpec(type="date", nullable=True, description="Day it was taken down.")


def test_codes_are_read_off_the_code_and_the_functions_it_calls(depot: DomainRuntime) -> None:
    assert depot.domain.tools["close_job"].codes == ("job_closed", "job_not_found")
    assert depot.domain.tools["list_turbines"].codes == ()


def test_the_domain_changes_with_its_code(depot: DomainRuntime, tmp_path: Path) -> None:
    other = changed(tmp_path, "closed already.", "closed before.")
    assert other.domain.files.keys() == depot.domain.files.keys() == {"tools.py"}
    assert other.domain.id != depot.domain.id


def test_a_write_is_a_change_of_the_state(world: DeclarativeWorld) -> None:
    before, job = world.state_hash(), job_of(world, "open")
    result = act(world, "close_job", job_id=job, note="done")
    today = world.state.base.today
    change = Change(
        op="update",
        entity="job",
        key=job,
        fields={"status": "closed", "closed_on": today, "note": "done"},
    )
    assert value(result)["closed_on"] == today
    assert result.changes == world.net_changes() == (change,)
    assert world.state_hash() != before


def test_a_refusal_changes_nothing(world: DeclarativeWorld) -> None:
    before = world.state_hash()
    assert code(act(world, "close_job", job_id=job_of(world, "closed"))) == "job_closed"
    assert code(act(world, "close_job", job_id="JO-0")) == "job_not_found"
    assert code(act(world, "close_job", job_id=5)) == "invalid_arguments"
    assert world.state_hash() == before


def test_two_worlds_of_one_seed_do_not_share_their_writes(depot: DomainRuntime) -> None:
    first, second = opened(depot), opened(depot)
    job = job_of(first, "open")
    value(act(first, "close_job", job_id=job))
    assert second.net_changes() == ()
    value(act(second, "close_job", job_id=job))
    assert first.state_hash() == second.state_hash()


def test_new_keys_come_from_the_seed(depot: DomainRuntime) -> None:
    keys = [
        value(act(opened(depot), "open_job", turbine_id="TU-01", title="New Rope"))["job_id"]
        for _ in range(2)
    ]
    assert keys[0] == keys[1]
    assert keys[0].startswith("JO-")


def test_defaults_nested_records_and_whole_numbers_reach_the_tool(world: DeclarativeWorld) -> None:
    parts = [{"name": "rope", "count": 2.0}, {"name": "hook"}]
    made = act(world, "open_job", turbine_id="TU-02", title="New Rope", parts=parts)
    stored = world.state.get("job", value(made)["job_id"])
    assert stored is not None
    assert (stored["note"], stored["cost_cents"], stored["urgent"]) == ("2 rope, 1 hook", 0, False)


def test_softly_deleted_records_are_kept_and_not_seen(world: DeclarativeWorld) -> None:
    gone = value(act(world, "retire_turbine", turbine_id="TU-03"))
    stored = world.state.get("turbine", "TU-03")
    assert stored is not None
    assert stored["retired_on"] == gone["retired_on"] == world.state.base.today
    listed = value(act(world, "list_turbines"))["turbines"]
    assert [turbine["id"] for turbine in listed] == ["TU-01", "TU-02", "TU-04"]
    assert code(act(world, "retire_turbine", turbine_id="TU-03")) == "turbine_not_found"


def test_softly_deleted_records_are_seen_where_asked_for(tmp_path: Path) -> None:
    world = opened(changed(tmp_path, "state.turbines.all()", "state.turbines.with_deleted.all()"))
    act(world, "retire_turbine", turbine_id="TU-03")
    assert len(value(act(world, "list_turbines"))["turbines"]) == 4


def test_what_a_tool_schedules_comes_due_as_the_clock_moves_on(world: DeclarativeWorld) -> None:
    job, today = job_of(world, "open"), world.state.today
    first = act(world, "plan_visit", job_id=job, at=f"{today}T11:00", tags=["rope", "ladder"])
    assert value(first)["tags"] == ["rope", "ladder"]
    again = value(act(world, "plan_visit", job_id=job, at=f"{today}T12:00", tags=["rope"]))
    waiting = dict(world.state.records("scheduled", {}))
    assert list(waiting) == [again["reminder"]], "the first reminder was dropped"
    assert value(act(world, "wait", minutes=179)) == {"now": f"{today}T11:59", "today": today}
    stored = world.state.get("job", job)
    assert stored is not None
    assert stored["note"] is None
    waited = act(world, "wait", minutes=1)
    assert [change.fields for change in waited.changes if change.entity == "job"] == [
        {"note": "Visit by 1"}
    ]
    assert not list(world.state.records("scheduled", {}))
    assert value(act(world, "wait", minutes=720))["today"] > today


def test_a_tool_may_answer_in_plain_text_over_a_range(world: DeclarativeWorld) -> None:
    today = world.state.today
    assert act(world, "list-visits").content == "No visits."
    jobs = [key for key, _ in world.state.records("job", {"status": "open"})][:2]
    for job, hour in zip(jobs, (15, 10), strict=True):
        act(world, "plan_visit", job_id=job, at=f"{today}T{hour}:00")
    whole = act(world, "list-visits").content.splitlines()
    assert sorted(line[:16] for line in whole) == [f"{today}T10:00", f"{today}T15:00"]
    assert len(act(world, "list-visits", until=f"{today}T10:00").content.splitlines()) == 1
    assert code(act(world, "plan_visit", job_id=jobs[0], at="at noon")) == "invalid_arguments"


def test_tools_of_the_user_are_the_users_alone(
    depot: DomainRuntime, world: DeclarativeWorld
) -> None:
    look = ToolCall(id="c", name="look_up", arguments={"turbine_id": "TU-01"})
    assert value(world.call_now(look, "user")) == {"stands": True}
    assert code(world.call_now(look)) == "unknown_tool"
    assert "look_up" not in depot.spec_by_name


def test_clauses_over_the_entities_are_the_agents_to_keep(depot: DomainRuntime) -> None:
    world = opened(depot)
    urgent = next(key for key, _ in world.state.records("job", {"urgent": True}))
    other = next(key for key, _ in world.state.records("job", {"urgent": False}))
    calls = [
        ToolCall(id="c", name="close_job", arguments={"job_id": key}) for key in (urgent, other)
    ]
    assert [depot.broken_clauses(world, one, "") for one in calls] == [["no_urgent"], []]


CLOSE = 'closed = state.jobs.update(job, status="closed", closed_on=ctx.today, note=note)'
LIST = 'return {"turbines": sorted(state.turbines.all(), key=lambda turbine: turbine.name)}'


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (CLOSE, "closed = job; 1 // 0", "tool 'close_job' raised ZeroDivisionError"),
        (CLOSE, "closed = job; raise SystemExit", "tool 'close_job' raised SystemExit"),
        (CLOSE, 'closed = state.jobs.update(job, status="done")', "field 'status': Input should be"),
        (CLOSE, 'closed = state.jobs.update(job, urgent="yes")', "field 'urgent': Input should be"),
        (CLOSE, 'closed = state.jobs.update(job, closed_on="soon")', "expected an ISO date"),
        (CLOSE, 'closed = state.jobs.update(job, colour="red")', "field 'colour': Extra inputs"),
        (CLOSE, 'closed = state.jobs.update(job, id="JO-1")', "key 'id' cannot be changed"),
        (CLOSE, 'closed = state.jobs.update(job, turbine_id="TU-9")', "no turbine 'TU-9'"),
        (CLOSE, 'closed = state.jobs.update(job, status="closed")', "invariant 'closed_has_date'"),
        (CLOSE, 'closed = state.jobs.put(Job(id="X", turbine_id="TU-01", title="x"))', "not exist"),
        (CLOSE, 'state.jobs.remove("JO-0"); closed = job', "remove of job 'JO-0', which does not"),
        (CLOSE, 'state.turbines.add(name="Ada", site="north"); closed = job', "name 'Ada', which is unique"),
        (CLOSE, 'state.jobs.add(id="JO-1", title="x"); closed = job', "is given by the world"),
        (CLOSE, 'state.jobs.where(colour="red"); closed = job', "cannot be looked up by 'colour'"),
        (CLOSE, 'state.jobs.where(tags=()); closed = job', "cannot be looked up by 'tags'"),
        (CLOSE, 'ctx.schedule("nudge", at=ctx.now); closed = job', "no effect 'nudge'; domain.yaml has: remind"),
        (CLOSE, 'ctx.schedule("remind", at=ctx.now, job_id="x"); closed = job', "effect 'remind' takes job_id, text"),
        (CLOSE, 'ctx.schedule("remind", at="noon", job_id="x", text=""); closed = job', "'noon' is not a date or"),
    ],
)  # fmt: skip
def test_a_bug_of_a_tool_ends_the_rollout_with_tool_and_line(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    world = opened(changed(tmp_path, old, new))
    before, job = world.state_hash(), job_of(world, "open")
    with pytest.raises(DomainError) as caught:
        act(world, "close_job", job_id=job)
    assert told in str(caught.value)
    assert "close_job" in str(caught.value)
    if "invariant" not in told:
        text = (tmp_path / "tools.py").read_text(encoding="utf-8")
        line = text[: text.index(new)].count("\n") + 1
        assert f"{tmp_path / 'tools.py'}:{line}: " in str(caught.value)
    assert world.state_hash() == before


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ('return {"n": {1}}', "result.n is a set, which is not JSON (it has no fixed order"),
        ('return {"n": [ctx]}', "result.n[0] is a Context, which is not JSON"),
        ('return {"n": float("nan")}', "result.n is a float, which is not JSON"),
        ('return {1: "n"}  # pyright: ignore', "result has the key 1, which is no text"),
        ('return state.turbines.add(name="E", site="north")', "a read tool writes turbine"),
        ('state.turbines.remove("TU-01"); return {}', "a read tool writes turbine 'TU-01'"),
        ("ctx.advance(5); return {}", "a read tool writes the clock"),
        ('ctx.unschedule("remind"); return {}', "a read tool writes the schedule (remind)"),
    ],
)
def test_read_tools_cannot_write_and_results_are_json(new: str, told: str, tmp_path: Path) -> None:
    world = opened(changed(tmp_path, LIST, new))
    with pytest.raises(DomainError) as caught:
        act(world, "list_turbines")
    assert told in str(caught.value)
    assert f"{tmp_path / 'tools.py'}" in str(caught.value)
    assert "'list_turbines'" in str(caught.value)


def test_a_tool_cannot_edit_the_call_that_it_was_given(tmp_path: Path) -> None:
    runtime = changed(
        tmp_path, "for part in parts or ())", "for part in [(parts or []).clear()] if 0)"
    )
    parts = [{"name": "rope"}]
    value(act(opened(runtime), "open_job", turbine_id="TU-01", title="Rope", parts=parts))
    assert parts == [{"name": "rope"}]


_STATES = """
import sys
from pathlib import Path
from agentsynth.worlds.load import load_folder
from agentsynth.worlds.runtime import declarative_runtime
runtime = declarative_runtime(load_folder(Path(sys.argv[1])))
print(runtime.domain.id, *(runtime.compiled.base(seed).hash for seed in range(5)))
"""


def test_the_same_seed_gives_the_same_state_in_every_process() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _STATES, str(DEPOT)],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(outputs) == 1
    assert len(set(outputs.pop().split())) == 6


def test_loading_twice_gives_equal_domains_and_leaves_no_bytecode(depot: DomainRuntime) -> None:
    assert load_folder(DEPOT).domain.id == depot.domain.id
    assert "tools" not in sys.modules
    assert not (DEPOT / "__pycache__").exists()


async def test_tasks_are_found_certified_played_and_kept() -> None:
    report = await check_domain(str(DEPOT), tasks=6)
    counts = {kind.kind: (kind.certified, kind.kept) for kind in report.kinds}
    assert {"write", "info", "refuse"} <= counts.keys()
    assert all(certified == kept > 0 for certified, kept in counts.values())
