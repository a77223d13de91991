"""The command line. Commands import what they need when they run, so `--help` stays quick."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from agentsynth.cli.golden_options import add_golden
from agentsynth.cli.judge_options import add_judge
from agentsynth.cli.rubric_options import add_rubric
from agentsynth.cli.tools_options import add_tools

__all__ = ["build_parser", "entry", "main"]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="agentsynth",
        description="Turn tools into training data: multi-turn tool-use conversations with proof.",
        epilog="Exit codes: 0 done, 1 failed, 2 usage or config, 130 interrupted (resumable).",
    )
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_run(commands)
    _add_rows(commands)
    _add_domains(commands)
    _add_evolve(commands)
    _add_import(commands)
    add_tools(commands, _add_json)
    add_rubric(commands, _add_json)
    add_judge(commands, _add_json)
    add_golden(commands, _add_json)
    return parser


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser(
        "run",
        help="run a config; again on the same folder it resumes, with a larger target it extends",
        description="Run a config into a folder: store.db, report.json and export/ "
        "(rows.jsonl, manifest.json, README.md). The same command again resumes; a larger target "
        "extends.",
    )
    run.add_argument("config", metavar="CONFIG", help="run config, YAML")
    run.add_argument("--out", metavar="DIR", required=True, help="folder of the run")
    run.add_argument("--seed", type=int, metavar="N", help="seed instead of the config's")
    run.add_argument(
        "--concurrency",
        type=int,
        metavar="N",
        help="rollouts at once (default: 8, or 64 where models play)",
    )
    run.add_argument(
        "--replay",
        metavar="PATH",
        help="let the recordings of this run or folder answer in the place of every model; "
        "nothing is sent anywhere",
    )
    run.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that play; one per core is fastest (default: 1, everything in this one). "
        "Domains with a live server are always played in this one",
    )
    _add_json(run)
    preflight = commands.add_parser(
        "preflight",
        help="are the models of a config fit for their seats; asks each about 30 questions",
        description="Ask each model of a config about 30 short questions: is it reachable, does it "
        "call tools when it should and only then, do its calls fit their schemas, does it keep to "
        "structured output, how quick is it, what does it cost. Writes a record into "
        ".agentsynth/preflight, which run looks for. Exit code 1 = a model is unfit for its seat.",
    )
    preflight.add_argument("config", metavar="CONFIG", help="run config, YAML")
    _add_json(preflight)
    preview = commands.add_parser(
        "preview",
        help="show a few conversations and what a whole run would take; stores nothing",
        description="Play a few places of a run and print the conversations. Stores nothing.",
    )
    preview.add_argument("config", metavar="CONFIG", help="run config, YAML")
    preview.add_argument("-n", type=int, default=5, metavar="N", help="conversations (default: 5)")
    preview.add_argument("--seed", type=int, metavar="N", help="seed instead of the config's")
    _add_json(preview)


def _add_rows(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    texts = {
        "show": ("print a conversation", "Print a row's conversation."),
        "explain": (
            "print where a row came from and every check",
            "Print a row's task, certificate, actors, facts told, checks and decision.",
        ),
        "replay": (
            "run a row's tool calls again and compare",
            "Execute a row's tool calls in a fresh world and compare results and final state.",
        ),
    }
    for name, (help_, description) in texts.items():
        command = commands.add_parser(name, help=help_, description=description)
        command.add_argument(
            "row",
            metavar="ROW",
            nargs="?" if name == "replay" else None,
            help="row id or the beginning of one, or the row's number in the export, from 1",
        )
        command.add_argument(
            "--run",
            metavar="DIR",
            default="runs/quickstart",
            help="folder of the run (default: runs/quickstart)",
        )
        if name == "replay":
            command.add_argument("--all", action="store_true", help="replay every kept row")
        _add_json(command)


def _add_domains(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    domains = commands.add_parser(
        "domains",
        help="list the bundled domains and those of installed packages",
        description="List the bundled domains, and those that installed packages offer, with the "
        "package and its version.",
    )
    _add_json(domains)
    _add_new_domain(commands)
    check = commands.add_parser(
        "check-domain",
        help="verify a domain: files, names, plans, phrases, tasks",
        description="Check a domain's files, then look for tasks of every kind and certify them.",
    )
    check.add_argument("domain", metavar="DOMAIN", help="name, or a folder")
    check.add_argument(
        "--tasks", type=int, default=10, metavar="N", help="tasks per kind (default: 10)"
    )
    _add_json(check)
    certify = commands.add_parser(
        "certify",
        help="prove tools and tasks: contracts, and certificates of every kind",
        description="Hold the tools of domains against their contracts and certify tasks of every "
        "kind, without playing them. With --run: certify the tasks of a run again.",
    )
    certify.add_argument(
        "domains",
        metavar="DOMAIN",
        nargs="*",
        help="names or folders (default: all bundled ones with a state of their own)",
    )
    certify.add_argument(
        "--tasks", type=int, default=200, metavar="N", help="tasks in all (default: 200)"
    )
    certify.add_argument(
        "--kinds",
        type=lambda text: text.split(","),
        default=[],
        metavar="KIND,...",
        help="only these kinds of task",
    )
    certify.add_argument("--seed", type=int, default=0, metavar="N", help="seed (default: 0)")
    certify.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that certify (default: 1)"
    )
    certify.add_argument("--run", metavar="DIR", help="certify the tasks of this run again")
    _add_json(certify)
    play = commands.add_parser(
        "play",
        help="act in a world yourself, as the agent or as the user",
        description="Open a world and act in it: call its tools by hand, or talk to the assistant.",
    )
    play.add_argument("domain", metavar="DOMAIN", help="name, or a folder")
    play.add_argument(
        "--as", dest="role", choices=("agent", "user"), default="agent", help="your seat"
    )
    play.add_argument("--seed", type=int, default=0, metavar="N", help="seed of task and world")
    play.add_argument("--kind", metavar="KIND", help="kind of task (default: any)")
    _add_json(play)


def _add_evolve(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    evolve = commands.add_parser(
        "evolve",
        help="make synthetic domains with operational semantics",
        description="Evolve synthetic domains in rounds, where the archive is thin; every tool is "
        "held against its contract and every request played. Again on the same folder it goes on.",
    )
    evolve.add_argument(
        "--out",
        metavar="DIR",
        default=".agentsynth/evolved",
        help="folder of the domains (default: .agentsynth/evolved; there they are evolved/NAME)",
    )
    evolve.add_argument(
        "--count",
        type=int,
        default=0,
        metavar="N",
        help="evolve until there are so many domains; 0 = only measure those there (default: 0)",
    )
    evolve.add_argument("--seed", type=int, default=0, metavar="N", help="seed (default: 0)")
    evolve.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes (default: 1)"
    )
    evolve.add_argument(
        "--model",
        metavar="FILE",
        help="ask a model for domains: 'local', or a YAML file with a seat of a run config",
    )
    evolve.add_argument(
        "--asks",
        type=int,
        default=1,
        metavar="N",
        help="domains and changes of them to ask for (default: 1)",
    )
    evolve.add_argument(
        "--play",
        metavar="CONFIG",
        help="evolve in rounds, each of which is played by this run config (which names no "
        "domains) and steers the next, until the quality stops rising",
    )
    evolve.add_argument(
        "--rounds", type=int, default=12, metavar="N", help="most rounds of --play (default: 12)"
    )
    evolve.add_argument(
        "--per-round",
        type=int,
        default=40,
        metavar="N",
        help="domains that a round of --play tries to make (default: 40)",
    )
    evolve.add_argument(
        "--yields",
        metavar="RUN",
        action="append",
        default=[],
        help="folder of a run over these domains: what passed in it steers what comes next",
    )
    evolve.add_argument(
        "--recheck",
        type=int,
        default=0,
        metavar="N",
        help="test N tools drawn at random again, with fresh seeds",
    )
    _add_json(evolve)


def _add_new_domain(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    new = commands.add_parser(
        "new-domain",
        help="write a small whole domain to start from, with a test",
        description="Write a domain that holds as it is, to be changed into one of your own: "
        "OUT/NAME and OUT/test_NAME.py, or with --package a package in OUT/NAME that offers it by "
        "name wherever it is installed. Nothing is ever written over.",
    )
    new.add_argument("name", metavar="NAME", help="lower-case letters, digits and '_'")
    new.add_argument("--python", action="store_true", help="tools in tools.py instead of in YAML")
    new.add_argument(
        "--package", action="store_true", help="a package with pyproject.toml, tests and README"
    )
    new.add_argument("--out", metavar="DIR", default=".", help="folder to write into (default: .)")
    _add_json(new)


def _add_import(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser(
        "import",
        help="read conversations of other formats, with their labels",
        description="Read OpenAI messages, ShareGPT, Hermes, tau2-bench results and ATIF into "
        "OUT/imported.jsonl. Labels are kept, and what has no field of ours is kept beside it. "
        "OUT/report.json counts and says what failed. Exit code 1 = a record failed; the others "
        "are written.",
    )
    command.add_argument(
        "files", metavar="FILE", nargs="+", help="JSON: one value, a list, or one record a line"
    )
    command.add_argument(
        "--from",
        dest="format",
        choices=("openai", "sharegpt", "hermes", "tau2", "atif"),
        help="format of all files (default: found for each record)",
    )
    command.add_argument("--out", metavar="DIR", required=True, help="folder to write into")
    _add_json(command)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json",
        action="store_true",
        help="print NDJSON events; the last line is one summary object",
    )


_COMMANDS = {
    "run": ("agentsynth.cli.run", "run"),
    "preflight": ("agentsynth.cli.preflight", "preflight"),
    "preview": ("agentsynth.cli.preview", "preview"),
    "show": ("agentsynth.cli.rows", "show"),
    "explain": ("agentsynth.cli.rows", "explain"),
    "replay": ("agentsynth.cli.rows", "replay"),
    "domains": ("agentsynth.cli.domains", "domains"),
    "new-domain": ("agentsynth.cli.domains", "new_domain_command"),
    "check-domain": ("agentsynth.cli.domains", "check_domain_command"),
    "certify": ("agentsynth.cli.certify", "certify"),
    "play": ("agentsynth.cli.play", "play"),
    "evolve": ("agentsynth.cli.evolve", "evolve_command"),
    "import": ("agentsynth.cli.imports", "import_command"),
    "tools": ("agentsynth.cli.tools", "tools"),
    "judge": ("agentsynth.cli.judging", "judge_command"),
    "judge calibrate": ("agentsynth.cli.judging", "calibrate_command"),
    "rubric": ("agentsynth.cli.rubrics", "rubric"),
    "golden": ("agentsynth.cli.golden", "golden"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = build_parser()
    options = parser.parse_args(_joined(sys.argv[1:] if arguments is None else arguments))
    if options.version:
        from agentsynth import __version__  # noqa: PLC0415  (only this branch needs it)

        print(f"agentsynth-engine {__version__}")
        return 0
    if options.command is None:
        parser.print_help()
        return 2
    from agentsynth.core.errors import AgentsynthError, Interrupted, UserError  # noqa: PLC0415

    module, name = _COMMANDS[options.command]
    command = getattr(import_module(module), name)
    try:
        return int(command(options))
    except Interrupted as stopped:
        print(stopped, file=sys.stderr)
        return 130
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except AgentsynthError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with a command of two words as one."""
    words = " ".join(arguments[:2])
    return [words, *arguments[2:]] if words in _COMMANDS else list(arguments)


def entry() -> None:
    """Run the command line of this process."""
    sys.exit(main())
