"""How a synthetic domain's tools look from outside: names, keys of results, ids, lists."""

from typing import Any

from agentsynth.core.ids import derive_seed
from agentsynth.evolve.synthetic.blueprint import ActionPlan, Blueprint, EntityPlan

__all__ = ["Outside"]

_STEPS = (97, 61, 83, 53, 71, 89, 67, 59)


class Outside:
    """The names that a blueprint's interface gives to everything."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.style = blueprint.interface

    def _tool(self, verb: str, noun: str) -> str:
        match self.style.naming:
            case "camel":
                return _camel(f"{verb}_{noun}")
            case "kebab":
                return f"{verb}_{noun}".replace("_", "-")
            case "noun_first":
                return f"{noun}_{verb}"
            case "prefixed":
                return f"{self._prefix}_{verb}_{noun}"
            case _:
                return f"{verb}_{noun}"

    @property
    def _prefix(self) -> str:
        words = self.blueprint.name.rpartition("/")[2].replace("-", "_").split("_")
        return words[0] if len(words[0]) > 2 else "_".join(words[:2])

    def action(self, action: ActionPlan) -> str:
        """Return the tool of an action."""
        noun = self.blueprint.entity(action.subject).noun
        return self._tool(action.verb.name, noun.name)

    def getter(self, entity: EntityPlan) -> str:
        """Return the tool that shows one record."""
        return self._tool("get", entity.noun.name)

    def lister(self, entity: EntityPlan) -> str:
        """Return the tool by which records are found."""
        verb = "search" if self.searched(entity) else "list"
        return self._tool(verb, entity.noun.plural)

    def searched(self, entity: EntityPlan) -> bool:
        """Whether records are found by a part of their name: people always are."""
        return entity.sort == "party" or (
            self.style.looking == "search" and entity.sort in ("thing", "staff")
        )

    def key(self, name: str) -> str:
        """Return a name as results and parameters have it."""
        return _camel(name) if self.style.naming == "camel" else name

    def id_of(self, entity: EntityPlan) -> str:
        """Return the parameter that takes a record's key."""
        return self.key(f"{entity.noun.name}_id")

    def items(self, entity: EntityPlan) -> str:
        """Return where the entries are in a list's result."""
        return (
            "items" if self.style.lists in ("pages", "envelope") else self.key(entity.noun.plural)
        )

    def record_at(self, entity: EntityPlan) -> str:
        """Return where the record is in a result that shows one; empty = it is the result."""
        return self.key(entity.noun.name) if self.style.results == "nested" else ""

    def _start(self, entity: EntityPlan) -> int:
        """Return two digits that an entity's keys begin with, others for each entity."""
        place = [one.role for one in self.blueprint.entities].index(entity.role)
        return 10 + (derive_seed("keys", self.blueprint.name) + 7 * place) % 80

    def seed_key(self, entity: EntityPlan, index: str) -> str:
        """Return the expression of the key of the seed record with this number."""
        step = _STEPS[derive_seed("step", self.blueprint.name, entity.role) % len(_STEPS)]
        return f"{self._key_head(entity)} + string({self._start(entity)}013 + ({index}) * {step})"

    def _key_head(self, entity: EntityPlan) -> str:
        match self.style.ids:
            case "numbers":
                return f"'{self._start(entity)}'"
            case "long":
                return f"'{entity.noun.name[:4]}_{self._start(entity)}'"
            case _:
                return f"'{entity.code}-'"

    def id_pattern(self, entity: EntityPlan) -> str:
        """Return how keys look."""
        return f"{self._key_head(entity)[1:-1]}#####"

    def id_example(self, entity: EntityPlan) -> str:
        """Return what an id looks like, for descriptions."""
        return f"{self._key_head(entity)[1:-1]}{self._start(entity)}013"

    def described(self, short: str, more: str = "") -> str:
        """Return a tool's description in the interface's manner."""
        return short if self.style.words == "terse" or not more else f"{short} {more}"

    def named(self, entity: EntityPlan) -> dict[str, tuple[EntityPlan, str, str]]:
        """Return the names that a record shows of those it refers to.

        Returns:
            Key in the result to the table, the field that refers to it, and its field that names
            it.
        """
        found: dict[str, tuple[EntityPlan, str, str]] = {}
        if entity.sort not in ("record", "line", "entry"):
            return found
        for field in entity.fields:
            if field.kind != "ref" or field.nullable:
                continue
            target = self.blueprint.entity(str(field.target))
            own = next((n for n in target.known_by if target.field(n).kind != "ref"), None)
            if own is not None:
                found[self.key(f"{target.noun.name}_{own}")] = (target, field.name, own)
        return found

    def shown(self, entity: EntityPlan, of: str) -> dict[str, Any]:
        """Return a record as results show it: id and all fields."""
        names = ["id", *(field.name for field in entity.fields)]
        return {self.key(name): f"={of}.{name}" for name in names}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
