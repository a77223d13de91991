"""Load a domain's folder: domain.yaml, intents.yaml, lexicon.en.yaml.

Code is run only where domain.yaml names a file for it (`python: tools.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from agentsynth.core.domain import Domain
from agentsynth.core.errors import DomainError, Problem, UserError, render_problems
from agentsynth.core.intent import Playbook
from agentsynth.core.lexicon import Language, Lexicon
from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.core.resources import bundled
from agentsynth.core.workspace import EVOLVED, SHADOWS
from agentsynth.worlds.files import Loaded, load_yaml, validate
from agentsynth.worlds.plugins import offered_by, offers
from agentsynth.worlds.python_load import PythonDomain, load_python
from agentsynth.worlds.seed_check import seed_problems
from agentsynth.worlds.starting_state import seed_digests
from agentsynth.worlds.static import domain_problems
from agentsynth.worlds.wording import near

__all__ = [
    "SHADOW",
    "DomainFolder",
    "domain_names",
    "evolved_names",
    "find_domain",
    "find_manifest",
    "load_folder",
    "shadow_names",
]


SHADOW = "shadow/"
"""What the names of shadows begin with."""
EVOLVED_NAME = "evolved/"
"""What the names of evolved domains begin with."""


@dataclass(frozen=True)
class DomainFolder:
    """A domain with the data that belongs to it, all checked on its own."""

    folder: Path
    domain: Domain
    playbook: Playbook
    lexicon: Lexicon
    domain_file: Loaded
    playbook_file: Loaded
    lexicon_file: Loaded
    translations: Mapping[Language, tuple[Lexicon, Loaded]] = field(default_factory=lambda: {})
    """The lexicons of the other languages, with their files."""
    python: PythonDomain | None = None
    """What carries out the tools of a Python domain; None for every other."""

    def speaking(self, language: Language) -> "DomainFolder":
        """Return the domain with the lexicon of another of its languages."""
        lexicon, file = self.translations[language]
        return replace(self, lexicon=lexicon, lexicon_file=file)


def domain_names() -> tuple[str, ...]:
    """Return the names of the bundled domains, sorted; folders starting with `_` are left out."""
    return tuple(name for name in _bundled_names() if not name.startswith("_"))


def _bundled_names() -> tuple[str, ...]:
    root = bundled("domains")
    names = [str(path.parent.relative_to(root).as_posix()) for path in root.glob("**/domain.yaml")]
    return tuple(sorted(names))


def shadow_names() -> tuple[str, ...]:
    """Return the names of the workspace's shadows, sorted."""
    found = [
        path.parent.relative_to(SHADOWS).as_posix() for path in SHADOWS.glob("*/*/domain.yaml")
    ]
    return tuple(sorted(f"{SHADOW}{name}" for name in found))


def evolved_names() -> tuple[str, ...]:
    """Return the names of the workspace's evolved domains, sorted."""
    found = [path.parent.name for path in EVOLVED.glob("*/domain.yaml")]
    return tuple(sorted(f"{EVOLVED_NAME}{name}" for name in found))


def find_domain(name: str) -> Path:
    """Return the folder of a domain.

    Args:
        name: a bundled name (`_template/...` too), the name that an installed distribution offers
            it by, `shadow/SERVER/ENTITY` for a shadow in the workspace, `evolved/NAME` for an
            evolved domain there, or a path to a folder.

    Raises:
        UserError: naming what exists, if there is none; naming all, if there are several.
    """
    if name.startswith(SHADOW):
        return _shadow(name)
    if name.startswith(EVOLVED_NAME) and not (Path(name) / "domain.yaml").is_file():
        return _evolved(name)
    folder = Path(name)
    offered = offered_by(name)
    places = {f"{offer} (installed)": offer.folder() for offer in offered}
    if name in _bundled_names():
        places["agentsynth-engine (bundled)"] = bundled("domains") / name
    if (folder / "domain.yaml").is_file() and not any(
        folder.samefile(place) for place in places.values()
    ):
        places[f"the folder {folder.resolve()}"] = folder
    if len(places) > 1:
        raise UserError(
            f"there is more than one domain named {name!r}: {'; '.join(sorted(places))}; give "
            f"the path of the one you mean (a folder here is ./{name}), or rename the other"
        )
    if places:
        return next(iter(places.values()))
    if folder.is_dir():
        raise UserError(f"{folder}: this folder has no domain.yaml, so it is not a domain")
    raise UserError(_unknown(name))


def _shadow(name: str) -> Path:
    folder = SHADOWS / name.removeprefix(SHADOW)
    if (folder / "domain.yaml").is_file():
        return folder
    raise UserError(
        f"no shadow {name!r} in this workspace; collect its server with `agentsynth tools "
        f"collect` and make it with `agentsynth tools shadow {name.split('/')[1]}`"
    )


def _evolved(name: str) -> Path:
    folder = EVOLVED / name.removeprefix(EVOLVED_NAME)
    if (folder / "domain.yaml").is_file():
        return folder
    raise UserError(
        f"no evolved domain {name!r} in this workspace; make some with `agentsynth evolve`"
    )


def _unknown(name: str) -> str:
    installed = ", ".join(dict.fromkeys(offer.name for offer in offers()))
    known = (*domain_names(), *(offer.name for offer in offers()))
    return (
        f"unknown domain {name!r}{near(name, known)}; bundled are: {', '.join(domain_names())}; "
        + (f"installed packages offer: {installed}; " if installed else "")
        + "or give a folder's path"
    )


def find_manifest(name: str) -> ServerManifest:
    """Return the bundled manifest of a server.

    Raises:
        UserError: naming what exists, if there is none, or if it is wrong.
    """
    path = bundled("tools_registry") / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in bundled("tools_registry").glob("*.yaml")))
        raise UserError(f"unknown server manifest {name!r}; the registry has: {known}")
    return parse_manifest(load_yaml(path).value, str(path))


def load_folder(folder: Path) -> DomainFolder:
    """Load and check a domain's folder.

    Raises:
        UserError: every problem found, each with file, line and path.
    """
    domain_file = load_yaml(folder / "domain.yaml")
    domain = validate(Domain, domain_file)
    if domain.live is not None:
        domain = domain.model_copy(update={"files": seed_digests(folder, domain.live)})
    python = None
    if domain.python is not None:
        python = load_python(domain, domain_file, folder)
        domain = python.domain
    problems = domain_problems(domain, domain_file)
    if not problems:
        problems = _seed_problems(domain, domain_file, python)
    if problems:
        raise UserError(render_problems(problems))
    playbook_file = _part(folder, "intents.yaml")
    lexicon_file = _part(folder, "lexicon.en.yaml")
    return DomainFolder(
        folder=folder,
        domain=domain,
        playbook=validate(Playbook, playbook_file),
        lexicon=validate(Lexicon, lexicon_file),
        domain_file=domain_file,
        playbook_file=playbook_file,
        lexicon_file=lexicon_file,
        translations={other: _lexicon(folder, other) for other in _other_languages(folder)},
        python=python,
    )


def _part(folder: Path, name: str) -> Loaded:
    if not (folder / name).is_file():
        raise UserError(
            f"{folder / name}: no such file; a domain has domain.yaml, intents.yaml, "
            "lexicon.en.yaml and contracts.yaml (`agentsynth new-domain` writes all four)"
        )
    return load_yaml(folder / name)


def _other_languages(folder: Path) -> list[Language]:
    """Return the languages beside English that the folder has a lexicon for."""
    known: tuple[Language, ...] = get_args(Language)
    return [one for one in known if one != "en" and (folder / f"lexicon.{one}.yaml").is_file()]


def _lexicon(folder: Path, language: Language) -> tuple[Lexicon, Loaded]:
    file = load_yaml(folder / f"lexicon.{language}.yaml")
    lexicon = validate(Lexicon, file)
    if lexicon.language != language:
        problem = file.problem(("language",), f"the file is named for {language!r}")
        raise UserError(str(problem))
    return lexicon, file


def _seed_problems(domain: Domain, loaded: Loaded, python: PythonDomain | None) -> list[Problem]:
    """Return what is wrong with one seeded world, and where it was made."""
    if python is None:
        return seed_problems(domain, loaded)
    try:
        found = seed_problems(domain, loaded, base_of=python.base)
    except DomainError as error:
        raise UserError(str(error)) from error
    return [
        python.source.problem("seed", f"{'.'.join(problem.path.split('.')[1:2])} {problem.message}")
        for problem in found
    ]
