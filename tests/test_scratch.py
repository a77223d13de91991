"""Scratch folders of live worlds: removed, also after a kill."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from agentsynth.worlds.seat import sweep_scratch


def test_the_folder_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    dead = tmp_path / f"agentsynth-scratch-{ended.stdout.strip()}-abc"
    alive = tmp_path / f"agentsynth-scratch-{os.getpid()}-abc"
    foreign = tmp_path / "somebody-else"
    for folder in (dead, alive, foreign):
        folder.mkdir()
        (folder / "data.db").write_bytes(b"x")
    sweep_scratch()
    assert not dead.exists()
    assert alive.exists()
    assert foreign.exists()
