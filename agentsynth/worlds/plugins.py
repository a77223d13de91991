"""Domains that installed distributions offer by entry points of the group `agentsynth.domains`.

    [project.entry-points."agentsynth.domains"]
    tea_shop = "agentsynth_tea_shop"              # a package whose folder holds domain.yaml
    tea_shop_night = "agentsynth_tea_shop.night"  # or a folder inside it

Finding a domain reads what the installer wrote down and looks for a folder. No code of the
distribution runs for it: the package is located, never imported.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path

from agentsynth.core.errors import UserError

__all__ = ["GROUP", "Offer", "offered_by", "offers"]

GROUP = "agentsynth.domains"
"""The entry point group."""

_A_NAME = re.compile(r"[a-z][a-z0-9_]*(?:/[a-z][a-z0-9_]*)*")
_OURS = ("shadow/", "live/")
"""Beginnings of names that are not given away."""
_MALFORMED = (AttributeError, KeyError, OSError, TypeError, ValueError)
"""What reading a distribution's metadata raises if an installer or a person has damaged it."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One domain of one installed distribution, as the installer wrote it down."""

    name: str
    distribution: str
    """Name of the distribution, such as `agentsynth-tea-shop`."""
    version: str
    target: str
    """Dotted path of the package, or of a folder inside one, that holds domain.yaml."""
    installed: Distribution

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    def folder(self) -> Path:
        """Return the domain's folder; nothing of the distribution is run.

        Raises:
            UserError: if its name cannot be a domain's, there is no such folder, or it has no
                domain.yaml.
        """
        if _A_NAME.fullmatch(self.name) is None or self.name.startswith(_OURS):
            raise UserError(
                f"{self} offers a domain named {self.name!r}; a name is lower-case letters, digits "
                f"and '_', starts with a letter, and does not begin with {' or '.join(_OURS)}"
            )
        looked: list[str] = []
        for folder in self._places():
            if (folder / "domain.yaml").is_file():
                return folder.resolve()
            looked.append(str(folder))
        seen = f"looked in {', '.join(dict.fromkeys(looked))}" if looked else "no such package"
        raise UserError(
            f"the domain {self.name!r} of {self} cannot be found: its entry point names "
            f"{self.target!r}, which has to be a package whose folder holds domain.yaml ({seen}); "
            "is domain.yaml among the files that the package installs?"
        )

    def _places(self) -> Iterator[Path]:
        """Yield where the folder may be: among the installed files, or where imports lead."""
        parts = self.target.split(".")
        if not all(part.isidentifier() for part in parts):
            return
        yield Path(str(self.installed.locate_file("/".join(parts))))
        try:
            spec = find_spec(parts[0])  # of a top-level name: finds it without importing
        except (ImportError, ValueError):
            return
        if spec is None:
            return
        for place in spec.submodule_search_locations or ():
            inside = Path(place).joinpath(*parts[1:])
            yield inside
            if inside.with_suffix(".py").is_file():
                yield inside.parent


def offers() -> tuple[Offer, ...]:
    """Return all domains that installed distributions offer, by name and distribution.

    Distributions whose metadata cannot be read are passed over.
    """
    return _offers(tuple(sys.path))


def offered_by(name: str) -> tuple[Offer, ...]:
    """Return who offers a domain of this name; usually nobody, or one."""
    return tuple(offer for offer in offers() if offer.name == name)


@lru_cache(maxsize=4)
def _offers(path: tuple[str, ...]) -> tuple[Offer, ...]:
    """Return the offers of everything installed on the path; as in imports, the first counts."""
    found: list[Offer] = []
    seen: set[str] = set()
    for installed in distributions(path=list(path)):
        try:
            entries = [entry for entry in installed.entry_points if entry.group == GROUP]
            if not entries:
                continue  # most are none of ours, and their metadata is slow to read
            name, version = str(installed.metadata["Name"]), str(installed.version)
        except _MALFORMED:
            continue
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key not in seen:
            seen.add(key)
            found += [Offer(e.name, name, version, e.value, installed) for e in entries]
    return tuple(sorted(found, key=lambda one: (one.name, one.distribution)))
