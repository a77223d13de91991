"""What judges answered, kept in git: one file a judge, one line an answer, raw.

An answer is found by a key over all that it depends on. What it means is read when it is replayed,
so a change of the reading shows as well. Texts are kept as the model gave them, but for what looks
like a secret.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue, ValidationError

from agentsynth.core.errors import StoreError, UserError
from agentsynth.core.frozen import Frozen
from agentsynth.core.ids import canonical_json, content_id
from agentsynth.core.secrets import is_secret_value
from agentsynth.judge.panel import Order
from agentsynth.models.settings import ModelSettings, sampling_of

__all__ = ["CASSETTES", "Answer", "Cassettes", "Header", "Parts", "header_of", "scrubbed"]

CASSETTES = "cassettes"
"""Folder of the cassettes, beside the goldens."""

_RUN = re.compile(r"[^\s\"'`<>{}()\[\],;\\]+")
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_REMOVED = "[removed]"


class Parts(Frozen):
    """All that an answer depends on, but for the judge."""

    prompts: tuple[str, ...]
    """Ids of the judge's prompt files."""
    question: str
    """`Criterion.question_id`."""
    transcript: str
    """`Transcript.id`."""
    sample: int = 0
    order: Order = "given"


class Header(Frozen):
    """The first line of a cassette: whose answers these are."""

    schema_version: int = Field(default=1, ge=1, le=1)
    judge: str
    """The model's name."""
    sampling: dict[str, JsonValue]
    """`sampling_of` its settings: what decides the replies."""
    note: str = ""

    def key(self, parts: Parts) -> str:
        """Return the key of an answer of this judge: 64 hex digits."""
        whole = {"judge": self.judge, "sampling": self.sampling, **parts.model_dump(mode="json")}
        return hashlib.sha256(canonical_json(whole).encode("utf-8")).hexdigest()

    @property
    def file(self) -> str:
        """The name of its file: the model's, and a hash of what decides the replies."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.judge.lower()).strip("-") or "judge"
        return f"{slug[:48]}-{content_id(self.sampling)[3:11]}.jsonl"


class Answer(Frozen):
    """One answer as it came."""

    key: str
    golden: str
    criterion: str
    parts: Parts
    texts: tuple[str, ...] = Field(min_length=1, max_length=2)
    """The reply; and the one after the repair, if the first could not be read."""
    prompt_tokens: int | None = None
    """Of all requests together; None = not said."""
    completion_tokens: int | None = None
    recorded: str
    """Day, ISO."""
    finish: str = ""
    """Why the model stopped, in the endpoint's word; "" = not said."""


def header_of(settings: ModelSettings, note: str = "") -> Header:
    """Return the header of a judge's cassette."""
    return Header(judge=settings.model, sampling=sampling_of(settings), note=note)


def scrubbed(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without what looks like a secret.

    Args:
        secrets: values that are known to be secret, as those of the keys in use.
    """
    for secret in secrets:
        text = text.replace(secret, _REMOVED) if secret else text
    text = _BEARER.sub(lambda m: f"{m[1]} {_REMOVED}", text)
    return _RUN.sub(lambda m: _REMOVED if is_secret_value(m[0]) else m[0], text)


@dataclass
class Cassettes:
    """A folder of cassettes, in memory. `write` puts down what was changed."""

    folder: Path
    headers: dict[str, Header] = field(default_factory=lambda: {})
    """By file."""
    answers: dict[str, dict[str, Answer]] = field(default_factory=lambda: {})
    """By file, by key."""
    _changed: set[str] = field(default_factory=lambda: set[str]())

    @classmethod
    def read(cls, folder: Path) -> "Cassettes":
        """Return the cassettes of a folder; one that is not there is empty.

        Raises:
            UserError: with file and line, for what is no answer or has another key than it should.
        """
        made = cls(folder)
        for path in sorted(folder.glob("*.jsonl")):
            made._load(path)
        return made

    def get(self, header: Header, key: str) -> Answer | None:
        """Return an answer; None = there is none."""
        return self.answers.get(header.file, {}).get(key)

    def put(self, header: Header, answer: Answer) -> None:
        """Keep an answer in the place of an earlier one."""
        self.headers.setdefault(header.file, header)
        self.answers.setdefault(header.file, {})[answer.key] = answer
        self._changed.add(header.file)

    def drop(self, header: Header, keys: Iterable[str]) -> None:
        """Forget answers."""
        kept = self.answers.get(header.file, {})
        for key in keys:
            kept.pop(key, None)
        self._changed.add(header.file)

    def write(self) -> None:
        """Write the files that were changed, sorted; a file without answers goes.

        Raises:
            StoreError: if the disk does not take it.
        """
        for name in sorted(self._changed):
            path, kept = self.folder / name, self.answers.get(name, {})
            try:
                if kept:
                    self.folder.mkdir(parents=True, exist_ok=True)
                    _replace(path, _text(self.headers[name], kept.values()))
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"{path}: cannot be written: {error.strerror}") from error
        self._changed.clear()

    def _load(self, path: Path) -> None:
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: cannot be read: {error}") from None
        header: Header | None = None
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                if header is None:
                    header = Header.model_validate_json(line)
                    self.headers[path.name] = header
                    continue
                answer = Answer.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                place = ".".join(str(part) for part in first["loc"]) or "the line"
                raise UserError(f"{where}: {place}: {first['msg']}; record it again") from None
            if header.key(answer.parts) != answer.key:
                raise UserError(f"{where}: the key is not that of its parts; record it again")
            self.answers.setdefault(path.name, {})[answer.key] = answer
        if header is not None and header.file != path.name:
            raise UserError(
                f"{path}: by its first line this file is called {header.file}; rename it"
            )


def _text(header: Header, answers: Iterable[Answer]) -> str:
    ordered = sorted(answers, key=lambda a: (a.golden, a.criterion, a.parts.sample, a.key))
    lines: list[dict[str, Any]] = [header.model_dump(mode="json")]
    lines += [answer.model_dump(mode="json", exclude_none=True) for answer in ordered]
    return "".join(json.dumps(one, sort_keys=True, ensure_ascii=False) + "\n" for one in lines)


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    os.replace(unfinished, path)
