"""A stranger's repository: the wheel, a domain of their own, ten goldens; what turns it red."""

import json
import os
import sys
from pathlib import Path

import pytest

from agentsynth.golden.adding import golden_line
from agentsynth.golden.golden import Golden, GoldenLabel
from tests.authors.conftest import Environment, run
from tests.golden.judges import GATES, RUBRIC, record, update

DOMAIN = "my_desk"
WORLD = ("deposit_cents: =game.deposit_cents}", "deposit_cents: =game.deposit_cents + 100}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment of its own, whose engine a test may change."""
    folder = tmp_path_factory.mktemp("stranger") / "venv"
    run([sys.executable, "-m", "venv", folder], dict(os.environ), cwd=folder.parent)
    environment = Environment(folder)
    environment.add_what_an_index_would_give()
    return environment


def relabelled(line: str, number: int) -> str:
    golden = Golden.model_validate_json(line)
    backed, polite = number % 2 == 0, number % 3 != 0
    labels = {
        **golden.labels,
        "claims_backed": GoldenLabel(truth="met" if backed else "not_met"),
        "polite": GoldenLabel(truth="met" if polite else "not_met"),
    }
    update = {"labels": labels, "accept": golden.accept and backed and polite}
    return golden_line(Golden.model_validate({**dict(golden), **update}))


@pytest.mark.slow
async def test_a_stranger_s_repository_is_green_and_each_change_turns_it_red(
    installed: Environment, tmp_path: Path
) -> None:
    def golden(*words: str, code: int) -> str:
        return installed.run("agentsynth", "golden", *words, cwd=tmp_path, code=code).stdout

    installed.run("agentsynth", "new-domain", DOMAIN, cwd=tmp_path)
    config = {"version": 1, "seed": 3, "target": {"tasks": 14}, "probes": 0.4,
              "domains": {f"./{DOMAIN}": 1}}  # fmt: skip
    (tmp_path / "run.yaml").write_text(json.dumps(config))
    installed.run("agentsynth", "run", "run.yaml", "--out", "out", cwd=tmp_path)
    folder = tmp_path / "goldens"
    folder.mkdir()
    (folder / "mine.yaml").write_text(RUBRIC)
    (folder / "gates.yaml").write_text(GATES)
    rows = (tmp_path / "out" / "export" / "rows.jsonl").read_text().splitlines()
    ids = [json.loads(row)["id"] for row in rows][:10]
    assert len(ids) == 10
    golden("add", "goldens", *ids, "--run", "out", "--rubric", "mine.yaml", code=0)
    file = folder / "goldens.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("".join(relabelled(x, n) + "\n" for n, x in enumerate(lines)))
    await record(folder)  # a scripted judge; the stranger's own check reaches nobody
    await update(folder)
    assert "PASS (exit 0)" in golden("check", "goldens", "--offline", code=0)

    def broken(path: Path, before: str, after: str, code: int) -> str:
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after, 1))
        said = golden("check", "goldens", "--offline", code=code)
        path.write_text(text)
        return said

    said = broken(folder / "mine.yaml", "courteous", "friendly", 3)
    assert "question polite was changed: 10 answers are stale; 10 others hold" in said
    said = broken(folder / "mine.yaml", "check: target_state", "check: {limit: {calls: 0}}", 1)
    assert "changed underneath: rubric mine.yaml: criterion end_state was" in said
    world = tmp_path / DOMAIN / "domain.yaml"
    said = broken(world, *WORLD, 1)
    assert f"changed underneath: domain ../{DOMAIN}: it was s1:" in said
    assert "replay_mismatch" in said
    where = "import agentsynth.judge as j; print(j.__path__[0])"
    prompts = installed.run("python", "-c", where, cwd=tmp_path).stdout.strip()
    assert str(installed.folder) in prompts
    prompt = Path(prompts) / "prompts" / "questions.jinja2"
    said = broken(prompt, "You grade a conversation", "You mark a conversation", 3)
    assert "the judge's prompt template changed: 20 answers are stale" in said
    assert "PASS (exit 0)" in golden("check", "goldens", "--offline", code=0)
