"""Ten domains with one fault each, of ten kinds: checking names the fault and its line."""

import shutil
from pathlib import Path

import pytest

from agentsynth.cli.main import main
from agentsynth.core.resources import bundled

FAULTS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "an unknown field": (
        "domain.yaml",
        "    kind: read\n    parameters:\n      name:",
        "    kind: read\n    stable: true\n    parameters:\n      name:",
        ("tools.find_member.stable", "unknown field"),
    ),
    "a field that no record has": (
        "domain.yaml",
        "- require: plot.status == 'free'",
        "- require: plot.state == 'free'",
        ("tools.assign_plot.steps.3", "'state'"),
    ),
    "a read tool that writes": (
        "domain.yaml",
        "      - return: {garden: =garden.name, total: =total, plots: =plots}",
        "      - update: garden\n        key: =garden.id\n        set: {name: Elsewhere}\n"
        "      - return: {garden: =garden.name, total: =total, plots: =plots}",
        ("tools.search_plots.steps", "a read tool may not write"),
    ),
    "a guard that can never pass": (
        "domain.yaml",
        "- require: workday.status == 'planned'",
        "- require: workday.status == 'plannned'",
        ("tools.sign_up.steps.3", "plannned"),
    ),
    "steps that nothing reaches": (
        "domain.yaml",
        "      - delete: signup",
        "      - return: {done: true}\n      - delete: signup",
        ("tools.cancel_signup.steps", "return"),
    ),
    "a value of another type": (
        "domain.yaml",
        "        set: {due_back: =args.new_due_on}",
        "        set: {due_back: =member.workday_hours}",
        ("tools.extend_loan.steps", "due_back"),
    ),
    "a code that no tool gives": (
        "domain.yaml",
        "    codes: [workday_full]",
        "    codes: [workday_is_full]",
        ("policy.workday_full.codes", "workday_is_full"),
    ),
    "a plan that gives a tool what it does not take": (
        "intents.yaml",
        '- {call: get_plot, args: {garden_id: "@place.id", label: $plot_label}, as: plot}\n'
        "      - {guard: active_member",
        '- {call: get_plot, args: {garden: "@place.id", label: $plot_label}, as: plot}\n'
        "      - {guard: active_member",
        ("intents.take_plot.steps.5", "no parameter 'garden'"),
    ),
    "a report that claims nothing": (
        "lexicon.en.yaml",
        "Plot {plot_label} at the {garden} garden is yours now. Happy digging!",
        "Have fun with {plot_label} at the {garden} garden. Happy digging!",
        ("intents.take_plot.done.0", "claims"),
    ),
    "a tool that does not do what its contract promises": (
        "domain.yaml",
        "        set: {status: \"=args.condition == 'damaged' ? 'in_repair' : 'available'\", due_back: null}",
        "        set: {status: available, due_back: null}",
        ("tools.return_item", "contract broken", "in_repair"),
    ),
    "a plan without the guard that a clause needs": (
        "intents.yaml",
        '      - {guard: late_cancel, ok: "days_between(coming.as_of, workday.date) >= 2"}\n',
        "",
        ("intents.leave_workday", "late_cancel", "lacks a guard"),
    ),
}


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_checking_a_broken_domain_names_the_fault_and_its_line(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, sound, broken, expected = FAULTS[fault]
    folder = tmp_path / "broken"
    shutil.copytree(bundled("domains") / "community_garden", folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(sound) >= 1, "the garden has changed; plant the fault elsewhere"
    (folder / file).write_text(text.replace(sound, broken, 1), encoding="utf-8")
    code = main(["check-domain", str(folder), "--tasks", "2"])
    printed = capsys.readouterr()
    said = " ".join((printed.out + printed.err).split())
    assert code != 0
    for part in expected:
        assert part in said, said
    assert f"{file}:" in said
    named = said[said.index(f"{file}:") :].split(":")[1]
    near = line_of(text, sound)
    assert named.isdigit(), said
    assert abs(int(named) - near) <= 45, f"line {named} is far from {near}"
