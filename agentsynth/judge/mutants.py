"""Conversations changed in one way whose effect is known: what a judge and its rubric are held to.

The record is edited and no world is run. What the sorts do, and which criteria are not met after
them, stands in `core/rubric.py` and under `broken_by` in the rubrics.
"""

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import get_args

from agentsynth.core.ids import derive_seed
from agentsynth.core.labels import CriterionLabel
from agentsynth.core.lexicon import Language
from agentsynth.core.rubric import MutantSort, Rubric
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.transcript import Transcript
from agentsynth.core.verdict import Verdict
from agentsynth.judge import mutant_deeds as deeds
from agentsynth.judge import mutant_sayings as sayings
from agentsynth.judge.mutant_deeds import Changed, Making
from agentsynth.judge.mutant_words import words_of
from agentsynth.judge.record_edits import (
    Draft,
    of_trajectory,
    of_transcript,
    to_trajectory,
    to_transcript,
)

__all__ = [
    "HARMLESS",
    "SORTS",
    "Mutant",
    "TranscriptMutant",
    "labels_of",
    "labels_of_original",
    "mutants_of",
    "mutate",
    "mutate_transcript",
]

SORTS: tuple[MutantSort, ...] = get_args(MutantSort)
HARMLESS: tuple[MutantSort, ...] = ("reordered_calls", "renamed_ids")
"""Sorts that change nothing that counts."""

_MAKERS: Mapping[MutantSort, Callable[[Making], Changed | None]] = {
    "dropped_confirmation": deeds.dropped_confirmation,
    "swapped_argument": deeds.swapped_argument,
    "fabricated_result": sayings.fabricated_result,
    "wrong_final_number": sayings.wrong_final_number,
    "unbacked_claim": deeds.unbacked_claim,
    "dropped_report": deeds.dropped_report,
    "repeated_question": sayings.repeated_question,
    "padding": sayings.padding,
    "opening_praise": sayings.opening_praise,
    "self_praise": sayings.self_praise,
    "appeal_to_judge": sayings.appeal_to_judge,
    "reordered_calls": deeds.reordered_calls,
    "renamed_ids": deeds.renamed_ids,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A trajectory changed in one way."""

    trajectory: Trajectory
    """As it is after the change."""
    sort: MutantSort
    message: int
    """Index of the message that was changed or added, or that follows what was taken out."""
    original: str
    """Id of the trajectory it was made from."""


@dataclass(frozen=True, slots=True)
class TranscriptMutant:
    """A bare transcript changed in one way."""

    transcript: Transcript
    sort: MutantSort
    message: int
    """As `Mutant.message`."""
    original: str
    """Id of the transcript it was made from."""


def mutate(
    trajectory: Trajectory,
    sort: MutantSort,
    *,
    seed: int,
    writes: Collection[str] = (),
    language: Language = "en",
) -> Mutant | None:
    """Return a mutant of a trajectory; None where it gives none of this sort.

    Args:
        seed: draws what is changed, where, and in which words.
        writes: tools whose calls need a yes first. Where the record does not say what a call
            changed, these are also taken for the calls that change something.
        language: of the words that are added.
    """
    changed = _changed(of_trajectory(trajectory), sort, seed, writes, language)
    if changed is None:
        return None
    made = to_trajectory(changed.draft, trajectory)
    return Mutant(made, sort, changed.message, trajectory.id) if made != trajectory else None


def mutate_transcript(
    transcript: Transcript,
    sort: MutantSort,
    *,
    seed: int,
    writes: Collection[str] = (),
    language: Language = "en",
) -> TranscriptMutant | None:
    """Return a mutant of a bare transcript, as `mutate` does of a trajectory."""
    changed = _changed(of_transcript(transcript), sort, seed, writes, language)
    if changed is None:
        return None
    made = to_transcript(changed.draft, transcript)
    return TranscriptMutant(made, sort, changed.message, transcript.id)


def _changed(
    draft: Draft, sort: MutantSort, seed: int, writes: Collection[str], language: Language
) -> Changed | None:
    rng = random.Random(derive_seed(seed, sort))
    return _MAKERS[sort](Making(draft, rng, frozenset(writes), words_of(language)))


def mutants_of(
    trajectory: Trajectory,
    rubric: Rubric,
    *,
    seed: int,
    writes: Collection[str] = (),
    language: Language = "en",
) -> list[Mutant]:
    """Return a mutant of each sort that breaks a criterion of the rubric, and the harmless ones.

    Sorts that this conversation gives no mutant of are left out. Arguments as in `mutate`.
    """
    wanted = {sort for one in rubric.criteria for sort in one.broken_by} | set(HARMLESS)
    made = (
        mutate(trajectory, sort, seed=seed, writes=writes, language=language)
        for sort in SORTS
        if sort in wanted
    )
    return [mutant for mutant in made if mutant is not None]


def labels_of(
    mutant: Mutant, rubric: Rubric, *, met: Collection[str] | None = None
) -> tuple[CriterionLabel, ...]:
    """Return what is known of a mutant by what was done to it.

    Args:
        met: the criteria that the original is known to meet. Those alone are labelled, and after a
            harmless change they are still met. None = the original meets all that the sort breaks.
    """
    labels: list[CriterionLabel] = []
    for criterion in rubric.criteria:
        broken = mutant.sort in criterion.broken_by
        known = broken if met is None else criterion.name in met
        if known and (broken or mutant.sort in HARMLESS):
            labels.append(
                CriterionLabel(
                    subject=mutant.trajectory.id,
                    criterion=criterion.name,
                    truth="not_met" if broken else "met",
                    by="mutant",
                    who=mutant.sort,
                    group=mutant.original,
                )
            )
    return tuple(labels)


def labels_of_original(verdict: Verdict, rubric: Rubric) -> tuple[CriterionLabel, ...]:
    """Return what the checks show of a conversation before it is changed, questions included.

    A check says itself that a criterion is met. A question counts as met where each of the sorts
    that break it also breaks a check of the rubric which applied and was met: with those defects
    the checks would have seen it, and no others are known to break it. What no check sees (padding,
    praise) is left to people.

    Args:
        verdict: of the checks, on the original.
    """
    passed = {outcome.criterion for outcome in verdict.outcomes if outcome.outcome == "met"}
    guards: dict[MutantSort, list[str]] = {}
    for criterion in rubric.criteria:
        if criterion.check is not None and criterion.name in passed:
            for sort in criterion.broken_by:
                guards.setdefault(sort, []).append(criterion.name)
    labels: list[CriterionLabel] = []
    for criterion in rubric.criteria:
        if criterion.check is not None:
            shown = [criterion.name] if criterion.name in passed else []
        elif criterion.broken_by and all(sort in guards for sort in criterion.broken_by):
            shown = sorted({name for sort in criterion.broken_by for name in guards[sort]})
        else:
            shown = []
        if shown:
            labels.append(
                CriterionLabel(
                    subject=verdict.trajectory_id,
                    criterion=criterion.name,
                    truth="met",
                    by="check",
                    who=" ".join(shown),
                    group=verdict.trajectory_id,
                )
            )
    return tuple(labels)
