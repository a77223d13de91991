"""`golden.lock`: what a check came to when somebody last said that it is right; and what differs.

Written by `golden update` alone.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from agentsynth.core.errors import StoreError, UserError
from agentsynth.core.frozen import Frozen
from agentsynth.core.ids import canonical_json, content_id
from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.golden.report import Change, GoldenResult, Item
from agentsynth.judge.metrics import Measured

__all__ = [
    "LOCK",
    "DomainNote",
    "Lock",
    "causes",
    "changes",
    "read_lock",
    "rubric_notes",
    "write_lock",
]

LOCK = "golden.lock"


class CriterionNote(Frozen):
    """A criterion as it was."""

    id: str
    said: str
    """The question with its choices, or the check."""


class RubricNote(Frozen):
    """A rubric as it was."""

    id: str
    criteria: dict[str, CriterionNote]


class DomainNote(Frozen):
    """A domain as it was."""

    id: str
    """`Domain.id`: tools, entities, policy."""
    words: str
    """Hash of its intents and lexicon, which checks read by."""


class LockedItem(Frozen):
    """How a criterion came out."""

    outcome: str
    why: str = ""
    """Reason code and evidence, cut."""
    right: bool | None = None
    """Whether it agreed with the label; None = there was none."""


class Lock(Frozen):
    """A `golden.lock`."""

    version: Literal[1] = 1
    engine: str
    judge: str | None = None
    """Who answered; None = nobody."""
    prompts: tuple[str, ...]
    rubrics: dict[str, RubricNote]
    domains: dict[str, DomainNote]
    goldens: dict[str, dict[str, LockedItem]] = Field(default_factory=dict)
    """By id, by criterion; `accept` = the verdict."""
    figures: dict[str, Measured] = Field(default_factory=dict)


def read_lock(path: Path) -> Lock | None:
    """Return a lock; None = there is no such file.

    Raises:
        UserError: if it cannot be read.
    """
    if not path.is_file():
        return None
    try:
        return Lock.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        first = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else None
        told = (
            str(error) if first is None else f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        )
        raise UserError(f"{path}: {told}; write it again with `agentsynth golden update`") from None


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock: sorted, so that a change of one outcome is a change of one place.

    Raises:
        StoreError: if the disk does not take it.
    """
    plain = lock.model_dump(mode="json", exclude_none=True)
    text = json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    unfinished = path.with_name(path.name + ".tmp")
    try:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        os.replace(unfinished, path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error


def rubric_notes(rubrics: Mapping[str, Rubric]) -> dict[str, RubricNote]:
    """Return rubrics as a lock keeps them."""
    return {
        name: RubricNote(id=rubric.id, criteria={c.name: _note(c) for c in rubric.criteria})
        for name, rubric in rubrics.items()
    }


def _note(criterion: Criterion) -> CriterionNote:
    if criterion.question is None:
        plain = criterion.model_dump(mode="json", include={"check", "kinds", "weight", "required"})
        return CriterionNote(id=content_id(plain), said=canonical_json(plain["check"]))
    said = " ".join(criterion.question.split()) + f" ({' | '.join(criterion.choices)})"
    if criterion.applies:
        said += f" where {criterion.applies}"
    weighs = [criterion.question_id, criterion.weight, list(criterion.kinds)]
    return CriterionNote(id=content_id(weighs), said=said)


def locked(results: Sequence[GoldenResult]) -> dict[str, dict[str, LockedItem]]:
    """Return results as a lock keeps them."""
    return {r.golden: dict(_items(r)) for r in results}


def _items(result: GoldenResult) -> Iterator[tuple[str, LockedItem]]:
    word = {True: "accepted", False: "rejected", None: "no verdict"}[result.accepted]
    yield "accept", LockedItem(outcome=word, why=result.reason[:200], right=result.right)
    for item in result.items:
        yield item.criterion, LockedItem(outcome=item.outcome, why=_why(item), right=item.agrees)


def _why(item: Item) -> str:
    return ": ".join(part for part in (item.code or "", item.evidence) if part)[:200]


def changes(
    lock: Lock, results: Sequence[GoldenResult], *, partial: bool, open_: frozenset[str]
) -> tuple[Change, ...]:
    """Return what differs from a lock, golden by golden.

    Args:
        partial: only some of the goldens were looked at, so that none is gone.
        open_: goldens whose answers are missing or were not asked for: what is unanswered there
            is no change.
    """
    found: list[Change] = []
    now = locked(results)
    for golden in sorted({*now, *lock.goldens}):
        if golden not in now:
            if not partial:
                was = _told(lock.goldens[golden].get("accept"))
                found.append(
                    Change(kind="gone", golden=golden, criterion="accept", before=was, after="")
                )
        elif golden not in lock.goldens:
            after = _told(now[golden]["accept"])
            found.append(
                Change(kind="new", golden=golden, criterion="accept", before="", after=after)
            )
        else:
            found += _differences(golden, lock.goldens[golden], now[golden], golden in open_)
    return tuple(found)


def _differences(
    golden: str, before: Mapping[str, LockedItem], now: Mapping[str, LockedItem], is_open: bool
) -> Iterator[Change]:
    for name in (*now, *(n for n in before if n not in now)):
        was, is_ = before.get(name), now.get(name)
        if was is not None and is_ is not None and was.outcome == is_.outcome:
            continue
        if is_open and is_ is not None and (name == "accept" or is_.outcome == "unanswered"):
            continue
        yield Change(
            kind=_kind(was, is_), golden=golden, criterion=name, before=_told(was), after=_told(is_)
        )


def _kind(
    was: LockedItem | None, is_: LockedItem | None
) -> Literal["fixed", "regressed", "flipped", "new", "gone"]:
    if was is None:
        return "new"
    if is_ is None:
        return "gone"
    if is_.right is True and was.right is not True:
        return "fixed"
    if was.right is True and is_.right is not True:
        return "regressed"
    return "flipped"


def _told(item: LockedItem | None) -> str:
    if item is None:
        return ""
    return f"{item.outcome} ({item.why})" if item.why else item.outcome


def causes(lock: Lock, now: Lock) -> tuple[str, ...]:
    """Return what changed underneath since a lock: rubrics, domains, prompts, judge."""
    found: list[str] = []
    for name, rubric in sorted(now.rubrics.items()):
        before = lock.rubrics.get(name)
        if before is not None and before.id != rubric.id:
            found += _reworded(name, before, rubric)
    for name, domain in sorted(now.domains.items()):
        old = lock.domains.get(name)
        if old is not None and old.id != domain.id:
            found.append(f"domain {name}: it was {old.id} and is {domain.id}")
        elif old is not None and old.words != domain.words:
            found.append(f"domain {name}: its intents or words changed")
    if lock.prompts != now.prompts:
        found.append(f"the judge's prompts were {', '.join(lock.prompts)} and are "
                     f"{', '.join(now.prompts)}")  # fmt: skip
    if lock.judge != now.judge:
        found.append(f"the judge was {lock.judge or 'nobody'} and is {now.judge or 'nobody'}")
    if lock.engine != now.engine:
        found.append(f"agentsynth was {lock.engine} and is {now.engine}")
    return tuple(found)


def _reworded(name: str, before: RubricNote, now: RubricNote) -> Iterator[str]:
    for criterion in (*now.criteria, *(c for c in before.criteria if c not in now.criteria)):
        was, is_ = before.criteria.get(criterion), now.criteria.get(criterion)
        if was is None:
            yield f"rubric {name}: criterion {criterion} is new"
        elif is_ is None:
            yield f"rubric {name}: criterion {criterion} is gone"
        elif was.said != is_.said:
            yield f"rubric {name}: criterion {criterion} was {was.said!r} and is {is_.said!r}"
        elif was.id != is_.id:
            yield f"rubric {name}: criterion {criterion} has another weight or scope"
