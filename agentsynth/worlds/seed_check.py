"""Check the seed records of a world against their own domain: types, references, invariants."""

from collections.abc import Callable, Iterator

from agentsynth.core.domain import Domain
from agentsynth.core.errors import Problem
from agentsynth.worlds.expressions import compile_expression
from agentsynth.worlds.files import Loaded
from agentsynth.worlds.seed import make_base
from agentsynth.worlds.semantics import field_error
from agentsynth.worlds.state import Base, Record

__all__ = ["seed_problems"]


def seed_problems(
    domain: Domain,
    loaded: Loaded,
    *,
    world_seed: int = 0,
    base_of: Callable[[int], Base] | None = None,
) -> list[Problem]:
    """Return what is wrong with the records of one seeded world: types, references, invariants.

    One wrong record of each entity is reported, since the others are wrong alike.

    Args:
        base_of: world seed to starting state; None = the domain's own seed records.
    """
    base = make_base(domain, world_seed) if base_of is None else base_of(world_seed)
    problems: list[Problem] = []
    for name, entity in domain.entities.items():
        wrong = next(
            (
                f"record {key!r}: {message}"
                for key, record in base.tables[name].items()
                for message in _record_errors(domain, base, name, record)
            ),
            None,
        )
        if wrong is not None:
            part = "generate" if entity.generate is not None else "records"
            problems.append(loaded.problem(("entities", name, part), wrong))
    return problems


def _record_errors(domain: Domain, base: Base, name: str, record: Record) -> Iterator[str]:
    for field_name, spec in domain.entities[name].fields.items():
        value = record[field_name]
        error = field_error(spec, value)
        if error is not None:
            yield f"field {field_name!r}: {error}"
        elif spec.ref is not None and value is not None and value not in base.tables[spec.ref]:
            yield f"field {field_name!r}: there is no {spec.ref} {value!r}"
    for rule in domain.invariants:
        if rule.entity == name:
            holds = compile_expression(rule.require).evaluate({"it": record, "today": base.today})
            if holds is not True:
                yield f"breaks the invariant {rule.id!r}"
