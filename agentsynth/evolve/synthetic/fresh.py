"""What new records and merged policies need when an archetype is grafted."""

from collections.abc import Sequence

from agentsynth.evolve.synthetic.blueprint import ActionPlan, FieldPlan, Guard

__all__ = ["filling", "fresh_value", "half_kept_by_agent"]


def half_kept_by_agent(actions: Sequence[ActionPlan]) -> tuple[ActionPlan, ...]:
    """Return actions with no more rules that tools keep than there are for the agent to keep.

    What is above that the tools refuse all the same; only the policy does not say so.
    """
    left = 1 + any(action.party is not None for action in actions)
    left += sum(guard.rule and guard.by == "agent" for a in actions for guard in a.guards)
    made: list[ActionPlan] = []
    for action in actions:
        guards: list[Guard] = []
        for guard in action.guards:
            stated = guard.rule and guard.by == "world"
            over = stated and left <= 0
            left -= stated and not over
            guards.append(guard.model_copy(update={"rule": False}) if over else guard)
        made.append(action.model_copy(update={"guards": tuple(guards)}))
    return tuple(made)


def filling(action: ActionPlan, role: str, more: Sequence[FieldPlan]) -> ActionPlan:
    """Return an action whose new records of a role have fields that it has got since."""
    fresh = {field.name: fresh_value(field) for field in more}
    effects = tuple(
        e.model_copy(update={"values": {**fresh, **e.values}})
        if e.kind == "create" and e.entity == role
        else e
        for e in action.effects
    )
    return action.model_copy(update={"effects": effects})


def fresh_value(field: FieldPlan) -> str | int | bool | None:
    """Return what a field of a new record holds when nothing is said of it."""
    match field.kind:
        case "status" | "choice":
            return field.values[0]
        case "flag":
            return False
        case "number" | "count" | "money":
            return field.low if field.kind != "count" else 0
        case "date":
            return "=today"
        case _:
            return None
