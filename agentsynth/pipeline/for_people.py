"""The questions of a run that are left to people: a file to fill in, and to calibrate with."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from agentsynth.pipeline.settling import Settling
from agentsynth.pipeline.store import Item

__all__ = ["FOR_PEOPLE", "lines_for_people", "with_answers"]

FOR_PEOPLE = "to_people.jsonl"
"""Beside a run's store. Each line lacks a `truth` to be a label that `judge calibrate` reads."""


def with_answers(path: Path, lines: Sequence[str]) -> list[str]:
    """Return the lines, those that a person has filled in as they are in the file already there.

    Answers to what is asked no more are kept as well, at the end.
    """
    answered: dict[tuple[str, str], str] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            value = json.loads(line)
        except ValueError:
            continue  # half a line of an editor's; `judge calibrate` names it
        if isinstance(value, dict) and value.get("truth") is not None:
            answered[value.get("subject", ""), value.get("criterion", "")] = line + "\n"
    merged: list[str] = []
    for line in lines:
        value = json.loads(line)
        merged.append(answered.pop((value["subject"], value["criterion"]), line))
    return [*merged, *answered.values()]


def lines_for_people(item: Item, settling: Settling) -> Iterator[str]:
    """Yield a line for each question about a row that a person has to answer.

    It has the question and its choices, and not what the judge said: whoever answers is to read the
    conversation, not the judge.
    """
    criteria = {criterion.name: criterion for criterion in settling.rubric.criteria}
    for name in settling.for_people(item):
        line = {
            "subject": item.trajectory_id,
            "criterion": name,
            "truth": None,
            "by": "person",
            "who": "",
            "note": "",
            "question": criteria[name].question,
            "choices": list(criteria[name].choices),
        }
        yield json.dumps(line, ensure_ascii=False) + "\n"
