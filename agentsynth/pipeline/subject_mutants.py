"""Mutants of conversations that are judged: further subjects, whose labels are known."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agentsynth.core.ids import derive_seed
from agentsynth.core.labels import CriterionLabel
from agentsynth.core.lexicon import Language
from agentsynth.core.messages import ToolMessage, UserMessage
from agentsynth.core.rubric import HARMLESS_SORTS, MutantSort
from agentsynth.core.transcript import Transcript
from agentsynth.judge.mutants import mutate_transcript
from agentsynth.pipeline.judging import PRESSURES
from agentsynth.pipeline.subjects import Subject

__all__ = ["with_mutants"]


def with_mutants(subjects: Sequence[Subject], *, share: float, seed: int) -> list[Subject]:
    """Return the subjects, each followed by a mutant for every sort that its rubric can tell.

    A conversation that has mutants is taken to be sound where they are broken, unless a label says
    otherwise: that can make a judge seem worse than it is, never better.

    Args:
        share: of the subjects that get mutants.
        seed: draws which, and how they are changed.
    """
    found: list[Subject] = []
    for subject in subjects:
        rng = random.Random(derive_seed(seed, "mutants", subject.id))
        made = list(_mutants(subject, rng)) if rng.random() < share else []
        found.append(replace(subject, labels=(*subject.labels, *_sound(subject, made))))
        found += made
    return found


def _mutants(subject: Subject, rng: random.Random) -> Iterator[Subject]:
    questions = [one for one in subject.rubric.criteria if one.question is not None]
    told: set[MutantSort] = {sort for one in questions for sort in one.broken_by}
    ordered: list[MutantSort] = [*(told - HARMLESS_SORTS)]
    ordered.sort()
    for sort in ordered:
        changed = _changed(subject.transcript, sort, rng)
        if changed is None:
            continue
        pressure = rng.choice(PRESSURES)
        pressed = None
        if pressure and pressure != sort:
            pressed = _changed(changed, pressure, rng)
        condition = pressure if pressed is not None else ""
        transcript = changed if pressed is None else pressed
        broken = [one.name for one in questions if {sort, condition} & set(one.broken_by)]
        yield Subject(
            id=transcript.id,
            source=subject.source,
            transcript=transcript,
            rubric=subject.rubric,
            checks=None,
            labels=tuple(
                CriterionLabel(
                    subject=transcript.id,
                    criterion=name,
                    truth="not_met",
                    by="mutant",
                    who=sort,
                    condition=condition,
                    group=subject.group or subject.id,
                )
                for name in broken
            ),
            group=subject.group or subject.id,
        )


def _changed(transcript: Transcript, sort: MutantSort, rng: random.Random) -> Transcript | None:
    made = mutate_transcript(
        transcript,
        sort,
        seed=rng.randrange(2**32),
        writes=_writes(transcript),
        language=_language(transcript),
    )
    return None if made is None else made.transcript


def _writes(transcript: Transcript) -> frozenset[str]:
    """Return the tools that changed something in a conversation, as far as that is known."""
    results = [m for m in transcript.messages if isinstance(m, ToolMessage)]
    changed = zip(results, transcript.changes or (), strict=False)
    return frozenset(message.name for message, changes in changed if changes)


def _language(transcript: Transcript) -> Language:
    """Return what the user speaks."""
    said = "".join(m.content for m in transcript.messages if isinstance(m, UserMessage))
    return "zh" if re.search(r"[\u4e00-\u9fff]", said) else "en"


def _sound(subject: Subject, made: Sequence[Subject]) -> Iterator[CriterionLabel]:
    """Yield a label for each question that mutants break and that has none of its own."""
    own = {label.criterion for label in subject.labels}
    broken = {label.criterion for one in made for label in one.labels}
    for name in sorted(broken - own):
        yield CriterionLabel(
            subject=subject.id,
            criterion=name,
            truth="met",
            by="check",
            who="taken to be sound",
            group=subject.group or subject.id,
        )
