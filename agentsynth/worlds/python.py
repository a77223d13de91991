"""What a Python domain's `tools.py` is written with; it imports nothing else of agentsynth.

    @dataclass(frozen=True)
    class Depot:
        jobs: Table[Job]

    def close_job(
        state: Depot, ctx: Context, job_id: Annotated[str, "Id of the job."]
    ) -> dict[str, Any]:
        \"\"\"Close a job that is open.\"\"\"
        job = state.jobs.need(job_id, "job_not_found", f"There is no job {job_id}.")
        if job.status == "closed":
            raise ToolError("job_closed", f"The job {job_id} is closed.")
        state.jobs.update(job, status="closed", closed_on=ctx.today)
        return {"job_id": job.id, "closed_on": ctx.today}

    STATE = Depot
    ENTITIES = {"job": entity(Job, id_pattern="JO-####", natural_key=("title",))}
    TOOLS = (write(close_job),)

    def seed(rng: random.Random, today: str) -> Iterator[Record]: ...

Not here: loading and checking such a file (`worlds.python_load`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal, TypeAlias

from agentsynth.core.domain import FieldType
from agentsynth.core.errors import ToolError
from agentsynth.worlds.python_tables import Access, Record, Table, schedule, unschedule

__all__ = [
    "Context",
    "Date",
    "DateTime",
    "EntityDef",
    "Kind",
    "Money",
    "PythonTool",
    "Record",
    "Ref",
    "Table",
    "Text",
    "TimeOfDay",
    "ToolError",
    "add_days",
    "days_between",
    "entity",
    "read",
    "show",
    "write",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """Which type of field a plain Python type stands for; see `Money` and its neighbours."""

    type: FieldType


@dataclass(frozen=True, slots=True)
class Ref:
    """`Annotated[str, Ref("member")]`: the field holds the key of a record of this entity."""

    entity: str


Money: TypeAlias = Annotated[int, Kind("money")]
"""An amount in minor units, such as cents."""
Date: TypeAlias = Annotated[str, Kind("date")]
"""An ISO date, such as 2027-04-05. ISO dates compare in order of time."""
DateTime: TypeAlias = Annotated[str, Kind("datetime")]
"""To the minute, such as 2027-04-05T09:00."""
TimeOfDay: TypeAlias = Annotated[str, Kind("time")]
"""Such as 09:00."""
Text: TypeAlias = Annotated[str, Kind("text")]
"""A long text."""


class Context:
    """The world's clock: what time it is, and what comes due later."""

    __slots__ = ("_access",)

    def __init__(self, access: Access) -> None:
        self._access = access

    @property
    def today(self) -> str:
        """The world's date, ISO."""
        return self._access.state.today

    @property
    def now(self) -> str:
        """The world's time to the minute, ISO: 2027-04-05T09:00."""
        return self._access.state.now

    def schedule(self, effect: str, at: str, **values: Any) -> str:
        """Let an effect of domain.yaml come due; return the id under which it waits.

        Args:
            effect: its name under `effects`.
            at: ISO datetime, or a date for its first minute.
            values: all of the effect's parameters.
        """
        return schedule(self._access, effect, at, values)

    def unschedule(self, effect: str, **where: Any) -> int:
        """Drop the waiting effects of this name whose values equal these; return how many."""
        return unschedule(self._access, effect, where)

    def advance(self, minutes: int) -> None:
        """Move the clock on; what has come due by then runs after the tool."""
        self._access.check_writes("the clock")
        self._access.state.advance(minutes)


@dataclass(frozen=True, slots=True)
class EntityDef:
    """An entity as `tools.py` declares it; its fields are those of the model."""

    model: type[Record]
    key: str
    id_pattern: str
    natural_key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    soft_delete: str | None


@dataclass(frozen=True, slots=True)
class PythonTool:
    """A function exported as a tool."""

    run: Callable[..., Any]
    name: str
    kind: Literal["read", "write"]
    consequential: bool


def entity(
    model: type[Record],
    *,
    id_pattern: str,
    key: str = "id",
    natural_key: Sequence[str] = (),
    unique: Sequence[Sequence[str]] = (),
    soft_delete: str | None = None,
) -> EntityDef:
    """Declare an entity; `ENTITIES` maps its name to this.

    Args:
        model: its records' type; two entities never share one.
        id_pattern: how new keys look, such as `JO-####`; each `#` becomes a digit.
        key: the field with the key.
        natural_key: fields by which people name a record.
        unique: sets of fields that no two live records may share.
        soft_delete: nullable date field that `remove` sets; None = `remove` takes the record out.
    """
    sets = tuple(tuple(fields) for fields in unique)
    return EntityDef(model, key, id_pattern, tuple(natural_key), sets, soft_delete)


def read(run: Callable[..., Any], *, name: str | None = None) -> PythonTool:
    """Export a function as a tool that only reads."""
    return PythonTool(run, name or run.__name__, "read", consequential=False)


def write(
    run: Callable[..., Any], *, consequential: bool = True, name: str | None = None
) -> PythonTool:
    """Export a function as a tool that may write.

    Args:
        run: `(state, ctx, ...) -> dict`; its docstring describes the tool.
        consequential: whether the policy asks for a confirmation before the call.
        name: what the tool is called; None = like the function.
    """
    return PythonTool(run, name or run.__name__, "write", consequential)


def show(record: Record, *fields: str) -> dict[str, Any]:
    """Return these fields of a record, in this order; all of them without any."""
    return {field: getattr(record, field) for field in fields or type(record).model_fields}


def add_days(start: str, days: int) -> str:
    """Return the ISO date so many days later."""
    return (date.fromisoformat(start) + timedelta(days=days)).isoformat()


def days_between(start: str, end: str) -> int:
    """Return how many days `end` lies after `start`, both ISO dates."""
    return (date.fromisoformat(end) - date.fromisoformat(start)).days
