"""How long a check of goldens takes: 60 goldens from a cassette, the whole command, from its start.

python -m benchmarks.golden    prints one JSON object

The ratio is to making the same conversations and checking them once (`agentsynth run`), measured in
the same process tree, so that it says something on any machine.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GATES = """version: 1
judge:
  models: [{url: "http://127.0.0.1:9/v1", model: judge}]
gates: {agreement: 0.8, kappa: 0.4, auroc: 0.5, false_accept: 0.5, parse_failures: 0}
"""
CONFIG = """version: 1
seed: 7
target: {tasks: 44}
domains: {community_garden: 1}
probes: 0.4
"""
GOLDENS = 60
LIMIT_S = 10.0


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="agentsynth-golden-") as name:
        top = Path(name)
        (top / "run.yaml").write_text(CONFIG, encoding="utf-8")
        made_s = _timed("run", top / "run.yaml", "--out", top / "run")
        count, answers = _prepare(top)
        seconds = min(_timed("golden", "check", top / "goldens", codes=(0,)) for _ in range(3))
    figures = {
        "goldens": count,
        "answers": answers,
        "seconds": round(seconds, 3),
        "run_seconds": round(made_s, 3),
        "ratio": round(seconds / made_s, 3),
    }
    print(json.dumps(figures))
    return 0 if seconds < LIMIT_S else 1


def _timed(*arguments: str | Path, codes: tuple[int, ...] = (0,)) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "agentsynth", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode not in codes:
        raise SystemExit(f"{' '.join(command)}: {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return time.perf_counter() - began


def _prepare(top: Path) -> tuple[int, int]:
    """Write 60 goldens with labelled questions and a cassette that answers all of them rightly."""
    from agentsynth.cli.main import main as command  # noqa: PLC0415
    from agentsynth.golden.adding import append_goldens, from_rows  # noqa: PLC0415
    from agentsynth.golden.asks import asks_of  # noqa: PLC0415
    from agentsynth.golden.cassette import CASSETTES, Answer, Cassettes  # noqa: PLC0415
    from agentsynth.golden.golden import Golden, GoldenLabel  # noqa: PLC0415
    from agentsynth.golden.load import load_goldens  # noqa: PLC0415
    from agentsynth.pipeline.store import Store  # noqa: PLC0415

    folder = top / "goldens"
    folder.mkdir()
    (folder / "gates.yaml").write_text(GATES, encoding="utf-8")
    file = folder / "goldens.jsonl"
    with Store(top / "run" / "store.db") as store:
        rows = list(dict.fromkeys(i.trajectory_id for i in store.items() if i.trajectory_id))
    made = from_rows(top / "run", rows[:GOLDENS], ["tool_use"], file, must_pass=False, who="")
    labelled: list[Golden] = []
    for number, golden in enumerate(made):
        truth = "met" if number % 2 else "not_met"
        names = ("clear_to_the_user", "no_needless_questions", "tone")
        labels = {**golden.labels, **{name: GoldenLabel(truth=truth) for name in names}}
        update = {"labels": labels, "accept": golden.accept and truth == "met"}
        labelled.append(Golden.model_validate({**dict(golden), **update}))
    append_goldens(file, labelled)
    goldens = load_goldens(folder)
    held = {one.golden.id: one.golden for one in goldens.held}
    cassettes = Cassettes(folder / CASSETTES)
    asks = asks_of(goldens, goldens.config.judge)
    for ask in asks:
        met = held[ask.golden].labels[ask.criterion.name].truth == "met"
        choice = ask.criterion.choices[-1 if met else 0]
        said = {ask.criterion.name: {"reason": "Shown.", "messages": [1], "choice": choice}}
        answer = Answer(
            key=ask.key,
            golden=ask.golden,
            criterion=ask.criterion.name,
            parts=ask.parts,
            texts=(json.dumps(said),),
            recorded="2026-01-02",
        )
        cassettes.put(ask.header, answer)
    cassettes.write()
    command(["golden", "update", str(folder), "--json"])
    return len(held), len(asks)


if __name__ == "__main__":
    sys.exit(main())
