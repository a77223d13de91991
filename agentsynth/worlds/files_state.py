"""The state of a folder: one row a file or folder, by path, with what a text file says."""

import hashlib

from agentsynth.worlds.scratch_files import Tree
from agentsynth.worlds.tables import Row, Tables

__all__ = ["FILES", "file_tables"]

FILES = "files"
_MOST_TEXT = 64_000
"""Bytes up to which a text is part of the row; of a larger file only size and hash are."""


def file_tables(tree: Tree) -> Tables:
    """Return the table `files`: path, folder, name, kind, and of files size and text, or hash."""
    return {FILES: {path: _row(path, data) for path, data in tree.items()}}


def _row(path: str, data: bytes | None) -> Row:
    above, _, name = path.rpartition("/")
    place = {"path": path, "folder": above, "name": name}
    if data is None:
        return {**place, "kind": "folder"}
    text = _text(data)
    content = {"text": text} if text is not None else {"sha256": hashlib.sha256(data).hexdigest()}
    return {**place, "kind": "file", "size": len(data), **content}


def _text(data: bytes) -> str | None:
    """Return a file's text; None = it is none, or too long."""
    if len(data) > _MOST_TEXT or b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
