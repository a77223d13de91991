"""The state of a git repository, read with a git of ours from a copy without its settings.

Hooks, filters, helpers and alternates of a repository run programs or reach outside, and all of
them stand in its settings: the copy gets settings of ours, so that what a server wrote there is
never heeded. Commits are told apart by their hashes: where a manifest fixes the dates that git
writes (`GIT_AUTHOR_DATE` and `GIT_COMMITTER_DATE`), the same work gives the same hashes.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

from agentsynth.core.errors import ServerError, UserError
from agentsynth.worlds.scratch_files import Tree, write_tree
from agentsynth.worlds.tables import Row, Tables

__all__ = ["git_tables", "import_history"]

_MOST_COMMITS = 2_000
_TIMEOUT_S = 30.0
_SETTINGS = b"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tlogallrefupdates = false\n"
_ALWAYS = {
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "none",
}
_QUIET = (
    *("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"),
    *("-c", f"core.attributesFile={os.devnull}", "-c", "core.quotePath=false"),
    *("-c", "core.excludesFile=", "-c", "gc.auto=0", "-c", "safe.directory=*"),
    # One pack instead of many small files, which are read and put back again and again.
    *("-c", "fastimport.unpackLimit=1"),
)
_READ_FILES = frozenset(("", "HEAD", "index", "packed-refs"))
_FIELDS = ("%H", "%P", "%T", "%an", "%ad", "%s", "%b")


def import_history(folder: Path, stream: bytes, *, source: str) -> None:
    """Make a repository from the text of `git fast-import`, with the files of its branch.

    The branch checked out is `main`, or else the first of the stream.

    Raises:
        UserError: git is missing, or does not take the stream of `source`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
        _git(folder, "fast-import", "--quiet", stdin=stream)
        _git(folder, "reset", "--quiet", "--hard")
    except ServerError as exc:
        raise UserError(f"{source}: {exc}") from exc


def git_tables(tree: Tree) -> Tables:
    """Return what a repository holds.

    `head` (branch or commit), `branches` and `tags` (name to commit), `commits` (hash to parents,
    tree, author, date, subject, body), `tree` (path to content's hash, of the commit checked out)
    and `status` (path to what is staged and what is not).

    Args:
        tree: all files of the working tree, `.git` included.

    Raises:
        ServerError: it is no repository any more, or git cannot read it.
    """
    with tempfile.TemporaryDirectory(prefix="agentsynth-") as place:
        folder = Path(place) / "copy"
        folder.mkdir()
        _copy(tree, folder)
        refs = list(_refs(folder))
        commits = dict(_commits(folder))
        head = _git(folder, "symbolic-ref", "--quiet", "HEAD", may_fail=True)
        return {
            "head": {"HEAD": {"ref": head or _git(folder, "rev-parse", "HEAD")}},
            "branches": {name: row for kind, name, row in refs if kind == "heads"},
            "tags": {name: row for kind, name, row in refs if kind == "tags"},
            "commits": commits,
            "tree": dict(_entries(folder)) if commits else {},
            "status": dict(_status(folder, tree)),
        }


def _copy(tree: Tree, folder: Path) -> None:
    """Copy a repository without whatever git would run or follow."""
    kept: dict[str, bytes | None] = {}
    for path, data in tree.items():
        parts = path.casefold().split("/")
        if parts[0] != ".git":
            if ".git" not in parts:  # of a repository inside, the settings would be heeded
                kept[path] = data
        elif _is_read(path.partition("/")[2]):
            kept[path] = data
    if kept.get(".git", b"") is not None or kept.get(".git/HEAD") is None:
        raise ServerError("the server's repository is gone, or is none any more")
    for needed in (".git/objects", ".git/refs"):
        kept.setdefault(needed, None)
    kept[".git/config"] = _SETTINGS
    write_tree(folder, dict(sorted(kept.items())))


def _is_read(path: str) -> bool:
    """Whether a path inside `.git` is part of what git reads here."""
    top = path.partition("/")[0]
    return path in _READ_FILES or (
        top in ("objects", "refs") and not path.startswith("objects/info")
    )


def _refs(folder: Path) -> Iterator[tuple[str, str, Row]]:
    """Give (`heads` or `tags`, name, row); of a tag with a message the row has it."""
    form = "--format=%(refname)%00%(objectname)%00%(*objectname)%00%(contents:subject)"
    for line in _git(folder, "for-each-ref", form, "refs/heads", "refs/tags").splitlines():
        ref, target, peeled, subject = line.split("\0")
        kind, _, name = ref.removeprefix("refs/").partition("/")
        row: dict[str, JsonValue] = {"name": name, "commit": peeled or target}
        yield kind, name, {**row, "message": subject} if peeled else row


def _commits(folder: Path) -> Iterator[tuple[str, Row]]:
    form = "--format=" + "%x00".join(_FIELDS)
    limit = f"--max-count={_MOST_COMMITS + 1}"
    listed = _git(folder, "log", "-z", "--all", "HEAD", "--date=short", limit, form, may_fail=True)
    parts = listed.split("\0")
    if len(parts) > _MOST_COMMITS * len(_FIELDS) + 1:
        raise ServerError(f"the repository grew beyond {_MOST_COMMITS} commits")
    for place in range(0, len(parts) - len(_FIELDS) + 1, len(_FIELDS)):
        name, parents, tree, author, date, subject, body = parts[place : place + len(_FIELDS)]
        fields: dict[str, JsonValue] = {
            "parents": [*parents.split()],
            "tree": tree,
            "author": author,
            "date": date,
            "subject": subject,
            "body": body.strip(),
        }
        yield name, fields


def _entries(folder: Path) -> Iterator[tuple[str, Row]]:
    for line in _git(folder, "ls-tree", "-r", "-z", "HEAD", may_fail=True).split("\0"):
        if line:
            about, _, path = line.partition("\t")
            yield path, {"path": path, "blob": about.split()[2]}


def _status(folder: Path, tree: Tree) -> Iterator[tuple[str, Row]]:
    """Give what is not as in the commit: path to the letters of `git status`, and the content."""
    how = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules")
    for line in _git(folder, "status", *how).split("\0"):
        if line:
            path, data = line[3:], tree.get(line[3:])
            content = None if data is None else hashlib.sha256(data).hexdigest()
            yield path, {"path": path, "staged": line[0], "unstaged": line[1], "content": content}


def _git(folder: Path, *arguments: str, stdin: bytes = b"", may_fail: bool = False) -> str:
    program = shutil.which("git")
    if program is None:
        raise UserError("git was not found: install it to play domains over a git server")
    try:
        done = subprocess.run(
            [program, *_QUIET, *arguments],
            cwd=folder,
            env={**_ALWAYS, "HOME": str(folder), "PATH": os.defpath},
            input=stdin,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ServerError(f"git {arguments[0]} did not end within {_TIMEOUT_S:g} s") from exc
    if done.returncode != 0 and not may_fail:
        said = done.stderr.decode("utf-8", errors="replace").strip()
        raise ServerError(f"git {arguments[0]} failed on the server's repository: {said}")
    return done.stdout.decode("utf-8", errors="replace").rstrip("\n")
