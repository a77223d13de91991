"""A report for people and for CI: lines, Markdown, JUnit XML. The same report, the same bytes."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from agentsynth.golden.measure import OVERALL_FIGURES
from agentsynth.golden.report import Change, GateResult, GoldenReport, GoldenResult

__all__ = ["change_lines", "junit", "lines", "markdown"]

_WORDS = {"passed": "PASS", "failed": "FAIL", "inconclusive": "INCONCLUSIVE",
          "missing": "MISSING", "backend_error": "ERROR", "config_error": "ERROR"}  # fmt: skip
_MARKS = {"passed": "ok", "failed": "FAIL", "inconclusive": "?"}


def verdict_line(report: GoldenReport) -> str:
    """Return the one verdict with its rule."""
    return f"{_WORDS[report.status]} (exit {report.exit_code}): {report.rule}"


def lines(report: GoldenReport) -> list[str]:
    """Return the report for a terminal; the verdict is the last line."""
    counts = report.counts
    found = [
        f"{counts.get('goldens', 0)} goldens, {counts.get('right', 0)} verdicts right, "
        f"{counts.get('wrong', 0)} wrong, {counts.get('without_verdict', 0)} without; judge: "
        f"{report.judge or 'nobody'}; {counts.get('questions', 0)} answers wanted, "
        f"{counts.get('live_calls', 0)} requests made"
    ]
    found += [f"  {_MARKS[gate.status]:4} {gate.name}: {gate.rule}" for gate in report.gates]
    found += [f"missing: {one.told}" for one in report.missing]
    found += [f"not done: {one}" for one in report.undone]
    found += [f"error: {one}" for one in report.errors]
    found += change_lines(report.changes, report.causes)
    found += [f"note: {one}" for one in report.notes]
    return [*found, verdict_line(report)]


def change_lines(changes: Sequence[Change], causes: Sequence[str]) -> list[str]:
    """Return what differs from the lock, both reasons side by side, and what lies underneath."""
    found = [f"{c.kind}: {c.golden}/{c.criterion}: {_beside(c)}" for c in _ordered(changes)]
    return found + [f"changed underneath: {cause}" for cause in causes]


def _beside(change: Change) -> str:
    if not change.before or not change.after:
        return change.after or change.before
    return f"{change.before}  ->  {change.after}"


def _ordered(changes: Sequence[Change]) -> list[Change]:
    order = ("regressed", "flipped", "fixed", "new", "gone")
    return sorted(changes, key=lambda c: order.index(c.kind))


def markdown(report: GoldenReport) -> str:
    """Return a summary for a pull request."""
    parts = [f"## Goldens: {_WORDS[report.status]}", "", f"{_md(verdict_line(report))}", ""]
    if report.missing:
        parts += ["### Missing answers", "", *(f"- {_md(m.told)}" for m in report.missing), ""]
    if report.gates:
        parts += ["| gate | | rule |", "| --- | --- | --- |"]
        parts += [f"| {_md(g.name)} | {_MARKS[g.status]} | {_md(g.rule)} |" for g in report.gates]
        parts.append("")
    if report.changes:
        parts += ["### Against golden.lock", "", "| | golden | criterion | before | after |"]
        parts += ["| --- | --- | --- | --- | --- |"]
        parts += [
            "| " + " | ".join(map(_md, (c.kind, c.golden, c.criterion, c.before, c.after))) + " |"
            for c in _ordered(report.changes)
        ]
        parts.append("")
    if report.causes:
        parts += ["Changed underneath:", "", *(f"- {_md(c)}" for c in report.causes), ""]
    parts += _figures(report)
    rest = [*report.undone, *report.errors, *report.notes]
    parts += [f"- {_md(one)}" for one in rest]
    return "\n".join(parts).rstrip() + "\n"


def _figures(report: GoldenReport) -> Iterator[str]:
    yield "<details><summary>Figures</summary>"
    yield ""
    yield "| criterion | cases | defects | agreement | kappa | AUROC | false accepts |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, figure in sorted(report.figures.items(), key=lambda i: (i[0] != OVERALL_FIGURES, i)):
        shown = [
            f"{f.value:.2f} [{f.low:.2f}, {f.high:.2f}]" if f is not None else "–"
            for f in (
                figure.figures.get(m) for m in ("agreement", "kappa", "auroc", "false_accept")
            )
        ]
        yield f"| {_md(name)} | {figure.cases} | {figure.defects} | {' | '.join(shown)} |"
    yield ""
    yield "</details>"
    yield ""


def _md(text: str) -> str:
    flat = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return flat if len(flat) <= 400 else flat[:399] + "…"


def junit(report: GoldenReport) -> str:
    """Return JUnit XML: a case for each gate, and for each golden with each of its criteria.

    A case of a golden fails only where a gate that failed names it, so the file never says
    otherwise than the verdict does.
    """
    suites = [_gate_suite(report), *(_golden_suite(report, one) for one in report.results)]
    body = "\n".join(suites)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="golden">\n'
        f"{body}\n</testsuites>\n"
    )


def _suite(name: str, cases: Sequence[str]) -> str:
    counts = {
        "tests": len(cases),
        "failures": sum("<failure" in case for case in cases),
        "errors": sum("<error" in case for case in cases),
        "skipped": sum("<skipped" in case for case in cases),
    }
    told = " ".join(f'{key}="{value}"' for key, value in counts.items())
    inside = "\n".join(cases)
    return f"<testsuite name={_attribute(name)} {told}>\n{inside}\n</testsuite>"


def _gate_suite(report: GoldenReport) -> str:
    cases = [_gate_case(gate) for gate in report.gates]
    cases += [
        _case(
            "golden.answers", f"{one.why}: {one.told}", f"<error message={_attribute(one.told)}/>"
        )
        for one in report.missing
    ]
    cases += [
        _case("golden.backend", line, f"<error message={_attribute(line)}/>")
        for line in report.errors
    ]
    cases += [_case("golden.undone", line, "<skipped/>") for line in report.undone]
    return _suite("gates", cases)


def _gate_case(gate: GateResult) -> str:
    inside = ""
    if gate.status == "failed":
        inside = f"<failure message={_attribute(gate.rule)}>{_text(' '.join(gate.cases))}</failure>"
    elif gate.status == "inconclusive":
        inside = f"<skipped message={_attribute('inconclusive: ' + gate.rule)}/>"
    return _case("golden.gates", gate.name, inside)


def _golden_suite(report: GoldenReport, result: GoldenResult) -> str:
    culprits = report.culprits
    accepted = {True: "accepted", False: "rejected", None: "no verdict"}[result.accepted]
    properties = {
        "should_be": "accepted" if result.accept else "rejected",
        "is": accepted,
        "by": result.by,
        "reason": result.reason,
    }
    cases = [
        _golden_case(result, "accept", culprits.get(f"{result.golden}/accept"), properties, False)
    ]
    for item in result.items:
        values = {
            "outcome": item.outcome,
            "truth": item.truth or "",
            "score": "" if item.score is None else f"{item.score:g}",
            "evidence": item.evidence,
        }
        failed = culprits.get(f"{result.golden}/{item.criterion}")
        skipped = item.outcome == "unanswered"
        cases.append(_golden_case(result, item.criterion, failed, values, skipped))
    return _suite(result.golden, cases)


def _golden_case(
    result: GoldenResult,
    name: str,
    failed: Sequence[str] | None,
    properties: dict[str, str],
    skipped: bool,
) -> str:
    told = "".join(
        f"<property name={_attribute(key)} value={_attribute(value)}/>"
        for key, value in properties.items()
        if value
    )
    inside = f"<properties>{told}</properties>"
    if failed:
        inside += f"<failure message={_attribute('; '.join(failed))}/>"
    elif skipped:
        inside += f"<skipped message={_attribute(properties.get('evidence', ''))}/>"
    return _case(f"golden.{result.golden}", name, inside)


def _case(where: str, name: str, inside: str) -> str:
    return f"<testcase classname={_attribute(where)} name={_attribute(name)}>{inside}</testcase>"


def _text(text: str) -> str:
    return escape(_clean(text))


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    """Return the text without the control characters that XML has no form for."""
    return "".join(
        c for c in text if c in "\t\n\r" or (ord(c) >= 0x20 and ord(c) not in (0xFFFE, 0xFFFF))
    )
