"""What a check of goldens finds, as values: items, figures, gates, the verdict."""

from typing import Literal

from pydantic import Field

from agentsynth.core.frozen import Frozen
from agentsynth.core.labels import Truth
from agentsynth.core.verdict import OutcomeValue, ReasonCode
from agentsynth.judge.metrics import Measured

__all__ = [
    "EXITS",
    "By",
    "Change",
    "GateResult",
    "GoldenReport",
    "GoldenResult",
    "Item",
    "Miss",
    "Status",
    "exit_of",
]

By = Literal["checks", "checks and questions", "questions", "nothing"]
"""What decided a verdict."""

Status = Literal["passed", "failed", "config_error", "missing", "inconclusive", "backend_error"]

EXITS: dict[Status, int] = {
    "passed": 0, "failed": 1, "config_error": 2, "missing": 3, "inconclusive": 4,
    "backend_error": 5,
}  # fmt: skip
"""The exit code of each verdict."""


class Item(Frozen):
    """One criterion of one golden."""

    criterion: str
    kind: Literal["check", "question"]
    outcome: OutcomeValue
    code: ReasonCode | None = None
    evidence: str = ""
    truth: Truth | None = None
    """The label; None = nobody said."""
    agrees: bool | None = None
    """Whether outcome and label agree on there being a defect; None = one of them is not there."""
    score: float | None = None
    """The graded answer, 0 to 1, or 0 and 1 for a check; None = no answer, or not applicable."""
    ballots: int = 0
    """Answers of judges that could be read."""
    agreeing: int = 0
    """Of these, those that agree with the label."""
    unreadable: int = 0
    """Answers that could not be read."""
    note: str = ""
    """What the label says is why."""


class GoldenResult(Frozen):
    """One golden."""

    golden: str
    domain: str | None
    accept: bool
    """What is true."""
    accepted: bool | None
    """What came out; None = nothing decided it."""
    by: By
    reason: str
    """Why it is not accepted: a reason code and its evidence; "" = it is."""
    must_pass: bool
    items: tuple[Item, ...]
    broken: str | None = None
    """Why it could not be played again; None = it could, or need not."""
    group: str
    """Id of the golden it goes back to: mutants of one are not independent."""
    flips: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def right(self) -> bool | None:
        """Whether the verdict is the true one; None = there is none."""
        return None if self.accepted is None else self.accepted == self.accept


class GateResult(Frozen):
    """One gate."""

    name: str
    """`agreement[claims_backed]`, `must_pass` …"""
    status: Literal["passed", "failed", "inconclusive"]
    rule: str
    """The rule with its figures, in words."""
    cases: tuple[str, ...] = ()
    """`golden/criterion` of the cases behind it: those to look at when it fails."""


class Miss(Frozen):
    """Answers that are not on record, for one reason."""

    why: str
    told: str
    keys: tuple[str, ...]
    goldens: tuple[str, ...]


class Change(Frozen):
    """What differs from the lock in one place."""

    kind: Literal["fixed", "regressed", "flipped", "new", "gone"]
    golden: str
    criterion: str
    """`accept` = the verdict."""
    before: str
    after: str
    """Outcome with its reason."""


class GoldenReport(Frozen):
    """What came of a check."""

    schema_version: Literal[1] = 1
    folder: str
    mode: str
    judge: str | None
    """Who answers; None = nobody."""
    status: Status
    rule: str
    """Why the verdict is what it is."""
    results: tuple[GoldenResult, ...]
    figures: dict[str, Measured]
    """By criterion, and `overall`."""
    gates: tuple[GateResult, ...]
    missing: tuple[Miss, ...] = ()
    undone: tuple[str, ...] = ()
    """What there was no time or budget for."""
    errors: tuple[str, ...] = ()
    """What back ends did not give."""
    changes: tuple[Change, ...] = ()
    """Against the lock."""
    causes: tuple[str, ...] = ()
    """What changed underneath since the lock."""
    counts: dict[str, int] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ends with this."""
        return EXITS[self.status]

    @property
    def culprits(self) -> dict[str, list[str]]:
        """`golden/criterion` to the gates it fails."""
        found: dict[str, list[str]] = {}
        for gate in self.gates:
            if gate.status == "failed":
                for case in gate.cases:
                    found.setdefault(case, []).append(f"{gate.name}: {gate.rule}")
        return found


def exit_of(
    *,
    errors: int,
    missing: int,
    gates: tuple[GateResult, ...],
    undone: int,
    strict: bool = False,
) -> tuple[Status, str]:
    """Return the one verdict and its rule. The first that holds, in this order: a back end failed,
    answers are missing, a gate failed, something is inconclusive or was not done, passed.

    Args:
        strict: what is inconclusive has failed.
    """
    failed = [gate.name for gate in gates if gate.status == "failed"]
    unsure = [gate.name for gate in gates if gate.status == "inconclusive"]
    if errors:
        return "backend_error", f"{errors} questions got no answer from the judge's back end"
    if missing:
        return "missing", f"{missing} answers are not on record"
    if failed:
        return "failed", f"{len(failed)} of {len(gates)} gates failed: {_named(failed)}"
    if unsure or undone:
        parts = [f"{len(unsure)} gates lack cases: {_named(unsure)}"] if unsure else []
        parts += [f"{undone} things were not done"] if undone else []
        return ("failed" if strict else "inconclusive"), "; ".join(parts)
    return "passed", f"all {len(gates)} gates hold"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
