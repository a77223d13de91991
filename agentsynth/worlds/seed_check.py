"""Check the seed records of a world against their own domain.

Types, references, unique fields and invariants.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from agentsynth.core.domain import Domain
from agentsynth.core.errors import Problem, UserError
from agentsynth.worlds.fields import field_error
from agentsynth.worlds.files import Loaded
from agentsynth.worlds.rules import InvariantRule
from agentsynth.worlds.seed import make_base
from agentsynth.worlds.state import Base, Record, State
from agentsynth.worlds.steps_write import clash

__all__ = ["seed_problems"]


def seed_problems(
    domain: Domain,
    loaded: Loaded,
    *,
    world_seed: int = 0,
    base_of: Callable[[int], Base] | None = None,
) -> list[Problem]:
    """Return what is wrong with the records of one seeded world.

    One wrong record of each entity is reported, since the others are wrong alike.

    Args:
        base_of: world seed to starting state; None = the domain's own seed records.
    """
    try:
        state = State(make_base(domain, world_seed) if base_of is None else base_of(world_seed))
    except UserError as error:
        return [_unmade(error, loaded)]
    rules = [(rule.entity, InvariantRule(domain, rule)) for rule in domain.invariants]
    problems: list[Problem] = []
    for name, entity in domain.entities.items():
        own = [rule for of, rule in rules if of == name]
        wrong = next(
            (
                f"record {key!r}: {message}"
                for key, record in state.base.tables[name].items()
                for message in _record_errors(domain, state, name, key, record, own)
            ),
            None,
        )
        if wrong is not None:
            part = "generate" if entity.generate is not None else "records"
            problems.append(loaded.problem(("entities", name, part), wrong))
    return problems


def _unmade(error: UserError, loaded: Loaded) -> Problem:
    """Return why no world could be made, where the entity that the message names stands."""
    name = re.match(r"entity '(\w+)'[:,] ", str(error))
    if name is None:
        raise error
    return loaded.problem(("entities", name[1]), str(error)[name.end() :])


def _record_errors(
    domain: Domain,
    state: State,
    name: str,
    key: str,
    record: Record,
    rules: Sequence[InvariantRule],
) -> Iterator[str]:
    entity = domain.entities[name]
    sound = True
    for field_name, spec in entity.fields.items():
        value = record[field_name]
        error = field_error(spec, value)
        if error is not None:
            sound = False
            unset = "; give it a value here, or say `nullable: true`" if value is None else ""
            yield f"field {field_name!r}: {error}{unset}"
        elif spec.ref is not None and value is not None and state.get(spec.ref, value) is None:
            none = "" if state.base.tables[spec.ref] else f"; {spec.ref!r} has no records at all"
            yield f"field {field_name!r}: there is no {spec.ref} {value!r}{none}"
    shared = clash(state, name, entity, key, record)
    if shared is not None:
        yield f"has the same {', '.join(shared)} as another, which 'unique' rules out"
    for rule in rules if sound else ():
        if not rule.holds(state, record):
            yield f"breaks the invariant {rule.id!r}"
