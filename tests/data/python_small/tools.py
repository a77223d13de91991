"""A small depot of wind turbines: the Python form of a domain with something of every sort."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from agentsynth.worlds.python import (
    Context,
    Date,
    DateTime,
    Money,
    Record,
    Ref,
    Table,
    ToolError,
    add_days,
    entity,
    read,
    show,
    write,
)


class Turbine(Record):
    id: str
    name: str
    site: Literal["north", "south"]
    retired_on: Annotated[Date | None, "Day it was taken down."] = None


class Job(Record):
    id: str
    turbine_id: Annotated[str, Ref("turbine")]
    title: str
    status: Literal["open", "closed"] = "open"
    urgent: bool = False
    cost_cents: Money = 0
    closed_on: Date | None = None
    note: str | None = None
    visit_at: DateTime | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Depot:
    turbines: Table[Turbine]
    jobs: Table[Job]


class Part(Record):
    """A part that a job needs; an argument, not an entity."""

    name: str
    count: Annotated[int, Field(ge=1)] = 1


def find_jobs(
    state: Depot,
    ctx: Context,
    title: Annotated[str, Field(min_length=2), "A part of the title."],
    status: Annotated[Literal["open", "closed"], "Only jobs in this status."] = "open",
) -> dict[str, Any]:
    """Find jobs by a part of their title.

    Open ones unless asked otherwise.
    """
    found = [job for job in state.jobs.where(status=status) if title.lower() in job.title.lower()]
    found.sort(key=lambda job: job.title)
    jobs = [show(job, "id", "title", "turbine_id", "urgent", "cost_cents") for job in found]
    return {"as_of": ctx.today, "total": len(jobs), "jobs": jobs}


def list_turbines(state: Depot, ctx: Context) -> dict[str, Any]:
    """List the turbines that stand, by name."""
    return {"turbines": sorted(state.turbines.all(), key=lambda turbine: turbine.name)}


def close_job(
    state: Depot,
    ctx: Context,
    job_id: Annotated[str, "Id of the job."],
    note: Annotated[str | None, "What was done."] = None,
) -> dict[str, Any]:
    """Close a job that is open."""
    job = _job(state, job_id)
    if job.status == "closed":
        raise ToolError("job_closed", f"The job {job_id} is closed already.")
    closed = state.jobs.update(job, status="closed", closed_on=ctx.today, note=note)
    return show(closed, "id", "title", "status", "closed_on")


def _job(state: Depot, job_id: str) -> Job:
    return state.jobs.need(job_id, "job_not_found", f"There is no job {job_id}.")


def open_job(
    state: Depot,
    ctx: Context,
    turbine_id: Annotated[str, "Id of the turbine."],
    title: Annotated[str, "What is to be done."],
    cost_cents: Annotated[Money, Field(ge=0), "What it may cost, in cents."] = 0,
    parts: Annotated[list[Part] | None, "Parts that it needs."] = None,
) -> dict[str, Any]:
    """Open a job at a turbine."""
    turbine = state.turbines.need(turbine_id, "turbine_not_found", f"No turbine {turbine_id}.")
    if state.jobs.find(turbine_id=turbine.id, title=title) is not None:
        raise ToolError("job_exists", f"{turbine.name} has that job already.")
    needed = ", ".join(f"{part.count} {part.name}" for part in parts or ())
    job = state.jobs.add(
        turbine_id=turbine.id, title=title, cost_cents=cost_cents, note=needed or None
    )
    return {"job_id": job.id, "title": title, "opened_on": ctx.today}


def retire_turbine(
    state: Depot, ctx: Context, turbine_id: Annotated[str, "Id of the turbine."]
) -> dict[str, Any]:
    """Take a turbine down; it is not listed from then on."""
    turbine = state.turbines.need(turbine_id, "turbine_not_found", f"No turbine {turbine_id}.")
    state.turbines.remove(turbine.id)
    return {"turbine_id": turbine.id, "retired_on": ctx.today}


def plan_visit(
    state: Depot,
    ctx: Context,
    job_id: Annotated[str, "Id of the job to visit."],
    at: Annotated[DateTime, "When the crew comes."],
    tags: Annotated[list[str] | None, "Words to find it by."] = None,
) -> dict[str, Any]:
    """Plan a visit for a job; the crew is reminded then."""
    job = _job(state, job_id)
    ctx.unschedule("remind", job_id=job.id)
    waiting = ctx.schedule("remind", at=at, job_id=job.id, text=f"Visit by {len(tags or ())}")
    planned = state.jobs.update(job, visit_at=at, tags=tuple(tags or ()))
    return {"reminder": waiting, "tags": planned.tags, "visit_at": planned.visit_at}


def wait(
    state: Depot, ctx: Context, minutes: Annotated[int, Field(ge=0), "How long."]
) -> dict[str, Any]:
    """Wait for so many minutes."""
    ctx.advance(minutes)
    return {"now": ctx.now, "today": ctx.today}


def list_visits(
    state: Depot,
    ctx: Context,
    until: Annotated[DateTime | None, "The last visit to list."] = None,
) -> str:
    """List the planned visits as a text."""
    planned = state.jobs.between("visit_at", ctx.now, until, status="open")
    return "\n".join(f"{job.visit_at} {job.title}" for job in planned) or "No visits."


def look_up(
    state: Depot, ctx: Context, turbine_id: Annotated[str, "Id of the turbine."]
) -> dict[str, Any]:
    """Look up at a turbine and say whether it stands."""
    return {"stands": state.turbines.get(turbine_id) is not None}


def seed(rng: random.Random, today: str) -> Iterator[Record]:
    names = ("Ada", "Bell", "Cora", "Dana")
    for number, name in enumerate(names, start=1):
        site: Literal["north", "south"] = rng.choice(("north", "south"))
        yield Turbine(id=f"TU-{number:02d}", name=name, site=site)
    for number, title in enumerate(("Oil Change", "Blade Check", "Bolt Torque", "Paint Job")):
        status: Literal["open", "closed"] = rng.choice(("open", "open", "closed"))
        yield Job(
            id=f"JO-{1001 + number}",
            turbine_id=f"TU-{rng.randint(1, 4):02d}",
            title=title,
            status=status,
            urgent=number == 1,
            cost_cents=500 * rng.randint(1, 40),
            closed_on=add_days(today, -3) if status == "closed" else None,
        )


STATE = Depot
ENTITIES = {
    "turbine": entity(
        Turbine,
        id_pattern="TU-##",
        natural_key=("name",),
        unique=(("name",),),
        soft_delete="retired_on",
    ),
    "job": entity(Job, id_pattern="JO-####", natural_key=("title",)),
}
TOOLS = (
    read(find_jobs),
    read(list_turbines),
    write(close_job),
    write(open_job),
    write(retire_turbine, consequential=False),
    write(plan_visit),
    write(wait, consequential=False),
    read(list_visits, name="list-visits"),
)
USER_TOOLS = (read(look_up),)
