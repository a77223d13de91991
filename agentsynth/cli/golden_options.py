"""The options of `golden` and its actions."""

import argparse
from collections.abc import Callable

__all__ = ["add_golden"]

_Json = Callable[[argparse.ArgumentParser], None]
_EXITS = (
    "Exit codes, the first that holds: 2 usage, config or schema; 5 a judge's back end failed; "
    "3 answers are missing or stale; 1 a gate failed; 4 inconclusive; 0 every gate holds."
)


def add_golden(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add_json: _Json
) -> None:
    """Add the command `golden`."""
    golden = commands.add_parser(
        "golden",
        help="regression checks of rubrics, worlds and judges on labelled conversations",
        description="Goldens: conversations with labels that no judge had a part in, kept in git "
        "with the answers of judges (cassettes), gates.yaml and golden.lock. " + _EXITS,
    )
    actions = golden.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_checks(actions, add_json)
    _add_keeping(actions, add_json)
    _add_batch(actions, add_json)


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", help="folder of the goldens")
    parser.add_argument("--domain", metavar="NAME", help="only the goldens of this domain")


def _asking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="ceiling of the whole command; what is not done by then is named (exit code 4)",
    )
    parser.add_argument(
        "--max-live-calls", type=int, metavar="N", help="requests to judges at most"
    )
    parser.add_argument(
        "--cache",
        metavar="DIR",
        help="folder of more answers: looked at, and given all that is asked; for CI to keep",
    )


def _add_checks(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", add_json: _Json
) -> None:
    check = actions.add_parser(
        "check",
        help="hold the goldens against today's worlds, rubrics, prompts and judge",
        description="Play every golden again, run its checks, read the judge's answers, measure, "
        "and look at the gates and at golden.lock. " + _EXITS,
    )
    _folder(check)
    check.add_argument(
        "--mode",
        choices=("replay", "record-missing", "rerecord", "live"),
        default="replay",
        help="replay = from cassettes alone (default); record-missing and rerecord ask judges and "
        "keep what they say; live asks and keeps nothing",
    )
    check.add_argument("--offline", action="store_true", help="refuse all that needs the network")
    _asking(check)
    check.add_argument("--junit", metavar="FILE", help="write JUnit XML")
    check.add_argument("--out-json", metavar="FILE", help="write the report as JSON")
    check.add_argument("--markdown", metavar="FILE", help="write a summary for a pull request")
    check.add_argument(
        "--against",
        metavar="FILE",
        help="compare with this lock, or with the answers of this cassette, instead of golden.lock",
    )
    check.add_argument(
        "--strict-inconclusive", action="store_true", help="what is inconclusive has failed"
    )
    add_json(check)
    update = actions.add_parser(
        "update",
        help="print what differs from golden.lock, then write it",
        description="Check from the cassettes, print what differs from golden.lock and why, and "
        "write it as it is now. Nothing is written while answers are missing.",
    )
    update.add_argument("folder", metavar="DIR", help="folder of the goldens")
    add_json(update)
    drift = actions.add_parser(
        "drift",
        help="does the same judge still say what it said when it was recorded",
        description="Ask the judge everything again, keep nothing, and compare with the cassette: "
        "share of other choices, McNemar's exact test, change of score, length and refusals. "
        "Exit code 1 = past a bound under 'drift' in gates.yaml.",
    )
    _folder(drift)
    _asking(drift)
    add_json(drift)


def _add_keeping(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", add_json: _Json
) -> None:
    record = actions.add_parser(
        "record",
        help="ask the judge for what is not on record",
        description="Ask the judge of gates.yaml every labelled question whose answer is not in "
        "its cassette, and keep what it says.",
    )
    _folder(record)
    _asking(record)
    record.add_argument("--again", action="store_true", help="ask for what is on record as well")
    add_json(record)
    prune = actions.add_parser(
        "prune",
        help="drop answers that nothing asks for any more",
        description="Drop the answers of every cassette that no golden, rubric and prompt of today "
        "asks for. Cassettes of other judges keep what would still be asked of them.",
    )
    prune.add_argument("folder", metavar="DIR", help="folder of the goldens")
    add_json(prune)
    add = actions.add_parser(
        "add",
        help="make goldens of a run's rows, or of labels",
        description="Append goldens to DIR/FILE: rows of a run with what the checks found as "
        "labels, or the conversations that a file of labels speaks of, from a run or an import.",
    )
    add.add_argument("folder", metavar="DIR", help="folder of the goldens")
    add.add_argument("rows", metavar="ROW", nargs="*", help="row numbers or ids")
    add.add_argument("--run", metavar="DIR", required=True, help="folder of a run or an import")
    add.add_argument("--rubric", metavar="NAME", action="append", default=[], required=True,
                     help="rubric they are held against; may be given again")  # fmt: skip
    add.add_argument("--labels", metavar="FILE", help="labels, one JSON object a line")
    add.add_argument("--file", metavar="NAME", default="goldens.jsonl",
                     help="file in DIR to append to (default: goldens.jsonl)")  # fmt: skip
    add.add_argument("--mutants", action="store_true",
                     help="also a mutant of each sort that breaks something labelled")  # fmt: skip
    add.add_argument("--must-pass", action="store_true", help="they must pass")
    add.add_argument("--who", metavar="NAME", default="", help="who labelled them")
    add_json(add)


def _add_batch(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", add_json: _Json
) -> None:
    prompts = actions.add_parser(
        "prompts",
        help="write what is not on record as batch requests",
        description="Write every question that is not on record, and the repair of every answer "
        "that cannot be read, as OpenAI batch requests: one JSON object a line, custom_id = key.",
    )
    _folder(prompts)
    prompts.add_argument("--out", metavar="FILE", required=True, help="file to write")
    add_json(prompts)
    answers = actions.add_parser(
        "answers",
        help="take batch results into the cassettes",
        description="Take the results of `golden prompts` back. What has another id, or failed, is "
        "named and written beside the file; exit code 5 = there was some.",
    )
    answers.add_argument("folder", metavar="DIR", help="folder of the goldens")
    answers.add_argument("file", metavar="FILE", help="batch results, one JSON object a line")
    add_json(answers)
