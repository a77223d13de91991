"""Prompts: files with a version, rendered with jinja2. A prompt's id goes into what it produced."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from agentsynth.core.ids import content_id

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["prompt_id", "render_prompt"]


def render_prompt(package: str, name: str, /, **values: object) -> str:
    """Return a prompt with its values filled in, without blank lines at its ends.

    Args:
        package: the package whose folder `prompts` it lies in.
        name: the file's name without `.jinja2`.

    Raises:
        jinja2.UndefinedError: if the prompt uses a value that is not given.
    """
    return _template(package, name).render(**values).strip()


@cache
def prompt_id(package: str, name: str) -> str:
    """Return the content id of a prompt's file: another id, another prompt."""
    return content_id(_source(package, name))


@cache
def _source(package: str, name: str) -> str:
    return files(package).joinpath("prompts", f"{name}.jinja2").read_text(encoding="utf-8")


@cache
def _template(package: str, name: str) -> "Template":
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  (scripted runs need none)

    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    return environment.from_string(_source(package, name))
