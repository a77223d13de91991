"""Carry out the tools and the seed of a Python domain: foreign code behind one boundary."""

import inspect
import math
import random
from collections.abc import Mapping
from typing import Any

from agentsynth.core.domain import Domain
from agentsynth.core.errors import DomainError, ToolError
from agentsynth.core.ids import derive_seed
from agentsynth.worlds.declarative import ToolFunction
from agentsynth.worlds.python import Context, PythonTool
from agentsynth.worlds.python_exports import Exports
from agentsynth.worlds.python_schema import Parameters
from agentsynth.worlds.python_tables import Access, Record, Table, to_stored
from agentsynth.worlds.seed import world_today
from agentsynth.worlds.state import Base, State

__all__ = ["line_in", "named", "run_tool", "seeded_base"]


def run_tool(
    tool: PythonTool, parameters: Parameters, exports: Exports, domain: Domain, file: str
) -> ToolFunction:
    """Return what carries out a tool: state and scope to its result as JSON."""

    def run(state: State, scope: dict[str, Any]) -> Any:
        access = Access(state, domain, writes=tool.kind == "write")
        tables: dict[str, Any] = {
            field: Table(access, name, exports.models[name])
            for field, name in exports.tables.items()
        }
        arguments = parameters.convert(scope["args"])
        try:
            result = tool.run(exports.state(**tables), Context(access), **arguments)
            return _plain(result, "result")
        except ToolError:
            raise
        except DomainError as error:
            raise DomainError(f"{_place(error, file)}: tool {tool.name!r}: {error}") from error
        except (Exception, SystemExit) as error:  # foreign code: whatever it is, no agent sees it
            raised = f"tool {tool.name!r} raised {named(error)}"
            raise DomainError(f"{_place(error, file)}: {raised}") from error

    return run


def _place(error: BaseException, file: str) -> str:
    line = line_in(error, file)
    return file if line is None else f"{file}:{line}"


def _plain(value: Any, where: str) -> Any:
    """Return a result as JSON types.

    Raises:
        DomainError: naming the part that has no JSON form.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Record):
        return to_stored(value)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise DomainError(f"{where} has the key {key!r}, which is no text")
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    why = " (it has no fixed order; use sorted(...))" if isinstance(value, set | frozenset) else ""
    raise DomainError(f"{where} is a {type(value).__name__}, which is not JSON{why}")


def seeded_base(domain: Domain, exports: Exports, file: str, world_seed: int) -> Base:
    """Return the starting state that `seed` gives."""
    today = world_today(domain, world_seed)
    names = {model: name for name, model in exports.models.items()}
    tables: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in exports.entities}
    rows: Any = None
    try:
        rows = exports.seed(random.Random(derive_seed("records", world_seed)), today)
        for record in rows:
            name = names.get(type(record))
            if name is None:
                raise DomainError(f"it gives {record!r}, which is no record of an entity")
            key = str(getattr(record, exports.entities[name].key))
            if key in tables[name]:
                raise DomainError(f"it gives {name} {key!r} twice")
            tables[name][key] = to_stored(record)
    except DomainError as error:
        frame = rows.gi_frame if inspect.isgenerator(rows) else None
        line = exports.seed.__code__.co_firstlineno if frame is None else frame.f_lineno
        raise DomainError(f"{file}:{line}: seed: {error}") from error
    except (Exception, SystemExit) as error:  # foreign code may raise anything
        raise DomainError(f"{_place(error, file)}: seed raised {named(error)}") from error
    return Base(tables, seed=world_seed, today=today, opens_at=domain.clock.opens_at)


def line_in(error: BaseException, file: str) -> int | None:
    """Return the last line of the file that an exception passed through."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def named(error: BaseException) -> str:
    """Return an exception's type and message."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
