"""docs/write-a-domain.md, followed word for word in an empty folder with the installed package."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.authors.conftest import Environment, run

BLOCK = re.compile(r"^```(?P<kind>[a-z ]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
UNDER = re.compile(r"In\s`(?P<file>[^`]+)`,\sunder\s`(?P<anchor>[^`]+)`,\sadd:\s*$")
INSTEAD = re.compile(r"In\s`(?P<file>[^`]+)`,\sin\splace\sof\s`(?P<anchor>[^`]+)`,\swrite:\s*$")
WHOLE = re.compile(r"Write\s`(?P<file>[^`]+)`:\s*$")


class Reader:
    """Somebody who types what the page says."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.cwd = folder
        self.environment = Environment(folder / ".venv")
        self.said = ""

    def type(self, line: str, code: int) -> None:
        words = shlex.split(line)
        if words[0] == "cd":
            self.cwd = self.cwd / words[1]
        elif words[0] == ".":
            assert (self.cwd / words[1]).is_file()  # the path is set for every command anyhow
        elif words[:3] == ["python", "-m", "venv"]:
            run([sys.executable, *words[1:]], dict(os.environ), cwd=self.cwd)
            self.environment.add_what_an_index_would_give()
        else:
            shell = ["sh", "-c", line]
            self.said = run(shell, self.environment.variables(), cwd=self.cwd, code=code).stdout

    def edit(self, before: str, text: str) -> None:
        """Make the edit that the sentence before a block describes."""
        if whole := WHOLE.search(before):
            (self.home / whole["file"]).write_text(text, encoding="utf-8")
            return
        found = UNDER.search(before) or INSTEAD.search(before)
        assert found is not None, f"no edit is described before:\n{text}"
        path = self.home / found["file"]
        old, anchor = path.read_text(encoding="utf-8"), found["anchor"]
        if found.re is UNDER:
            assert old.splitlines().count(anchor) == 1, f"{anchor!r} is not one line of {path}"
            new = re.sub(rf"(?m)^{re.escape(anchor)}$", lambda m: f"{m[0]}\n{text[:-1]}", old)
        else:
            assert old.count(anchor) == 1, f"{anchor!r} does not stand once in {path}"
            new = old.replace(anchor, text.rstrip("\n"))
        path.write_text(new, encoding="utf-8")


@pytest.mark.slow
def test_the_tutorial_holds_word_for_word(checkout: Path, tmp_path: Path) -> None:
    page = (checkout / "docs" / "write-a-domain.md").read_text(encoding="utf-8")
    tutorial = page[: page.index("## Reference")]
    reader = Reader(tmp_path)
    commands = edits = 0
    for block in BLOCK.finditer(tutorial):
        kind, text = block["kind"], block["text"]
        if kind.startswith("sh"):
            for line in text.splitlines():
                reader.type(line, 2 if kind == "sh fails" else 0)
                commands += 1
        elif kind == "yaml":
            reader.edit(tutorial[: block.start()], text)
            edits += 1
        elif not text.startswith("agentsynth "):  # what the page says comes of the last command
            assert text.strip() in reader.said
    assert (commands, edits) > (15, 10)
    for name in ("first", "second"):
        rows = (tmp_path / name / "export" / "rows.jsonl").read_text(encoding="utf-8")
        assert rows.count("\n") == 20, name
    assert "extend_loan" in (tmp_path / "second" / "export" / "rows.jsonl").read_text("utf-8")
