"""The dataset card: what the rows are, how many were dropped and why, what nobody checked."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["render_card"]

_FIDELITY = (
    "\n\nFidelity of the tools at L3: {least:g} at least, {mean:g} on average, over calls that did "
    "not decide on the level."
)


def render_card(manifest: Mapping[str, Any]) -> str:
    """Return the card of an export as Markdown with the front matter dataset hubs read."""
    rows = manifest["rows"]
    funnel = manifest["funnel"]
    sections = [
        _front_matter(rows),
        "# Tool-use conversations made by agentsynth",
        _what_it_is(manifest),
        "## Rows by domain and kind\n\n" + _table(("domain", "kind", "rows"), manifest["kept_by"]),
        "## Funnel\n\n"
        f"{funnel['places']} tasks were sought, {funnel['unfilled']} places stayed empty, "
        f"{funnel['rollouts']} conversations were played (probes aside), "
        f"{funnel['kept']} are kept.\n\n"
        + _table(("reason", "conversations"), sorted(funnel["reasons"].items())),
        "## How the checks were probed\n\n"
        "Flawed assistants were played beside the honest ones, and the checks could not tell which "
        "was which. None of these conversations is in the rows.\n\n"
        + _table(("planted flaw", "played", "dropped"), manifest["probes"]),
        *_instrument(manifest),
        *_by_models(manifest),
        *_real_tools(manifest),
        *_simulated(manifest),
        *_packages(manifest),
        "## What was certified, and what was not\n\n" + _limits(manifest),
        "## Load it\n\n```python\nfrom datasets import load_dataset\n\n"
        'rows = load_dataset("json", data_files="rows.jsonl", split="train")  # >= 4.7\n```',
    ]
    return "\n\n".join(sections) + "\n"


def _front_matter(rows: int) -> str:
    size = next(
        (
            name
            for top, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
            if rows < top
        ),
        "100K<n<1M",
    )
    return (
        "---\nlanguage:\n- en\ntask_categories:\n- text-generation\ntags:\n- tool-use\n- agentic\n"
        f"- synthetic\nsize_categories:\n- {size}\n---"
    )


def _what_it_is(manifest: Mapping[str, Any]) -> str:
    drivers = ", ".join(manifest["drivers"])
    text = (
        f"{manifest['rows']} conversations of several turns between a simulated user and an "
        f"assistant that calls tools. Assistant driver: {drivers}."
    )
    if manifest["drivers"] == ["scripted"]:
        text += (
            " **This is smoke data**: the assistant is a script that demonstrates tasks, not a "
            "language model. Use it to test a pipeline, not to train a model you rely on."
        )
    return text


def _limits(manifest: Mapping[str, Any]) -> str:
    unanswered = manifest["unanswered_questions"]
    lines = [
        "- Every task was certified before it was played: its reference calls reach the target, "
        "doing nothing does not, and the target does not hold at the start.",
        "- Every kept row met all criteria of its rubric that apply and that a check decides.",
        f"- The calls of {manifest['replayable_rows']} of {manifest['rows']} rows were executed "
        "again in a fresh world and gave the same results and the same final state.",
        "- Planner, certificate and checks share one semantics of the declarative worlds; "
        "rows of `live/` domains come from a really running server.",
        f"- Questions for a judge that nobody answered: {unanswered} ({_why(manifest)}; they are "
        "outside the score).",
        "- Tool levels: "
        + ", ".join(f"{name}: {n} rows" for name, n in manifest["tool_levels"].items())
        + ".",
        "- Licences of the tools' specifications: " + ", ".join(manifest["tool_licences"]) + ".",
    ]
    return "\n".join(lines)


def _why(manifest: Mapping[str, Any]) -> str:
    """Return why questions have no answer."""
    if manifest["config"]["models"]["judge"] == "scripted":
        return "no judge is configured"
    return "where a judge is not trusted, its answers do not count"


_FIGURES = ("precision", "recall", "kappa", "auroc")


def _instrument(manifest: Mapping[str, Any]) -> list[str]:
    """Return the section on checks and judges as instruments; none where nothing was measured."""
    told = manifest.get("instrument")
    if told is None:
        return []
    parts = [
        "## How checks and judges were measured\n\n"
        f"Of {told['conversations']} conversations that the checks keep, mutants were made: "
        "changed in a way whose effect is known, and put to checks and judges like any other. None "
        "of them is in the rows. A defect is the positive class; in brackets 95 % bootstrap "
        "intervals over conversations.",
        _table(
            ("criterion", "by", "cases", "defects", "unanswered", *_FIGURES),
            [
                (name, one["by"], one["cases"], one["defects"], one["unanswered"],
                 *(_figure(one.get(figure)) for figure in _FIGURES))
                for name, one in told["criteria"].items()
            ],
        ),
        _table(("mutant", "made", "would be kept"), told["sorts"]),
    ]  # fmt: skip
    if told["judge"] is not None:
        parts += _trusted(told)
    return ["\n\n".join(part for part in parts if part)]


def _trusted(told: Mapping[str, Any]) -> list[str]:
    """Return how far each judge's criterion was trusted in the end, and what changed on the way."""
    if not told["trust"]:
        return [
            f"Judge: {told['judge']}. Nothing is known of it yet: its answers count as they are."
        ]
    rows = [(name, one["trust"], one["why"]) for name, one in told["trust"].items()]
    parts = [f"Judge: {told['judge']}.", _table(("question", "trust", "why"), rows)]
    for refit in told["refits"]:
        moved = ", ".join(f"{n} from {a} to {b}" for n, (a, b) in refit["changed"].items())
        parts.append(f"- From place {refit['from_place']} on: {moved}.")
    if told["rows_to_people"]:
        parts.append(
            f"{told['rows_to_people']} rows have a question that is left to people (`to_people` in "
            "their metadata); it is outside their score."
        )
    return parts


def _figure(interval: Sequence[float] | None) -> str:
    if interval is None:
        return "-"
    value, low, high = interval
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


_MADE = (
    ("composed_agents", "agents", "composed", "agents have a character that a model gave them"),
    ("written_tasks", "conversations", "written", "conversations begin with a model's words"),
)


def _by_models(manifest: Mapping[str, Any]) -> list[str]:
    """Return the section on what models wrote beforehand; none where they wrote nothing."""
    parts: list[str] = []
    for name, of, made, what in _MADE:
        counts = manifest.get(name)
        if counts is not None:
            parts.append(
                f"{counts[made]} of {counts[of]} {what}; the others are made by script"
                + (":\n\n" + _table(("reason", "times"), sorted(counts["reasons"].items()))
                   if counts["reasons"] else ".")
            )  # fmt: skip
    return ["## What models wrote beforehand\n\n" + "\n\n".join(parts)] if parts else []


def _real_tools(manifest: Mapping[str, Any]) -> list[str]:
    """Return the section on real tools; none where no row calls one."""
    real = manifest.get("real_tools")
    if real is None:
        return []
    scores = real.get("fidelity")
    fidelity = "" if scores is None else _FIDELITY.format(**scores)
    return [
        "## Real tools\n\n"
        f"{real['rows']} rows call {real['tools']} different tools of {real['servers']} real MCP "
        "servers, with the servers' own names, descriptions and parameters. At L1 the tool is "
        "a stateful mock that agrees with itself, and its specification does not say what a result "
        "looks like; at L2 results have the shape of the tool's own output schema; at L3 the mock "
        "was replayed against the running server; `executed` = the server itself ran.\n\n"
        + _table(("level", "tools called"), sorted(real["levels"].items()))
        + fidelity
        + "\n\n"
        + _table(("licence", "tools called"), sorted(real["licences"].items()))
    ]


def _simulated(manifest: Mapping[str, Any]) -> list[str]:
    """Return the section on simulated tools; none where no row calls one."""
    found = manifest.get("simulated")
    if found is None:
        return []
    return [
        "## Simulated tools\n\n"
        f"{found['rows']} rows have {found['calls']} calls of {found['tools']} tools at level L0: "
        "behind these stands no semantics and no server. A language model proposed what they "
        "answered and changed; rules held it against the tool's schemas and against what had been "
        "said before. What such a tool says of the world is made up. Rows name these calls in "
        "`simulated_calls`."
    ]


def _packages(manifest: Mapping[str, Any]) -> list[str]:
    """Return the section on domains of installed packages; none where there are none."""
    packages = manifest.get("domain_packages")
    if packages is None:
        return []
    rows = [(name, one["distribution"], one["version"]) for name, one in packages.items()]
    return [
        "## Domains of other packages\n\n"
        "These were written by others and installed beside the engine.\n\n"
        + _table(("domain", "package", "version"), rows)
    ]


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
