"""A shadow domain as the folder of files that every other part of the project reads."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import yaml

from agentsynth.evolve.shadows.emit import Source, domain_of
from agentsynth.evolve.shadows.model import Inferred, Operation
from agentsynth.evolve.shadows.phrases import lexicon_of
from agentsynth.evolve.shadows.promises import contracts_of
from agentsynth.evolve.shadows.requests import requests_of

__all__ = ["files_of", "write_folder"]


def files_of(
    name: str,
    inferred: Inferred,
    source: Source,
    operations: Sequence[Operation],
    *,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """Return the files of a shadow domain: name to the value of its YAML.

    Args:
        without: requests to leave out.
    """
    requests = [r for r in requests_of(inferred, operations) if r.name not in without]
    intents = {request.name: request.intent() for request in requests}
    return {
        "domain.yaml": domain_of(name, inferred, source, operations),
        "contracts.yaml": contracts_of(inferred, operations),
        "intents.yaml": {"schema_version": 1, "intents": intents},
        "lexicon.en.yaml": lexicon_of(requests),
    }


def write_folder(folder: Path, files: dict[str, Any]) -> None:
    """Write the files of a domain; what lay there under these names is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        text = yaml.dump(value, Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True)
        (folder / name).write_text(text, encoding="utf-8")


class _Plain(yaml.CSafeDumper):
    """Writes every value out, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Say that nothing is written as a reference to something before."""
        return True
