"""A server's operations as domains of a size that one agent is given: by what needs what.

An edge of the co-use graph says that one operation needs what another returns: a record's key, or
the key of what it belongs to. A domain is one entity with what belongs to it, and the look-ups of
what it belongs to.
"""

from collections.abc import Mapping

from agentsynth.evolve.shadows.model import Inferred, Operation, ShadowEntity

__all__ = ["Part", "partition"]

MOST_TOOLS = 16
"""Operations of a domain, look-ups of owners not counted."""
FEW = 5
"""Entities with fewer operations share a domain where there is room."""

Part = tuple[str, tuple[Operation, ...]]
"""Name of the main entity, and the operations of the domain."""


def partition(inferred: Inferred, operations: Mapping[str, Operation]) -> list[Part]:
    """Return the domains of a server, the largest entities first; every operation is in one."""
    own: dict[str, list[Operation]] = {}
    for one in operations.values():
        own.setdefault(one.entity, []).append(one)
    waiting = sorted(own, key=lambda name: (-len(own[name]), name))
    parts: list[Part] = []
    while waiting:
        main = waiting.pop(0)
        chosen = [main]
        size = len(own[main])
        for name in _near(main, waiting, inferred.entities):
            if size + len(own[name]) <= MOST_TOOLS:
                chosen.append(name)
                size += len(own[name])
        if size < FEW:
            for name in [n for n in reversed(waiting) if n not in chosen and len(own[n]) < FEW]:
                if size + len(own[name]) <= MOST_TOOLS // 2:
                    chosen.append(name)
                    size += len(own[name])
        waiting = [name for name in waiting if name not in chosen]
        kept = [one for name in chosen for one in own[name]]
        parts.append((main, (*kept, *_lookups(chosen, own, inferred.entities))))
    return parts


def _near(main: str, others: list[str], entities: Mapping[str, ShadowEntity]) -> list[str]:
    """Return what belongs to an entity, then what it refers to."""
    below = [name for name in others if _needs(entities[name], main)]
    above = [name for name in others if name not in below and _needs(entities[main], name)]
    return [*below, *above]


def _needs(entity: ShadowEntity, other: str) -> bool:
    return any(
        one.ref == other and (one.required or one.origin == "scope") for one in entity.fields
    )


def _lookups(
    chosen: list[str], own: Mapping[str, list[Operation]], entities: Mapping[str, ShadowEntity]
) -> list[Operation]:
    """Return the look-ups by which the owners of these entities are found, and their owners'."""
    found: dict[str, Operation] = {}
    waiting, seen = list(chosen), set(chosen)
    while waiting:
        for one in entities[waiting.pop()].fields:
            if one.ref is None or one.ref in seen or not (one.required or one.origin == "scope"):
                continue
            seen.add(one.ref)
            lists = [o for o in own.get(one.ref, []) if o.deed == "list"]
            if lists:
                best = min(lists, key=lambda o: (o.query is not None, len(o.scope), o.tool))
                found[best.tool] = best
                waiting.append(one.ref)
    return list(found.values())
