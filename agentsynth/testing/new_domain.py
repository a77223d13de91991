"""Start a domain of one's own: a copy of a template that holds as it is, ready to be changed."""

import re
from dataclasses import dataclass
from pathlib import Path

from agentsynth.core.errors import UserError
from agentsynth.core.resources import bundled
from agentsynth.worlds.load import domain_names
from agentsynth.worlds.plugins import offered_by

__all__ = ["NewDomain", "new_domain"]

_TEMPLATE = "game_shelf"
"""The name that the templates have; it is replaced wherever it stands."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class NewDomain:
    """What was written."""

    folder: Path
    """Where domain.yaml lies."""
    test: Path
    package: Path | None
    """The folder with pyproject.toml; None = the domain is a folder only."""
    files: tuple[Path, ...]


def new_domain(name: str, out: Path, *, python: bool, package: bool) -> NewDomain:
    """Write a domain that `check-domain` accepts, and a test of it, into `out`.

    Args:
        out: folder to write into; made if it is not there.
        python: whether the tools are in tools.py instead of in YAML.
        package: whether to write a package that can be installed and offers the domain by name.

    Raises:
        UserError: if the name cannot be a domain's, something of its name is there already, or the
            folder cannot be written.
    """
    _require_name(name)
    module = f"agentsynth_{name}"
    top = out / name
    made = NewDomain(
        folder=top / "src" / module if package else top,
        test=top / "tests" / "test_domain.py" if package else out / f"test_{name}.py",
        package=top if package else None,
        files=(),
    )
    texts = _texts(made, python=python)
    if package:
        texts[made.folder / "__init__.py"] = '"""A domain for agentsynth; the folder is data."""\n'
    _write({path: _renamed(text, name) for path, text in texts.items()}, top, made.test)
    return NewDomain(made.folder, made.test, made.package, tuple(sorted(texts)))


def _require_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")
        hint = f"; try {better!r}" if better else ""
        raise UserError(
            f"{name!r} cannot name a domain: use lower-case letters, digits and '_', "
            f"and begin with a letter{hint}; the folder to write into is given by --out"
        )
    if name in domain_names() or name == _TEMPLATE:
        raise UserError(f"{name!r} is the name of a bundled domain; choose another")
    for offer in offered_by(name):
        raise UserError(f"{name!r} is the name of a domain of {offer}; choose another")


def _texts(made: NewDomain, *, python: bool) -> dict[Path, str]:
    """Return the files of the template by where they go."""
    templates = bundled("domains") / "_template"
    source = templates / ("python" if python else "declarative")
    sources = {made.folder / one.name: one for one in source.iterdir() if one.is_file()}
    if made.package is None:
        sources[made.test] = templates / "test_domain.py"
    else:
        sources[made.test] = templates / "package" / "test_domain.py"
        for name in ("pyproject.toml", "README.md"):
            sources[made.package / name] = templates / "package" / name
    return {path: one.read_text(encoding="utf-8") for path, one in sources.items()}


def _renamed(text: str, name: str) -> str:
    return text.replace(_TEMPLATE, name).replace(
        _TEMPLATE.replace("_", "-"), name.replace("_", "-")
    )


def _write(texts: dict[Path, str], top: Path, test: Path) -> None:
    """Write the files; nothing that is there is touched.

    Raises:
        UserError: if something is there, or the folder cannot be written.
    """
    for path in (top, test):
        if path.exists():
            raise UserError(
                f"{path} exists, and nothing is written over; choose another name, or another "
                "folder with --out"
            )
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise UserError(f"{error.filename}: cannot be written: {error.strerror}") from None
