"""What a sandbox refuses to show, and what happens where there is none. None of it starts one."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentsynth.core.errors import UserError
from agentsynth.worlds import sandbox
from agentsynth.worlds.cell import Cell, require_usable
from agentsynth.worlds.prefix import prefix_paths
from agentsynth.worlds.sandbox import closed_in, why_unavailable


@pytest.fixture
def no_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has every tool but bubblewrap."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("env", "prlimit", "setpriv", "sh", "true"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setattr(sandbox, "_TOOL_PATH", str(tools))
    why_unavailable.cache_clear()
    yield
    why_unavailable.cache_clear()


@pytest.mark.usefixtures("no_bubblewrap")
def test_without_bubblewrap_a_server_is_not_started_and_the_message_says_what_to_do(
    tmp_path: Path,
) -> None:
    with pytest.raises(UserError) as caught:
        closed_in(("/a/server", "--fast"), Cell(tmp_path), opted_out=False)
    for part in ("'/a/server' is not started", "'bwrap'", "apt install bubblewrap", "reviewed"):
        assert part in str(caught.value)


@pytest.mark.usefixtures("no_bubblewrap")
def test_without_bubblewrap_a_reviewed_server_runs_as_it_is(tmp_path: Path) -> None:
    assert closed_in(("/a/server",), Cell(tmp_path), opted_out=True) == ("/a/server",)


def test_a_sandbox_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'no permission to make namespaces' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sandbox, "_TOOL_PATH", f"{tmp_path}:{sandbox._TOOL_PATH}")
    why_unavailable.cache_clear()
    try:
        assert why_unavailable() == "a sandbox did not start: no permission to make namespaces"
    finally:
        why_unavailable.cache_clear()


def test_paths_that_would_let_too_much_through_or_cannot_work_are_refused(tmp_path: Path) -> None:
    scratch, link, inner = tmp_path / "scratch", tmp_path / "link", tmp_path / "scratch" / "lib"
    inner.mkdir(parents=True)
    link.symlink_to(scratch)
    cases = [
        (Cell(link), "free of links"),
        (Cell(tmp_path / "none"), "must be a folder"),
        (Cell(scratch, (Path("/"),)), "not all"),
        (Cell(scratch, (Path("relative"),)), "absolute"),
        (Cell(scratch, (inner,)), "lies in the scratch folder"),
        (Cell(scratch, (tmp_path / "none",)), "No such file"),
    ]
    for cell, says in cases:
        with pytest.raises(UserError, match=says):
            require_usable(cell)


def test_a_prefix_that_the_user_inside_may_not_read_is_refused(tmp_path: Path) -> None:
    scratch, prefix = tmp_path / "scratch", tmp_path / "prefix"
    scratch.mkdir()
    prefix.mkdir()
    prefix.chmod(0o700 if os.geteuid() == 0 else 0o000)
    with pytest.raises(UserError, match=r"may not read it; run chmod -R o\+rX"):
        require_usable(Cell(scratch, (prefix,)))


def test_a_prefix_brings_the_python_it_borrows_and_nothing_beside_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    install = home / "pythons" / "3.11.9"
    for folder in (install / "bin", install / "lib", home / "bin"):
        folder.mkdir(parents=True)
    (install / "bin" / "python3.11").touch()
    (home / "pythons" / "3.11").symlink_to("3.11.9")
    (home / "bin" / "python3").symlink_to(home / "pythons" / "3.11" / "bin" / "python3.11")
    prefix = tmp_path / "prefix"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python3").symlink_to(home / "bin" / "python3")
    (prefix / "bin" / "python").symlink_to("python3")
    assert prefix_paths(prefix) == (
        prefix,
        home / "bin" / "python3",
        home / "pythons" / "3.11" / "bin" / "python3.11",
        home / "pythons" / "3.11" / "lib",
    )


def test_a_prefix_without_python_needs_only_itself(tmp_path: Path) -> None:
    assert prefix_paths(tmp_path) == (tmp_path,)


def test_a_prefix_over_the_systems_python_needs_only_itself(tmp_path: Path) -> None:
    if not Path("/usr/bin/python3").exists():
        pytest.skip("there is no Python in /usr/bin")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to("/usr/bin/python3")
    assert prefix_paths(tmp_path) == (tmp_path,)
    assert sys.prefix not in map(str, prefix_paths(tmp_path))
