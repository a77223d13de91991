"""What normalising a schema has to say: one note per thing that was rewritten, dropped or lost."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LOSSES", "MEANINGS", "Note"]


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One thing that was rewritten, dropped or given up."""

    code: str
    """One of `MEANINGS`."""
    where: str
    """JSON pointer into the view, or to where the dropped key would stand in it."""


_REWRITTEN = {
    "all_of_merged": "an allOf of one schema was merged into its node",
    "beside_reference": "keywords beside a reference, without effect in draft-07, were dropped",
    "boolean_schema": "true or false was written as a schema",
    "branches_joined": "an anyOf was flattened, freed of doubles, or null was put last",
    "dropped_key": "a key that is no JSON Schema, or forbids nothing here, was dropped",
    "items_added": "an array without items was given items that may be anything",
    "older_spelling": "an older draft's spelling was replaced",
    "one_of_null": "oneOf [X, null] was written as anyOf",
    "one_type": "a list of types of which one is possible was written as that type",
    "reference_inlined": "a local reference was replaced by what it names",
    "required_repaired": "doubles and what is no name were taken out of required",
    "root_type": "the parameters were said to be an object",
    "type_list_kept": "a list of types stays, since the node has an anyOf of its own",
    "type_list_split": "a list of types was written as anyOf",
}
_LOST = {
    "given_up": "a keyword was left out, since without what was lost it could forbid too much",
    "invalid_keyword": "a keyword's value is not legal; the keyword was dropped",
    "not_a_schema": "something else stands where a schema should; anything is accepted there",
    "null_added": "null was added, as OpenAPI's nullable asks",
    "one_of_loosened": "oneOf was written as anyOf, since its branches lost something",
    "pattern_dropped": "a pattern that Python cannot compile was dropped",
    "recursion_cut": "a schema that holds itself was cut; anything is accepted there",
    "reference_lost": "a reference names nothing here; anything is accepted there",
    "required_unknown": "names that are no properties were taken out of required",
    "too_deep": "nesting was cut; anything is accepted there",
    "too_large": "the schema was cut; anything is accepted there",
}
_NARROWED = {"type_assumed": "a node with properties and no type was said to be an object"}

MEANINGS: Mapping[str, str] = _REWRITTEN | _LOST | _NARROWED
"""Every code of a note, and what it tells."""

LOSSES = frozenset(_LOST)
"""Codes after which the view accepts more than the raw schema does."""
