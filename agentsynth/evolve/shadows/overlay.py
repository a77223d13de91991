"""Reviewed overlays: what a person adds to or corrects in the inference for one server, as data.

An overlay lies in `tools_registry/shadows/SERVER.yaml`. It names what the specifications leave open
and a person knows of the service: what a noun's records hold, which parameter is the key, what a
tool does. It cannot do more than the inference can: every tool is tested in the same way.
"""

from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from agentsynth.core.domain import FieldType
from agentsynth.core.errors import Problem, UserError, render_problems
from agentsynth.core.frozen import Frozen

__all__ = ["Overlay", "OverlayEntity", "OverlayTool", "parse_overlay"]

FieldForm = FieldType | Annotated[tuple[str, ...], Field(min_length=2)]
"""A type, or the values of an enumeration."""


class OverlayEntity(Frozen):
    """What a person knows of one noun's records."""

    key: str | None = None
    """Name of the key's field; None = as inferred."""
    named_by: bool | None = None
    """Whether people know a record by its key; None = as inferred."""
    number: bool | None = None
    """Whether tools take the key as a number; None = as inferred."""
    parameter: str | None = None
    """Parameter that holds the key in every tool that has it; None = as inferred."""
    natural: str | None = None
    """Field that people name a record by; None = as inferred."""
    fields: dict[str, FieldForm] = {}
    """Fields that results show, known from the service's own documentation."""
    refers: dict[str, str] = {}
    """Field of those to the entity whose key it holds."""

    @model_validator(mode="after")
    def _fields_are_known(self) -> "OverlayEntity":
        """Refuse what speaks of a field that is not there."""
        unknown = sorted(self.refers.keys() - self.fields.keys())
        if unknown:
            raise ValueError(f"refers names {unknown[0]!r}, which is not among the fields")
        if self.natural is not None and self.fields and self.natural not in self.fields:
            raise ValueError(f"natural names {self.natural!r}, which is not among the fields")
        return self


class OverlayTool(Frozen):
    """What a person knows of one tool."""

    does: Literal["create", "get", "list", "update", "delete"] | None = None
    """None = as inferred."""
    entity: str | None = None
    """What it acts on; None = as inferred."""
    key: str | None = None
    """Parameter that holds the record's key; None = as inferred."""
    refers: dict[str, str] = {}
    """Parameter to the entity whose key it holds."""
    means: dict[str, str] = {}
    """Parameter to the field it stands for, where that has another name."""
    refuse: tuple[str, ...] = ()
    """Optional parameters that do something else than their names say: a call that gives one is
    refused."""
    writes: dict[str, str | bool] = Field(default={}, max_length=1)
    """Field to the value that the call itself writes, such as `state: done`."""
    leave_out: str | None = None
    """Why it has no shadow, whatever could be inferred; None = it may have one."""


class Overlay(Frozen):
    """All that is known of one server beside what it lists."""

    schema_version: Literal[1] = 1
    server: str
    """Name of its manifest."""
    reviewed: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    """Day on which a person of this project read it against the server's tools."""
    source: str = Field(min_length=5)
    """Where what it says is known from."""
    refers: dict[str, str] = {}
    """Parameter to the entity whose key it holds, in every tool that has it."""
    refuse: tuple[str, ...] = ()
    """Optional parameters of any tool that are not about records, such as how often to try again: a
    call that gives one is refused."""
    entities: dict[str, OverlayEntity] = {}
    tools: dict[str, OverlayTool] = {}


def parse_overlay(raw: object, file: str) -> Overlay:
    """Return the overlay that a YAML file holds.

    Raises:
        UserError: naming the file, each wrong field and what was expected.
    """
    if not isinstance(raw, dict):
        raise UserError(f"{file}: expected a mapping with server, reviewed, source and so on")
    try:
        return Overlay.model_validate(raw)
    except ValidationError as exc:
        problems = [
            Problem(file, None, ".".join(str(part) for part in error["loc"]), error["msg"])
            for error in exc.errors(include_url=False)
        ]
        raise UserError(render_problems(problems)) from exc
