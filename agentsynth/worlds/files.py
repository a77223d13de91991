"""YAML files with line numbers: read strictly, and report what is wrong where.

Not YAML 1.1 in three ways people trip over: `yes`/`no`/`on`/`off` are text, dates stay text, and a
key given twice is an error.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from agentsynth.core.errors import Problem, UserError, render_problems
from agentsynth.worlds.compatibility import too_new
from agentsynth.worlds.wording import explained, field_names, yaml_hint

__all__ = ["Loaded", "load_yaml", "parse_yaml", "read_text", "validate"]

_SCALAR_TAGS = ("named",)
"""What values call the form that is a plain name, where a mapping could stand as well."""

PathKey = tuple[str | int, ...]
_LONGEST_NUMBER = 300
ModelT = TypeVar("ModelT", bound=BaseModel)


class _StrictLoader(yaml.CSafeLoader):  # the C parser is about 8 times faster
    """Resolves only what JSON has: true/false, integers, floats, null."""


_StrictLoader.yaml_implicit_resolvers = {}
_FORMS = {
    "bool": (r"^(?:true|false)$", "tf"),
    "int": (r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    "float": (r"^[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?$", "-+0123456789"),
    "null": (r"^(?:null|~|)$", ["n", "~", ""]),
}
for _tag, (_pattern, _first) in _FORMS.items():
    _StrictLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first)
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """A YAML document as JSON values, with the line of every node."""

    file: str
    value: Any
    lines: dict[PathKey, int]

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """Return the line of the node at `path`, or of its nearest parent that has one."""
        key = tuple(path)
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key)

    def problem(self, path: Sequence[str | int], message: str) -> Problem:
        """Return a problem at `path`."""
        shown = ".".join(str(part) for part in path)
        return Problem(self.file, self.line_of(path), shown, message)


def read_text(path: Path) -> str:
    """Return a text file's content.

    Raises:
        UserError: if it is missing, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def load_yaml(path: Path) -> Loaded:
    """Return the one document in a YAML file.

    Raises:
        UserError: naming file and line, if it is missing or not well-formed.
    """
    return parse_yaml(read_text(path), str(path))


def parse_yaml(text: str, file: str) -> Loaded:
    """Return the one document in `text`; `file` is what errors call it."""
    try:
        loader = _StrictLoader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        if node is None:
            raise UserError(f"{file}: the file is empty")
        lines: dict[PathKey, int] = {}
        return Loaded(file, _construct(node, (), lines, file), lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise UserError(str(Problem(file, line, "", _not_yaml(error, line)))) from None
    except yaml.YAMLError as error:
        raise UserError(str(Problem(file, None, "", f"not valid YAML: {error}"))) from None
    except RecursionError:
        message = "nested too deeply, or an anchor that holds itself"
        raise UserError(str(Problem(file, None, "", message))) from None


def _not_yaml(error: yaml.MarkedYAMLError, line: int | None) -> str:
    """Return what the parser stumbled over, where it began, and what is usually behind it."""
    begun = error.context_mark.line + 1 if error.context_mark else line
    since = f" ({error.context}, begun in line {begun})" if begun != line else ""
    return f"not valid YAML: {error.problem}{since}{yaml_hint(error.problem or '')}"


def _construct(node: yaml.Node, path: PathKey, lines: dict[PathKey, int], file: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise UserError(str(Problem(file, line, "", "keys must be plain text")))
            key = str(key_node.value)
            if key in result:
                raise UserError(str(Problem(file, line, key, "this key is given twice")))
            lines[(*path, key)] = line
            result[key] = _construct(value_node, (*path, key), lines, file)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(item, (*path, index), lines, file) for index, item in enumerate(node.value)
        ]
    return _scalar(node, file)


def _scalar(node: yaml.Node, file: str) -> Any:
    tag = node.tag.removeprefix("tag:yaml.org,2002:")
    if tag == "str":
        return node.value
    line = node.start_mark.line + 1
    if tag not in _FORMS or re.match(_FORMS[tag][0], node.value) is None:
        raise UserError(str(Problem(file, line, "", f"the tag {tag!r} is not supported")))
    if tag == "bool":
        return node.value == "true"
    if tag == "null":
        return None
    if len(node.value) > _LONGEST_NUMBER or not math.isfinite(float(node.value)):
        raise UserError(str(Problem(file, line, "", "this number is too large")))
    return int(node.value) if tag == "int" else float(node.value)


def validate(model: type[ModelT], loaded: Loaded) -> ModelT:
    """Return `loaded` as a value of `model`.

    Raises:
        UserError: every problem with file, line, path, and what was expected.
    """
    if (newer := too_new(loaded.value)) is not None:
        raise UserError(str(loaded.problem((newer[0],), newer[1])))
    try:
        return model.model_validate(loaded.value)
    except ValidationError as error:
        known = field_names(model)
        problems = [
            loaded.problem(_document_path(loaded, detail["loc"]), explained(detail, known))
            for detail in error.errors(include_url=False)
        ]
        raise UserError(render_problems(problems)) from None


def _child(node: Any, part: str | int) -> Any:
    return node[part]


def _document_path(loaded: Loaded, location: Sequence[str | int]) -> PathKey:
    """Drop the parts pydantic adds for unions, keep those that are in the document."""
    path: PathKey = ()
    node: Any = loaded.value
    for index, part in enumerate(location):
        if _inside(node, part):
            following = location[index + 1 :]
            if following and _is_tag(node, part, following[0]):
                continue
            node, path = _child(node, part), (*path, part)
        elif index == len(location) - 1 and part not in ("[key]", *_SCALAR_TAGS):
            path = (*path, part)
    return path


def _inside(node: Any, part: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(part, int) and part < len(node)
    return isinstance(node, dict) and part in node


def _is_tag(node: Any, part: str | int, following: str | int) -> bool:
    """Whether a part that the document has too only says which kind of step this is."""
    child = _child(node, part)
    if following in _SCALAR_TAGS:
        return False
    if isinstance(node, list) or _inside(child, following):
        return False
    return not isinstance(child, dict | list) or _inside(node, following)
