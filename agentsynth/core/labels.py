"""What somebody says of a trajectory: truth that a judge did not make, and is never shown."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from agentsynth.core.errors import UserError
from agentsynth.core.frozen import Frozen

__all__ = ["OVERALL", "CriterionLabel", "LabelMaker", "Truth", "read_labels", "write_labels"]

OVERALL = "overall"
"""Stands in the place of a criterion for the conversation as a whole: is it to be accepted?"""

Truth = Literal["met", "not_met", "not_applicable"]

LabelMaker = Literal["check", "person", "model", "import", "mutant"]
"""Who says so: a check of the engine, a person who read it, a language model that read it and is
another than the judge, the source it was imported from, or the defect that was planted in it."""


class CriterionLabel(Frozen):
    """One judgement of one conversation."""

    subject: str
    """Id of the trajectory, of the imported conversation or of the golden."""
    criterion: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = OVERALL
    truth: Truth
    by: LabelMaker
    who: str = ""
    """The person's name, the source's label, the check or the sort of mutant; "" = not said."""
    note: str = ""
    """Why."""
    condition: str = ""
    """For a mutant: what else was done to the conversation to sway a judge; "" = nothing."""
    group: str = ""
    """Conversations with the same group are not independent, as mutants of one are not; "" = it
    stands alone."""


def write_labels(path: Path, labels: Iterable[CriterionLabel]) -> None:
    """Write labels, one JSON object a line."""
    text = "".join(label.model_dump_json(exclude_defaults=True) + "\n" for label in labels)
    path.write_text(text, encoding="utf-8")


_FORM = (
    "a label has 'subject', 'criterion', 'truth' (met, not_met, not_applicable) and 'by' "
    "(check, person, model, import, mutant)"
)


def read_labels(path: Path) -> list[CriterionLabel]:
    """Return the labels in a file, one JSON object a line; those without a `truth` are left out.

    Raises:
        UserError: with file and line, for the first line that is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    found: list[CriterionLabel] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            if isinstance(value, dict) and value.get("truth", "") is None:
                continue  # nobody has filled it in yet
            shown = {"question", "choices"}  # for whoever fills it in
            value = {k: v for k, v in value.items() if k not in shown}
            found.append(CriterionLabel.model_validate(value))
        except (json.JSONDecodeError, AttributeError) as error:
            told = f"the line: not a JSON object ({error}); {_FORM}"
            raise UserError(f"{path}:{number}: {told}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            told = f"{where}: {first['msg']}; {_FORM}"
            raise UserError(f"{path}:{number}: {told}") from None
    return found
