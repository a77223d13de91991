"""What can be known about a `tools.py` before it runs: imports, clocks, chance, error codes, lines.

It keeps honest authors from results that differ between runs; it is no sandbox.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agentsynth.core.errors import Problem

__all__ = ["DOOR", "Source", "scan"]

DOOR = "agentsynth.worlds.python"
_MODULES = frozenset({
    "__future__", "bisect", "calendar", "collections", "collections.abc", "dataclasses",
    "datetime", "decimal", "enum", "fractions", "functools", "heapq", "itertools", "json", "math",
    "operator", "pydantic", "random", "re", "statistics", "string", "textwrap", "typing",
    "typing_extensions", "unicodedata",
})  # fmt: skip
_CLOCK = "reads the machine's clock; use ctx.today or ctx.now"
_CHANCE = "draws from chance of its own; use the rng that seed is given"
_REFUSED = {
    **dict.fromkeys(("datetime.datetime.now", "datetime.datetime.utcnow"), _CLOCK),
    **dict.fromkeys(("datetime.datetime.today", "datetime.date.today"), _CLOCK),
    **dict.fromkeys(("datetime.datetime.fromtimestamp", "datetime.date.fromtimestamp"), _CLOCK),
    **dict.fromkeys(("open", "input", "breakpoint"), "reaches out of the world; keep data in seed"),
    "print": "writes to the terminal; return what the agent should see",
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), "runs code that nobody can check"),
    **dict.fromkeys(("hash", "id"), "differs between processes; use a field of the record"),
    **dict.fromkeys(("globals", "locals", "vars"), "reaches around the tables; name what you need"),
    **dict.fromkeys(("exit", "quit"), "ends the run; raise a ToolError"),
}
_UNORDERED = "has no fixed order; use a tuple, a list or sorted(...)"


@dataclass(frozen=True)
class Source:
    """A parsed `tools.py`: where its names are, and what its functions may refuse with."""

    file: str
    lines: Mapping[str, int]
    """`name`, `function.parameter` or `Class.field` to its line."""
    codes: Mapping[str, frozenset[str]]
    """Function to the error codes it can give, by itself or by functions it names."""

    def problem(self, name: str, message: str, *, part: str | None = None) -> Problem:
        """Return a problem at a name of the file, or at a part of it."""
        path = f"{name}.{part}" if part else name
        line = self.lines.get(path, self.lines.get(name, 1))
        return Problem(self.file, line, path, message)


def scan(tree: ast.Module, file: str) -> tuple[Source, list[Problem]]:
    """Return what is where in a file, and every line that it may not have."""
    problems = [*_imports(tree, file), *_refusals(tree, file), *_unordered(tree, file)]
    codes, unclear = _codes(tree, file)
    lines = dict(_lines(tree))
    return Source(file, lines, codes), sorted(problems + unclear, key=lambda p: p.line or 0)


def _lines(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name, node.lineno
                for argument in node.args.args:
                    yield f"{node.name}.{argument.arg}", argument.lineno
            case ast.ClassDef():
                yield node.name, node.lineno
                for part in node.body:
                    if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                        yield f"{node.name}.{part.target.id}", part.lineno
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name, node.lineno
            case _:
                pass


def _imports(tree: ast.Module, file: str) -> Iterator[Problem]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            continue
        for name in names:
            if name in _MODULES or name == DOOR:
                continue
            if name.startswith("agentsynth"):
                message = f"imports {name}; of agentsynth, a domain imports only {DOOR}"
            elif name.startswith("."):
                message = "imports a neighbour; a Python domain is this one file"
            else:
                known = ", ".join(sorted(_MODULES - {"__future__"}))
                message = f"imports {name}, which a domain does not need; it may import: {known}"
            yield Problem(file, node.lineno, "", message)


def _origins(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for, dotted."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                found[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _dotted(node: ast.expr, origins: Mapping[str, str]) -> str:
    """Return what a name or a chain of attributes stands for; empty for anything else."""
    if isinstance(node, ast.Name):
        return origins.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value, origins)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def _refusals(tree: ast.Module, file: str) -> Iterator[Problem]:
    origins = _origins(tree)
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Global | ast.Nonlocal):
            names = ", ".join(node.names)
            yield Problem(file, node.lineno, "", f"keeps {names} between calls; use a table")
        if isinstance(node, ast.ImportFrom) and node.module == "random":
            for alias in node.names:
                if alias.name != "Random":
                    yield Problem(file, node.lineno, "", f"random.{alias.name} {_CHANCE}")
        if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        name = _dotted(node, origins)
        if isinstance(node, ast.Name) and (node.id in own or node.id in origins):
            why = _REFUSED.get(name) if "." in name else None
        else:
            why = _REFUSED.get(name)
        if name.startswith("random.") and (name != "random.Random" or id(node) in called):
            why = None if isinstance(node, ast.Name) and name != "random.Random" else _CHANCE
        if why is not None:
            yield Problem(file, node.lineno, "", f"{name} {why}")


def _unordered(tree: ast.Module, file: str) -> Iterator[Problem]:
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension) and _is_set(node.iter):
            yield Problem(file, node.iter.lineno, "", f"a loop over a set {_UNORDERED}")
        if isinstance(node, ast.Call) and node.args and _is_set(node.args[0]):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in ("list", "tuple", "iter", "enumerate", "next"):
                yield Problem(file, node.lineno, "", f"{name} of a set {_UNORDERED}")


def _is_set(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset")
    return isinstance(node, ast.Set | ast.SetComp)


def _codes(tree: ast.Module, file: str) -> tuple[dict[str, frozenset[str]], list[Problem]]:
    """Return the error codes of each function, and those that cannot be read off the file."""
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    own: dict[str, set[str]] = {name: set() for name in functions}
    names: dict[str, set[str]] = {name: set() for name in functions}
    problems: list[Problem] = []
    for function, body in functions.items():
        for node in ast.walk(body):
            if isinstance(node, ast.Name) and node.id in functions:
                names[function].add(node.id)
            given = _code_argument(node)
            if given is None:
                continue
            code = constants.get(given.id) if isinstance(given, ast.Name) else _constant(given)
            if isinstance(code, str):
                own[function].add(code)
            else:
                message = "give the error code as a text here: the policy and the tests name it"
                problems.append(Problem(file, given.lineno, function, message))
    return {name: _reached(name, own, names) for name in functions}, problems


def _code_argument(node: ast.AST) -> ast.expr | None:
    """Return the expression of the error code, where a node is one that can refuse."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Name) and node.func.id == "ToolError":
        place = 0
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "need":
        place = 1
    else:
        return None
    if len(node.args) > place:
        return node.args[place]
    return next((word.value for word in node.keywords if word.arg == "code"), None)


def _constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _reached(
    start: str, own: Mapping[str, set[str]], names: Mapping[str, set[str]]
) -> frozenset[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += names[name]
    return frozenset(code for name in seen for code in own[name])
