"""The options of `rubric` and its actions."""

import argparse
from collections.abc import Callable
from pathlib import Path

__all__ = ["add_rubric"]


def add_rubric(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    add_json: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Add the command `rubric`."""
    rubric = commands.add_parser(
        "rubric",
        help="look over rubrics before a judge answers them",
        description="Rubrics: criteria that are checks of the engine or questions for a judge.",
    )
    actions = rubric.add_subparsers(dest="action", metavar="ACTION", required=True)
    lint = actions.add_parser(
        "lint",
        help="find questions whose wording measures nothing",
        description="Find questions that overlap, that nothing in a conversation shows or refutes, "
        "that ask two things, whose answers are out of order. Exits with 1 where there is one.",
    )
    _add_files(lint)
    lint.add_argument(
        "--probes", action="store_true", help="also show what `rubric test` finds wrong"
    )
    _add_probes(lint)
    add_json(lint)
    test = actions.add_parser(
        "test",
        help="find criteria that tell nothing apart",
        description="Hold conversations that are known to be sound or defective against rubrics: "
        "played on the spot with the bundled domains, or a run's (--run), and mutants of the sound "
        "ones. Tells how often each check is met, not met and not applicable, and for each "
        "question how many conversations with a known answer there are. Exits with 1 where a "
        "check never fails or never passes, or a question lacks known good or bad ones.",
    )
    _add_files(test)
    _add_probes(test)
    add_json(test)


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        metavar="RUBRIC",
        nargs="*",
        help="rubric files, or names of bundled ones (default: all bundled ones)",
    )


def _add_probes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run",
        type=Path,
        metavar="DIR",
        help="take the conversations of this run (default: some are played on the spot)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="draws tasks and mutants (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=1,
        help="conversations of each kind of task that are played (default: %(default)s)",
    )
    parser.add_argument(
        "--most",
        type=int,
        default=100,
        help="most conversations that are taken from a run (default: %(default)s)",
    )
