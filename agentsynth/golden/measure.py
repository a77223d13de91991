"""Figures of a check and the gates over them."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from agentsynth.core.ids import derive_seed
from agentsynth.golden.gates import CriterionGates, Gates
from agentsynth.golden.report import Change, GateResult, GoldenResult, Item
from agentsynth.judge.metrics import Case, Interval, Measure, Measured, measured

__all__ = ["OVERALL_FIGURES", "figures_of", "gates_of"]

OVERALL_FIGURES = "overall"
"""Stands in the place of a criterion for the verdict on the whole conversation."""

_Cell = tuple[GoldenResult, Item]


def figures_of(
    results: Sequence[GoldenResult], *, seed: int, checks: Collection[str] = ()
) -> dict[str, Measured]:
    """Return the figures of every labelled question that was put to anybody, and overall.

    A defect is the positive class. Agreement, kappa and false accepts are of the outcome; AUROC is
    of the graded answer.

    Args:
        seed: draws the resamples.
        checks: checks that are measured as well; resampling the others only takes time.
    """
    by_criterion = {
        name: cells
        for name, cells in _labelled(results).items()
        if name in checks or any(item.kind == "question" for _, item in cells)
    }
    figures: dict[str, Measured] = {}
    for name, cells in sorted(by_criterion.items()):
        drawn = derive_seed("golden figures", seed, name)
        plain = measured((_case(r, i) for r, i in cells), threshold=0.5, seed=drawn)
        if any(i.score not in (None, 0.0, 1.0) for _, i in cells):
            fine = measured((_case(r, i, fine=True) for r, i in cells), threshold=0.5, seed=drawn)
            area = {k: v for k, v in fine.figures.items() if k == "auroc"}
            plain = plain.model_copy(update={"figures": {**plain.figures, **area}})
        figures[name] = plain
    cases = [Case(not r.accept, _whole(r.accepted), r.group) for r in results]
    drawn = derive_seed("golden figures", seed, OVERALL_FIGURES, "all")
    figures[OVERALL_FIGURES] = measured(cases, threshold=0.5, seed=drawn)
    return figures


def _labelled(results: Sequence[GoldenResult]) -> dict[str, list[_Cell]]:
    found: dict[str, list[_Cell]] = {}
    for result in results:
        for item in result.items:
            if item.truth is not None:
                found.setdefault(item.criterion, []).append((result, item))
    return {
        name: cells
        for name, cells in found.items()
        if any(item.outcome != "unanswered" or item.unreadable for _, item in cells)
    }


def _whole(accepted: bool | None) -> float | None:
    return None if accepted is None else float(accepted)


def _case(result: GoldenResult, item: Item, *, fine: bool = False) -> Case:
    said = {"met": 1.0, "not_applicable": 1.0, "not_met": 0.0}.get(item.outcome)
    if fine and said is not None and item.score is not None:
        said = item.score
    return Case(item.truth == "not_met", said, result.group)


def gates_of(
    gates: Gates,
    results: Sequence[GoldenResult],
    figures: Mapping[str, Measured],
    changes: Sequence[Change] | None,
) -> tuple[GateResult, ...]:
    """Return what came of every gate, in a stable order.

    Args:
        changes: what differs from the lock; None = there is no lock.
    """
    found = [_played(results)]
    if gates.must_pass:
        found.append(_must_pass(results, labels=gates.must_pass is True))
    labelled = _labelled(results)
    plain = Gates(least_cases=gates.least_cases)
    for name, cells in sorted(labelled.items()):
        own = gates.criteria.get(name, CriterionGates())
        asked = any(item.kind == "question" for _, item in cells)
        if name in figures:
            found += _criterion(name, cells, figures[name], gates if asked else plain, own)
    if gates.checks is not None:
        found.append(_checks(labelled, gates.checks))
    found += _overall(results, figures[OVERALL_FIGURES], gates)
    if gates.samples is not None:
        found.append(_samples(labelled, gates.samples))
    if gates.parse_failures is not None:
        found.append(_parse_failures(results, gates.parse_failures))
    if gates.mutants_killed is not None:
        found.append(_mutants(results, gates.mutants_killed, gates.least_cases))
    if gates.flips is not None:
        found.append(_flips(changes, gates.flips))
    return tuple(found)


def _played(results: Sequence[GoldenResult]) -> GateResult:
    broken = [r for r in results if r.broken is not None]
    told = "; ".join(f"{r.golden}: {r.broken}" for r in broken[:5]) or "all could be played again"
    return _exact("plays_again", not broken, told, [f"{r.golden}/accept" for r in broken])


def _exact(name: str, holds: bool, rule: str, cases: Sequence[str] = ()) -> GateResult:
    status = "passed" if holds else "failed"
    return GateResult(name=name, status=status, rule=rule, cases=tuple(cases))


def _must_pass(results: Sequence[GoldenResult], *, labels: bool) -> GateResult:
    musts = [r for r in results if r.must_pass]
    wrong = [f"{r.golden}/accept" for r in musts if r.right is False]
    if labels:
        wrong += [f"{r.golden}/{i.criterion}" for r in musts for i in r.items if i.agrees is False]
    open_ = [f"{r.golden}/accept" for r in musts if r.right is None and r.broken is None]
    if not wrong and open_:
        rule = f"{len(open_)} of {len(musts)} must-pass goldens have no verdict"
        return GateResult(name="must_pass", status="inconclusive", rule=rule, cases=tuple(open_))
    rule = f"{len(musts)} goldens must pass"
    if wrong:
        rule += f"; wrong: {_few(wrong)}"
    return _exact("must_pass", not wrong, rule, wrong)


_FLOORS: tuple[Measure, ...] = ("agreement", "kappa", "auroc")


def _criterion(
    name: str, cells: Sequence[_Cell], figure: Measured, gates: Gates, own: CriterionGates
) -> Iterator[GateResult]:
    given = own.model_fields_set
    least = own.least_cases or gates.least_cases
    wrong = [f"{r.golden}/{name}" for r, i in cells if i.agrees is False]
    passed = [f"{r.golden}/{name}" for r, i in cells if i.agrees is False and i.truth == "not_met"]
    for measure in _FLOORS:
        floor = getattr(own if measure in given else gates, measure)
        if floor is not None:
            cases = figure.cases - figure.unanswered
            yield _floor(f"{measure}[{name}]", figure, measure, floor, (cases, least), wrong)
    ceiling = own.false_accept if "false_accept" in given else gates.false_accept
    if ceiling is not None:
        yield _ceiling(f"false_accept[{name}]", figure, ceiling, least, passed)


def _overall(
    results: Sequence[GoldenResult], figure: Measured, gates: Gates
) -> Iterator[GateResult]:
    wrong = [f"{r.golden}/accept" for r in results if r.right is False]
    if gates.overall_agreement is not None:
        cases = (figure.cases - figure.unanswered, gates.least_cases)
        floor = gates.overall_agreement
        yield _floor("agreement", figure, "agreement", floor, cases, wrong)
    if gates.overall_false_accept is not None:
        let = [f"{r.golden}/accept" for r in results if r.right is False and not r.accept]
        yield _ceiling("false_accept", figure, gates.overall_false_accept, gates.least_cases, let)


def _floor(
    name: str,
    figure: Measured,
    measure: Measure,
    floor: float,
    cases: tuple[int, int],
    wrong: Sequence[str],
) -> GateResult:
    found = figure.figures.get(measure)
    count, least = cases
    if found is None:
        rule = f"{measure} is not defined over {count} answered cases"
        return GateResult(name=name, status="inconclusive", rule=rule)
    rule = f"{measure} {_shown(found)} over {count} cases; the lower end must reach {floor:g}"
    if count < least and found.value >= floor:
        return _too_few(name, rule, least, "cases")
    if found.low < floor <= found.value and not wrong:
        return _unproved(name, rule)
    return _exact(name, found.low >= floor, rule, wrong)


def _ceiling(
    name: str, figure: Measured, ceiling: float, least: int, passed: Sequence[str]
) -> GateResult:
    found = figure.figures.get("false_accept")
    if found is None:
        return GateResult(name=name, status="inconclusive", rule="no defect among the labels")
    rule = (
        f"false accepts {_shown(found)} over {figure.defects} defects; the upper end must not "
        f"pass {ceiling:g}"
    )
    if figure.defects < least and found.value <= ceiling:
        return _too_few(name, rule, least, "defects")
    if found.high > ceiling and not found.value:
        return _unproved(name, rule)
    return _exact(name, found.high <= ceiling, rule, passed)


def _unproved(name: str, rule: str) -> GateResult:
    """Return what comes of a gate where nothing is wrong and too little is known to say so."""
    return GateResult(name=name, status="inconclusive", rule=f"{rule}; nothing is wrong so far")


def _too_few(name: str, rule: str, least: int, what: str) -> GateResult:
    told = f"{rule}; fewer than {least} {what}"
    return GateResult(name=name, status="inconclusive", rule=told)


def _shown(figure: Interval) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _checks(labelled: Mapping[str, Sequence[_Cell]], most: int) -> GateResult:
    cells = [(r, i) for cells in labelled.values() for r, i in cells if i.kind == "check"]
    wrong = sorted(f"{r.golden}/{i.criterion}" for r, i in cells if i.agrees is False)
    rule = f"{len(wrong)} of {len(cells)} outcomes of checks differ from their labels; at most "
    rule += f"{most} may" + (f": {_few(wrong)}" if wrong else "")
    return _exact("checks", len(wrong) <= most, rule, wrong)


def _samples(labelled: Mapping[str, Sequence[_Cell]], least: int) -> GateResult:
    cells = [(r, i) for c in labelled.values() for r, i in c if i.ballots or i.unreadable]
    short = [f"{r.golden}/{i.criterion}" for r, i in cells if i.agreeing < least]
    rule = f"{least} of the answers of each case agree with its label"
    rule += f"; fewer in {len(short)} of {len(cells)}: {_few(short)}" if short else ""
    return _exact("samples", not short, rule, sorted(short))


def _parse_failures(results: Sequence[GoldenResult], most: int) -> GateResult:
    bad = [(f"{r.golden}/{i.criterion}", i.unreadable) for r in results for i in r.items]
    count = sum(unreadable for _, unreadable in bad)
    rule = f"{count} answers cannot be read; at most {most} may"
    return _exact("parse_failures", count <= most, rule, [case for case, n in bad if n])


def _mutants(results: Sequence[GoldenResult], least_share: float, least: int) -> GateResult:
    judged = [(r, _alive(r)) for r in results if r.flips]
    known = [(r, alive) for r, alive in judged if alive is not None]
    if not known:
        rule = "no mutant with flips was judged"
        return GateResult(name="mutants_killed", status="inconclusive", rule=rule)
    alive = [case for _, cases in known for case in cases]
    share = sum(not cases for _, cases in known) / len(known)
    rule = f"{share:.3f} of {len(known)} mutants are killed; at least {least_share:g} must be"
    if len(known) < least and share >= least_share:
        return _too_few("mutants_killed", rule, least, "mutants")
    return _exact("mutants_killed", share >= least_share, rule, alive)


def _alive(result: GoldenResult) -> list[str] | None:
    """Return the flips that were not seen; None = one of them was not judged."""
    items = {item.criterion: item for item in result.items}
    flips = [items[name] for name in result.flips if name in items]
    if not flips or any(item.agrees is None for item in flips):
        return None
    return [f"{result.golden}/{item.criterion}" for item in flips if not item.agrees]


def _flips(changes: Sequence[Change] | None, most: int) -> GateResult:
    if changes is None:
        rule = "there is no golden.lock; `agentsynth golden update` writes it"
        return GateResult(name="flips", status="inconclusive", rule=rule)
    turned = [c for c in changes if c.kind in ("regressed", "flipped")]
    rule = f"{len(turned)} outcomes differ from golden.lock for no better; at most {most} may"
    cases = [f"{c.golden}/{c.criterion}" for c in turned]
    return _exact("flips", len(turned) <= most, rule, cases)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
