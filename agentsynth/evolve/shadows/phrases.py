"""How people and assistant talk about a shadow's records: phrases made from nouns and labels."""

import re
from collections.abc import Sequence
from typing import Any

from agentsynth.evolve.shadows.forms import plural
from agentsynth.evolve.shadows.request import Request, Slot

__all__ = ["lexicon_of"]

_KEY = r"([A-Z]{1,8}-\d{5}|\d{7})"
_DONE = {
    "create": "created", "delete": "deleted", "cancel": "cancelled", "pin": "pinned",
    "unpin": "unpinned", "star": "starred", "unstar": "unstarred",
}  # fmt: skip


def lexicon_of(requests: Sequence[Request]) -> dict[str, Any]:
    """Return a domain's English lexicon as the value of its YAML."""
    slots: dict[str, Any] = {}
    for request in requests:
        for slot in request.slots:
            slots.setdefault(slot.name, _slot(slot))
    intents = {request.name: _intent(request) for request in requests}
    return {"schema_version": 1, "language": "en", "slots": slots, "intents": intents}


def _said(slot: Slot) -> str:
    """Return a slot as it stands in a sentence."""
    quoted = slot.kind in ("text", "enum")
    return f'"{{{slot.name}}}"' if quoted else f"{{{slot.name}}}"


def _slot(slot: Slot) -> dict[str, Any]:
    label = slot.label
    said = _said(slot)
    ends = r"(?:'s name| name| title| id| number| key)?"
    joint = r"(?: is| should be| would be| to| of| on| called| named|:|,)?"
    at = rf"\b{re.escape(label)}{ends}{joint} "
    made: dict[str, Any] = {"hearing": "pattern"}
    match slot.kind:
        case "date":
            made = {"type": "date", "hearing": "date"}
        case "count":
            made |= {"type": "count", "patterns": [rf"(?i:{at})(\d+)\b"]}
        case "key":
            made["patterns"] = [rf"(?i:{at}){_KEY}\b"]
        case _:
            made["patterns"] = [rf'(?i:{at})["“]([^"”]+)["”]']
    if slot.naming:
        made["tell"] = [
            f"It's the {label} {said}.",
            f"The {label} is {said}.",
            f"I mean the {label} {said}.",
            f"The {label} {said}.",
        ]
        made["ask"] = [
            f"Which {label} do you mean?",
            f"Which {label} is it about?",
            f"Could you tell me which {label} it is?",
        ]
    else:
        made["tell"] = [
            f"The {label} should be {said}.",
            f"The {label} is {said}.",
            f"{label.capitalize()}: {said}.",
            f"Please use the {label} {said}.",
        ]
        made["ask"] = [
            f"What should the {label} be?",
            f"Which {label} should I enter?",
            f"What {label} would you like?",
        ]
    word = re.escape(label)
    made["asked_by"] = [rf"\b(?:which|what)\b[^.?!]*\b{word}\b", rf"\b{word}\b[^.!]*\?"]
    return made


def _article(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def _participle(verb: str) -> str:
    if verb in _DONE:
        return _DONE[verb]
    return f"{verb}d" if verb.endswith("e") else f"{verb}ed"


def _intent(request: Request) -> dict[str, Any]:
    match request.deed:
        case "create":
            return _create(request)
        case "delete" | "flag":
            verb = "delete" if request.deed == "delete" else request.asked
            return _act(request, verb)
        case "update":
            return _update(request)
        case "count":
            return _count(request)
        case _:
            return _ask(request)


def _rest(request: Request, *, without: str | None) -> list[Slot]:
    return [slot for slot in request.slots if slot.name != without]


def _listed(slots: Sequence[Slot]) -> str:
    """Return slots as optional parts of a sentence."""
    return "".join(f"[, {slot.label} {_said(slot)}]" for slot in slots)


def _sentences(slots: Sequence[Slot]) -> str:
    """Return slots as optional sentences."""
    return "".join(f"[ The {slot.label} is {_said(slot)}.]" for slot in slots)


def _whole(slots: Sequence[Slot]) -> str:
    """Return slots as parts of a read-back: all of them."""
    return "".join(f", {slot.label} {_said(slot)}" for slot in slots)


def _subject(request: Request) -> tuple[str, Slot | None]:
    """Return what the request is about, in words, and its slot."""
    slot = next((slot for slot in request.slots if slot.name == request.subject), None)
    if slot is None:
        return request.noun, None
    return f"{request.noun} {_said(slot)}", slot


def _claims(done: str) -> list[str]:
    return [
        rf"\bI(?:'ve|’ve| have) (?:now )?{done}\b",
        rf"\bhas (?:now )?been {done}\b",
        rf"\bis (?:now )?{done}\b",
    ]


def _create(request: Request) -> dict[str, Any]:
    thing, slot = _subject(request)
    rest = _rest(request, without=slot.name if slot else None)
    noun = request.noun
    named = f"[ {_said(slot)}]" if slot is not None else ""
    key = f"{{made.{request.key}}}"
    return {
        "open": [
            f"Please create {_article(noun)}{named}{_listed(rest)}.",
            f"I need a new {noun}{named}.{_sentences(rest)}",
            f"Could you set up {_article(noun)}{named} for me?{_sentences(rest)}",
            f"New {noun}{named}{_listed(rest)}, please.",
            f"Can you add {_article(noun)}{named}{_listed(rest)}?",
            f"We're missing {_article(noun)}{named} here. Please add it.{_sentences(rest)}",
            f"I'd like to have a new {noun}{named} created.{_sentences(rest)}",
        ],
        "propose": [
            f"I'd create the {thing}{_whole(rest)}. Shall I go ahead?",
            f"So that is a new {thing}{_whole(rest)}. Is that right?",
            f"Let me read that back: new {thing}{_whole(rest)}. Shall I go ahead?",
            f"To confirm, a new {thing}{_whole(rest)}. Do you want me to create it?",
        ],
        "done": [
            f"I've created the {thing}. Its {request.key_label} is {key}.",
            f"Done, the {thing} has been created, with the {request.key_label} {key}.",
            f"All set. The {thing} is now created.",
            f"I've now created the {thing} for you.",
        ],
        "claims": _claims("created"),
    }


def _act(request: Request, verb: str) -> dict[str, Any]:
    thing, slot = _subject(request)
    rest = _rest(request, without=slot.name if slot else None)
    noun, done = request.noun, _participle(verb)
    return {
        "open": [
            f"Please {verb} the {thing}{_listed(rest)}.",
            f"Could you {verb} the {thing}?{_sentences(rest)}",
            f"I want to {verb} {_article(noun)}, namely the {thing}.{_sentences(rest)}",
            f"The {thing} should be {done}.{_sentences(rest)}",
            f"Can you {verb} the {thing} for me{_listed(rest)}?",
            f"We no longer need it as it is: please {verb} the {thing}.{_sentences(rest)}",
        ],
        "propose": [
            f"I'd {verb} the {thing}{_whole(rest)}. Shall I go ahead?",
            f"So you want me to {verb} the {thing}{_whole(rest)}. Is that right?",
            f"To confirm, the {thing}{_whole(rest)} is the one to {verb}. Shall I go ahead?",
        ],
        "done": [
            f"I've {done} the {thing}.",
            f"Done, the {thing} has been {done}.",
            f"The {thing} is now {done}.",
        ],
        "claims": _claims(done),
    }


def _update(request: Request) -> dict[str, Any]:
    thing, slot = _subject(request)
    rest = _rest(request, without=slot.name if slot else None)
    asked = request.asked
    return {
        "open": [
            f"Please change the {asked} of the {thing}.{_sentences(rest)}",
            f"Could you update the {thing}?{_sentences(rest)}",
            f"The {thing} needs another {asked}.{_sentences(rest)}",
            f"Can you edit the {thing} for me{_listed(rest)}?",
            f"Something changed about the {thing}.{_sentences(rest)} Please enter that.",
            f"I'd like to have the {thing} updated{_listed(rest)}.",
        ],
        "propose": [
            f"I'd update the {thing}{_whole(rest)}. Shall I go ahead?",
            f"So the {thing} gets these values{_whole(rest)}. Is that right?",
            f"To confirm, I'd change the {thing}{_whole(rest)}. Shall I go ahead?",
        ],
        "done": [
            f"I've updated the {thing}.",
            f"Done, the {thing} has been updated.",
            f"The {thing} is now updated.",
        ],
        "claims": _claims("updated"),
    }


def _ask(request: Request) -> dict[str, Any]:
    thing, slot = _subject(request)
    rest = _rest(request, without=slot.name if slot else None)
    asked = request.asked
    return {
        "open": [
            f"What is the {asked} of the {thing}?{_sentences(rest)}",
            f"Could you look up the {asked} of the {thing}{_listed(rest)}?",
            f"I need the {asked} of the {thing}.{_sentences(rest)}",
            f"Can you tell me which {asked} the {thing} has?{_sentences(rest)}",
            f"Please check the {thing} for me{_listed(rest)}. I'm after its {asked}.",
            f"Quick question about the {thing}: what {asked} does it have?{_sentences(rest)}",
        ],
        "answer": [
            f"The {asked} of the {thing} is {{answer}}.",
            f"It is {{answer}}. That is the {asked} of the {thing}.",
            f"The {thing} has the {asked} {{answer}}.",
        ],
    }


def _count(request: Request) -> dict[str, Any]:
    many = plural(request.noun.replace(" ", "_")).replace("_", " ")
    rest = request.slots
    return {
        "open": [
            f"How many {many} are there?{_sentences(rest)}",
            f"Could you count the {many} for me{_listed(rest)}?",
            f"I need the number of {many}{_listed(rest)}.",
            f"How many {many} do we have at the moment?{_sentences(rest)}",
            f"Please tell me how many {many} exist{_listed(rest)}.",
        ],
        "answer": [
            f"The number of {many} is {{total}}.",
            f"I count {{total}} {many}.",
            f"{{total}} {many} are listed.",
        ],
    }
