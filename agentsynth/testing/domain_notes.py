"""What may be meant in a domain but is more often a slip: `check-domain` tells it all the same."""

from collections import Counter
from collections.abc import Iterator, Mapping

from agentsynth.core.intent import Draw
from agentsynth.worlds.load import DomainFolder
from agentsynth.worlds.runtime import DomainRuntime
from agentsynth.worlds.seed import make_base

__all__ = ["domain_notes"]


def domain_notes(loaded: DomainFolder, runtime: DomainRuntime) -> list[str]:
    """Return one line for each, with file, line and what to do about it."""
    if runtime.compiled is None:  # what a live server holds is not the author's
        return []
    return [*_shared_names(loaded), *_told_keys(loaded), *_spare_phrases(loaded)]


def _shared_names(loaded: DomainFolder) -> Iterator[str]:
    """Yield the entities whose records people cannot tell apart by what they call them."""
    tables = (loaded.python.base(0) if loaded.python else make_base(loaded.domain, 0)).tables
    for name, entity in loaded.domain.entities.items():
        if not entity.natural_key:
            continue
        records = tables[name].values()
        named = Counter(tuple(str(one[field]) for field in entity.natural_key) for one in records)
        shared, times = max(named.items(), key=lambda item: item[1], default=((), 1))
        if times > 1:
            yield _at_entity(
                loaded,
                name,
                f"{times} records of the first world are all called {', '.join(shared)}, and "
                f"somebody who says so means one of them; make {', '.join(entity.natural_key)} "
                "differ in every record, or have plans ask which (`narrow`)",
            )


def _told_keys(loaded: DomainFolder) -> Iterator[str]:
    """Yield the facts that are ids, which people do not know."""
    for name, intent in loaded.playbook.intents.items():
        keys = {f"={drawn}.{key}" for drawn, key in _hidden_keys(loaded, intent.draw)}
        for fact, value in intent.facts.items():
            if value in keys:
                yield str(
                    loaded.playbook_file.problem(
                        ("intents", name, "facts", fact),
                        f"{value!r} is an id, which people do not know; give what they call the "
                        "record by, its `natural_key`",
                    )
                )


def _hidden_keys(loaded: DomainFolder, draw: Mapping[str, Draw]) -> Iterator[tuple[str, str]]:
    """Yield each drawn record's name with its entity's key, where that is no name people use."""
    for drawn, how in draw.items():
        entity = loaded.domain.entities.get(how.record or "")
        if entity is not None and entity.key not in entity.natural_key:
            yield drawn, entity.key


def _spare_phrases(loaded: DomainFolder) -> Iterator[str]:
    """Yield the intents that have phrases and are not there."""
    for name in loaded.lexicon.intents:
        if name not in loaded.playbook.intents:
            message = "intents.yaml has no intent of this name, so nobody ever says this"
            yield str(loaded.lexicon_file.problem(("intents", name), message))


def _at_entity(loaded: DomainFolder, name: str, message: str) -> str:
    if loaded.python is not None:
        return str(loaded.python.source.problem("seed", f"{name!r}: {message}"))
    return str(loaded.domain_file.problem(("entities", name, "natural_key"), message))
