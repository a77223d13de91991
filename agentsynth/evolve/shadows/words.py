"""The words of tool names: how a name is cut, what its verb does, what its noun is.

Nothing here knows a server or a tool: verbs and nouns are those of English and of common APIs.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "TRANSITIONS",
    "Name",
    "common_prefix",
    "read_name",
    "singular",
    "snake",
    "tokens_of",
]

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")

_VERBS: dict[str, str] = {
    **dict.fromkeys(("create", "new", "insert", "register", "make", "draft", "raise"), "create"),
    **dict.fromkeys(("add", "post", "put", "open"), "add"),
    **dict.fromkeys(
        ("get", "fetch", "retrieve", "read", "show", "describe", "view", "info"), "get"
    ),
    **dict.fromkeys(("list", "all", "enumerate", "index"), "list"),
    **dict.fromkeys(("search", "find", "query", "lookup"), "search"),
    **dict.fromkeys(("update", "edit", "modify", "patch", "change", "amend"), "update"),
    **dict.fromkeys(("delete", "destroy", "drop", "trash", "erase"), "delete"),
    **dict.fromkeys(("rename",), "rename"),
    **dict.fromkeys(("remove", "detach"), "remove"),
    **dict.fromkeys(("set",), "set"),
    **dict.fromkeys(("move",), "move"),
    **dict.fromkeys(("assign",), "assign"),
    **dict.fromkeys(("unassign",), "unassign"),
    **dict.fromkeys(("count",), "count"),
    **dict.fromkeys(("comment", "reply"), "comment"),
}

TRANSITIONS: dict[str, tuple[str, str, str | None]] = {
    "archive": ("archived", "bool", "unarchive"),
    "unarchive": ("archived", "bool", "archive"),
    "complete": ("completed", "bool", None),
    "uncomplete": ("completed", "bool", "complete"),
    "close": ("closed", "bool", "reopen"),
    "reopen": ("closed", "bool", "close"),
    "enable": ("enabled", "bool", "disable"),
    "disable": ("enabled", "bool", "enable"),
    "activate": ("active", "bool", "deactivate"),
    "deactivate": ("active", "bool", "activate"),
    "pin": ("pinned", "bool", "unpin"),
    "unpin": ("pinned", "bool", "pin"),
    "star": ("starred", "bool", "unstar"),
    "unstar": ("starred", "bool", "star"),
    "lock": ("locked", "bool", "unlock"),
    "unlock": ("locked", "bool", "lock"),
    "mute": ("muted", "bool", "unmute"),
    "unmute": ("muted", "bool", "mute"),
    "pause": ("paused", "bool", "resume"),
    "resume": ("paused", "bool", "pause"),
    "publish": ("published", "bool", "unpublish"),
    "unpublish": ("published", "bool", "publish"),
    "resolve": ("resolved", "bool", "unresolve"),
    "unresolve": ("resolved", "bool", "resolve"),
    "approve": ("approved", "bool", "unapprove"),
    "unapprove": ("approved", "bool", "approve"),
    "hide": ("hidden", "bool", "unhide"),
    "unhide": ("hidden", "bool", "hide"),
    "acknowledge": ("acknowledged", "bool", None),
    "cancel": ("cancelled", "bool", None),
    "finalize": ("finalized", "bool", None),
    "restore": ("deleted", "bool", None),
}
"""Verb to the flag it sets, its type, and the verb that undoes it (None = there is none)."""

_CLEARS = frozenset(
    [
        "unarchive",
        "uncomplete",
        "reopen",
        "disable",
        "deactivate",
        "unpin",
        "unstar",
        "unlock",
        "unmute",
        "resume",
        "unpublish",
        "unresolve",
        "unapprove",
        "unhide",
        "restore",
    ]
)
"""The verbs that clear their flag."""

_WEAK = frozenset(
    [
        "all",
        "index",
        "info",
        "log",
        "record",
        "view",
        "show",
        "read",
        "open",
        "post",
        "put",
        "count",
        "set",
        "new",
        "make",
        "draft",
        "query",
        "edit",
        "close",
        "complete",
        "approve",
        "lock",
        "star",
        "pin",
        "hide",
        "pause",
        "publish",
        "resolve",
        "restore",
        "cancel",
        "enable",
    ]
)
"""Verbs that are as often nouns or adjectives: only at either end of a name."""
_OTHER = frozenset(
    [
        "mark",
        "toggle",
        "run",
        "execute",
        "send",
        "generate",
        "import",
        "export",
        "download",
        "upload",
        "sync",
        "validate",
        "check",
        "test",
        "convert",
        "analyze",
        "compare",
        "apply",
        "merge",
        "duplicate",
        "copy",
        "clone",
        "fork",
        "trigger",
        "start",
        "stop",
        "retry",
        "submit",
        "manage",
        "batch",
        "bulk",
        "reset",
        "refresh",
        "install",
        "deploy",
        "transfer",
    ]
)
"""First words that say what a tool does, and none of the deeds that are known here."""

_JOINTS = frozenset(
    [
        "by",
        "for",
        "from",
        "in",
        "of",
        "to",
        "on",
        "with",
        "within",
        "under",
        "at",
        "into",
        "as",
        "using",
        "via",
    ]
)
_EMPTY = frozenset(["a", "an", "the", "my", "your"])
_TAILS = frozenset(["details", "detail", "info", "information", "data", "metadata"])
"""Words behind a noun that name the record itself: `issue details` is an issue."""

_IRREGULAR = {
    "people": "person", "children": "child", "entries": "entry", "statuses": "status",
    "addresses": "address", "indices": "index", "indexes": "index", "branches": "branch",
    "aliases": "alias", "buses": "bus", "caches": "cache", "databases": "database",
    "releases": "release", "cases": "case", "purchases": "purchase", "leases": "lease",
    "responses": "response", "licenses": "license", "expenses": "expense", "phases": "phase",
    "invoices": "invoice", "services": "service", "devices": "device", "spaces": "space",
    "resources": "resource", "prices": "price", "series": "series", "news": "news",
    "boxes": "box", "matches": "match", "patches": "patch", "batches": "batch",
    "searches": "search", "searchs": "search", "analyses": "analysis", "vertices": "vertex",
    "properties": "property", "movies": "movie", "cookies": "cookie", "responses ": "response",
}  # fmt: skip
_INVARIANT = frozenset(
    [
        "status",
        "address",
        "access",
        "process",
        "progress",
        "analysis",
        "canvas",
        "bus",
        "dns",
        "sms",
        "aws",
        "kubernetes",
        "css",
        "https",
        "js",
        "as",
        "is",
        "this",
        "has",
        "series",
        "news",
        "chess",
        "business",
        "class",
        "pass",
        "basis",
    ]
)


def tokens_of(text: str) -> tuple[str, ...]:
    """Cut a name of any style (snake, kebab, camel, dotted) into lower-case words."""
    return tuple(part.lower() for part in _PART.findall(text))


def snake(text: str) -> str:
    """Return a name in snake case."""
    return "_".join(tokens_of(text))


def singular(word: str) -> str:
    """Return the singular of an English noun; an unknown form comes back as it is."""
    if word in _INVARIANT or len(word) < 4:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def is_plural(word: str) -> bool:
    """Whether a noun is in the plural."""
    return singular(word) != word


def common_prefix(names: Sequence[str]) -> tuple[str, ...]:
    """Return the words that nearly all names of a server begin with: its own name, not a noun.

    A verb is never part of it. Fewer than four names have none.
    """
    cut = [tokens_of(name) for name in names]
    found: list[str] = []
    while len(names) >= 4:
        place = len(found)
        heads = Counter(t[place] for t in cut if len(t) > place + 1 and t[:place] == tuple(found))
        if not heads:
            break
        word, often = heads.most_common(1)[0]
        if often < 0.8 * len(names) or word in _VERBS or word in TRANSITIONS:
            break
        found.append(word)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Name:
    """What a tool's name says."""

    verb: str | None
    """`create`, `get`, `list` …, or a word of `TRANSITIONS`; None = no verb that is known."""
    noun: tuple[str, ...]
    """What it acts on, in the singular; empty = not said."""
    plural: bool
    """Whether the noun is in the plural."""
    owned: bool = False
    """True = other words stand before the verb: `user issue create comment`, a key without a word
    of its own may be theirs."""
    tail: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """What follows the joints, such as `(("for", ("project",)),)`, in the singular."""


def read_name(name: str, prefix: Iterable[str] = ()) -> Name:
    """Read a tool's name: verb first (`create_issue`), or verb last (`issue-create`)."""
    words = [word for word in tokens_of(name.replace("AddOn", "Addon")) if word not in _EMPTY]
    for word in prefix:
        if words and words[0] == word:
            words = words[1:]
    head, tail = _joints(words)
    place = _verb_place(head)
    if place is None:
        return Name(None, _nouns(head), _plural(head), tail=tail)
    verb, rest = head[place], head[:place] + head[place + 1 :]
    owned = place > 0 and bool(head[place + 1 :])
    if owned:
        # `user issue create comment`: what stands before the verb is the owner
        rest = head[place + 1 :]
        tail = (("of", _nouns(head[:place])), *tail)
    return Name(_VERBS.get(verb, verb), _nouns(rest), _plural(rest), owned, tail)


def _verb_place(words: Sequence[str]) -> int | None:
    ends = (0, len(words) - 1)
    known = [
        place
        for place, word in enumerate(words)
        if (word in _VERBS or word in TRANSITIONS) and (place in ends or word not in _WEAK)
    ]
    if words and words[0] in _OTHER:
        return None
    if not known:
        return None
    if known[0] == 0:
        return 0
    return known[-1] if known[-1] == len(words) - 1 else known[0]


def _joints(
    words: Sequence[str],
) -> tuple[list[str], tuple[tuple[str, tuple[str, ...]], ...]]:
    head: list[str] = []
    tails: list[tuple[str, list[str]]] = []
    for word in words:
        if word in _JOINTS and (head or tails):
            tails.append((word, []))
        elif tails:
            tails[-1][1].append(word)
        else:
            head.append(word)
    return head, tuple((joint, _nouns(rest)) for joint, rest in tails if rest)


def _nouns(words: Sequence[str]) -> tuple[str, ...]:
    found = [singular(word) for word in words]
    while len(found) > 1 and found[-1] in _TAILS:
        found.pop()
    return tuple(found)


def _plural(words: Sequence[str]) -> bool:
    kept = [word for word in words if word not in _TAILS] or list(words)
    return bool(kept) and is_plural(kept[-1])


def clears(verb: str) -> bool:
    """Whether a transition's verb takes its flag away."""
    return verb in _CLEARS
