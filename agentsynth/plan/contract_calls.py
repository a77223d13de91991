"""Calls towards a contract's conditions, each a step from one that came close."""

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from agentsynth.plan.arguments import LEFT_OUT, Pools
from agentsynth.worlds.contract_eval import CompiledContract, Situation

__all__ = ["explore"]

_DRAWN = 12
_FEWEST_VALUES = 12
_BASES = 4
"""Calls that the next ones may differ from."""
_A_TURN = 120
"""Calls with which all parameters are varied once, about."""


def explore(
    compiled: CompiledContract,
    pools: Pools,
    rng: random.Random,
    aims: Callable[[], Collection[str]] = tuple,
    like: Mapping[str, Any] | None = None,
) -> Iterator[Situation]:
    """Yield calls without end: some drawn, then ever more that differ from one in one argument.

    Calls that fewer error conditions hold for are varied first, so that it comes ever closer to a
    success; half of the time, those of them for which a condition holds that is aimed at. Nothing
    but the contract is looked at.

    Args:
        aims: returns the codes that are still to be met alone.
        like: arguments of a call that the first ones differ from; None = the first are drawn.

    Raises:
        ContractMistake: the contract cannot be evaluated for one of them.
    """
    known: list[tuple[int, int, Situation]] = []
    names = list(pools.parameters)
    turn = 0
    if like is not None:
        known.append((0, 0, compiled.situation(pools.before, like)))
        turn = rng.randrange(max(len(names), 1))
    while True:
        draws = like is None or not names or turn > len(names)
        for _ in range(_DRAWN if draws else 0):
            situation = compiled.situation(pools.before, pools.call())
            known.append((len(situation.codes), turn, situation))
            yield situation
        for _ in names:
            name = names[turn % len(names)]
            known.sort(key=lambda one: one[:2])
            wanted = aims() if rng.random() < 0.5 else ()
            towards = [one for one in known if one[0] > 1 and not one[2].codes.isdisjoint(wanted)]
            bases = _unlike(towards or known)
            base = bases[0] if rng.random() < 0.5 else rng.choice(bases)
            turn += 1
            for value in _some(pools.options(name, base), len(names), rng):
                changed = {k: v for k, v in base.arguments.items() if k != name}
                if value is not LEFT_OUT:
                    changed[name] = value
                situation = compiled.situation(pools.before, changed)
                # Later ones are taken first: what is varied changes from turn to turn.
                known.append((len(situation.codes), -turn, situation))
                yield situation


def _unlike(known: Sequence[tuple[int, int, Situation]]) -> list[Situation]:
    """Return the first calls for which different codes are due: from one alone may be no way on."""
    found: dict[frozenset[str], Situation] = {}
    for _, _, situation in known:
        found.setdefault(situation.codes, situation)
        if len(found) == _BASES:
            break
    return list(found.values())


def _some(values: list[Any], parameters: int, rng: random.Random) -> list[Any]:
    """Return the first of many values and some of the rest: every parameter is to have its turn."""
    most = max(_FEWEST_VALUES, _A_TURN // parameters)
    if len(values) <= most:
        return values
    first = most // 4
    return [*values[:first], *rng.sample(values[first:], most - first)]
