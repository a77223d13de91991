"""Load a Python domain: run its file, check what it exports, and make of it a domain's data.

The file that the user named is executed, and nothing else. What comes out is the same `Domain` that
YAML gives, with tools that are functions instead of steps.
"""

import ast
import inspect
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from agentsynth.core.domain import Domain, ToolDef
from agentsynth.core.errors import Problem, UserError, render_problems
from agentsynth.core.ids import digest
from agentsynth.worlds.declarative import ToolFunction
from agentsynth.worlds.files import Loaded, read_text
from agentsynth.worlds.python import PythonTool
from agentsynth.worlds.python_exports import read_exports
from agentsynth.worlds.python_run import line_in, named, run_tool, seeded_base
from agentsynth.worlds.python_scan import Source, scan
from agentsynth.worlds.python_schema import Parameters, tool_parameters
from agentsynth.worlds.state import Base

__all__ = ["PythonDomain", "load_python"]

_FROM_CODE = ("entities", "tools", "user_tools", "live")


@dataclass(frozen=True)
class PythonDomain:
    """What a Python domain's file gives: data, and the functions that the data cannot hold."""

    domain: Domain
    """With entities, tools and the file's digest filled in."""
    tools: Mapping[str, ToolFunction]
    """What carries out each tool, the user's among them."""
    base: Callable[[int], Base]
    """World seed to starting state; raises DomainError where `seed` does not hold."""
    source: Source
    functions: Mapping[str, str]
    """Tool to the name of its function in the file."""


def load_python(domain: Domain, domain_file: Loaded, folder: Path) -> PythonDomain:
    """Run a Python domain's file and return the whole domain.

    Raises:
        UserError: every problem of the file, with line and what was expected.
    """
    assert domain.python is not None  # the caller looked
    given = [
        domain_file.problem((part,), f"belongs into {domain.python}: this is a Python domain")
        for part in _FROM_CODE
        if isinstance(domain_file.value, dict) and domain_file.value.get(part)
    ]
    if given:
        raise UserError(render_problems(given))
    path = folder / domain.python
    text = read_text(path)
    source, module = _executed(path, text)
    exports = read_exports(module, source)
    made: dict[str, tuple[PythonTool, ToolDef, Parameters]] = {}
    problems: list[Problem] = []
    for tool in (*exports.tools, *exports.user_tools):
        found, wrong = _tool_def(tool, exports.state, vars(module), source)
        problems += wrong
        if tool.name in made:
            problems.append(source.problem(tool.run.__name__, f"{tool.name!r} is exported twice"))
        if found is not None:
            made[tool.name] = (tool, *found)
    if problems:
        raise UserError(render_problems(problems))
    data = {
        "entities": dict(exports.entities),
        "tools": {tool.name: made[tool.name][1] for tool in exports.tools},
        "user_tools": {tool.name: made[tool.name][1] for tool in exports.user_tools},
        "files": {domain.python: digest(text)},
    }
    whole = domain.model_copy(update=data)
    return PythonDomain(
        domain=whole,
        tools={
            name: run_tool(tool, parameters, exports, whole, source.file)
            for name, (tool, _, parameters) in made.items()
        },
        base=lambda world_seed: seeded_base(whole, exports, source.file, world_seed),
        source=source,
        functions={name: tool.run.__name__ for name, (tool, _, _) in made.items()},
    )


def _executed(path: Path, text: str) -> tuple[Source, types.ModuleType]:
    """Check a file's text and run exactly that text, under a name of its own."""
    file = str(path)
    try:
        tree = ast.parse(text, file)
    except SyntaxError as error:
        message = f"not valid Python: {error.msg}"
        raise UserError(str(Problem(file, error.lineno, "", message))) from None
    except ValueError as error:
        raise UserError(f"{file}: not valid Python: {error}") from None
    source, problems = scan(tree, file)
    if problems:
        raise UserError(render_problems(problems))
    module = types.ModuleType(f"agentsynth_domain_{digest(f'{path.resolve()}:{text}')}")
    module.__file__ = file
    sys.modules[module.__name__] = module  # dataclasses and pydantic look their names up there
    try:
        exec(compile(tree, file, "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        del sys.modules[module.__name__]
        message = f"running the file raised {named(error)}"
        raise UserError(str(Problem(file, line_in(error, file), "", message))) from error
    return source, module


def _tool_def(
    tool: PythonTool, state: type, names: dict[str, Any], source: Source
) -> tuple[tuple[ToolDef, Parameters] | None, list[Problem]]:
    function = tool.run.__name__
    parameters, wrong = tool_parameters(tool, state, names)
    problems = [source.problem(function, message, part=part) for part, message in wrong]
    description = _paragraphs(inspect.getdoc(tool.run) or "")
    if not description:
        problems.append(source.problem(function, "has no docstring: the model reads it"))
    if inspect.iscoroutinefunction(tool.run) or inspect.isgeneratorfunction(tool.run):
        problems.append(source.problem(function, "is no plain function: no async, no yield"))
    if parameters is None or problems:
        return None, problems
    try:
        made = ToolDef(
            description=description,
            kind=tool.kind,
            consequential=tool.consequential,
            parameters=parameters.schemas,
            result="text" if parameters.returns_text else "json",
            codes=tuple(sorted(source.codes.get(function, ()))),
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return None, [source.problem(function, f"{place}: {first['msg']}")]
    return (made, parameters), []


def _paragraphs(text: str) -> str:
    return "\n".join(" ".join(part.split()) for part in text.split("\n\n")).strip()
