"""The options of `judge` and `judge calibrate`."""

import argparse
from collections.abc import Callable

__all__ = ["add_judge"]


def add_judge(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    add_json: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Add the commands `judge` and `judge calibrate`."""
    _add_judge(commands, add_json)
    _add_calibrate(commands, add_json)


def _add_judge(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    add_json: Callable[[argparse.ArgumentParser], None],
) -> None:
    judge = commands.add_parser(
        "judge",
        help="judge rows of runs and conversations from elsewhere, and compare with their labels",
        description="Put conversations to judges and write what they say: judged.jsonl, "
        "report.json (agreement with labels) and labels.jsonl. The same command again on the same "
        "folder takes what was answered from its recordings.",
    )
    judge.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="folders of runs or imports, or files that can be imported",
    )
    judge.add_argument(
        "--judge",
        metavar="FILE",
        help="who judges, YAML (docs/grading.md); without it only what checks said counts",
    )
    judge.add_argument("--out", metavar="DIR", required=True, help="folder to write into")
    judge.add_argument(
        "--rubric",
        metavar="RUBRIC",
        help="rubric file or name of a bundled one (default: a run's own; for conversations from "
        "elsewhere `whole`)",
    )
    judge.add_argument(
        "--all", action="store_true", help="all rollouts of a run, not only the rows it kept"
    )
    judge.add_argument(
        "--limit", type=int, metavar="N", help="judge the first N conversations only"
    )
    judge.add_argument(
        "--mutants",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the conversations of which mutants are judged too (default: 0)",
    )
    judge.add_argument(
        "--overall",
        default="reward",
        metavar="LABEL",
        help="label of a source that says whether a conversation is acceptable (default: reward)",
    )
    judge.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="LABEL=CRITERION",
        help="what a source's label is called in the rubric; may be given several times",
    )
    judge.add_argument(
        "--concurrency",
        type=int,
        default=16,
        metavar="N",
        help="conversations judged at once (default: 16)",
    )
    judge.add_argument(
        "--replay", metavar="PATH", help="let these recordings answer in the place of every judge"
    )
    add_json(judge)


def _add_calibrate(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    add_json: Callable[[argparse.ArgumentParser], None],
) -> None:
    calibrate = commands.add_parser(
        "judge calibrate",
        help="fit thresholds to labels, and say how far a judge is to be trusted at each question",
        description="Hold what judges said against labels: mutants and checks of runs, labels of "
        "imports, and those of people. Thresholds are fitted on half of the conversations and "
        "measured on the other. Exit code 1 = a criterion is under the floor.",
    )
    calibrate.add_argument(
        "folders", metavar="DIR", nargs="+", help="folders that `judge` or `run` wrote"
    )
    calibrate.add_argument(
        "--labels",
        action="append",
        default=[],
        metavar="FILE",
        help="further labels, one JSON object a line; may be given several times",
    )
    calibrate.add_argument("--out", metavar="FILE", required=True, help="calibration to write")
    calibrate.add_argument("--seed", type=int, default=0, metavar="N", help="splits the halves")
    calibrate.add_argument(
        "--kappa", type=float, metavar="K", help="least lower end of kappa (default: 0.4)"
    )
    calibrate.add_argument(
        "--false-accept",
        type=float,
        metavar="SHARE",
        help="most defects that may pass, at the upper end (default: 0.2)",
    )
    add_json(calibrate)
