"""Licences as package registries write them, in SPDX terms. No legal advice, no look into files.

What is not understood for certain is unknown, and unknown is not allowed.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

__all__ = ["ALLOWED", "Licence", "allowed", "licence_of"]

ALLOWED = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "Unlicense"}
)
"""Licences that let a tool's description be passed on with attribution at most."""

_MAX_EXPRESSION = 200
"""Characters; longer ones are a licence's own text."""
_MAX_BRACKETS = 20

_KNOWN = (
    "0BSD AFL-3.0 AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-2.0 "
    "BlueOak-1.0.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear BSD-4-Clause BSL-1.0 BUSL-1.1 "
    "CC-BY-3.0 CC-BY-4.0 CC-BY-NC-4.0 CC-BY-SA-4.0 CC0-1.0 ECL-2.0 Elastic-2.0 EPL-2.0 "
    "EUPL-1.2 FSL-1.1-ALv2 FSL-1.1-MIT GPL-2.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0 "
    "GPL-3.0-only GPL-3.0-or-later ISC LGPL-2.1 LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0 "
    "LGPL-3.0-only LGPL-3.0-or-later MIT MIT-0 MPL-2.0 MulanPSL-2.0 NCSA OFL-1.1 "
    "PolyForm-Noncommercial-1.0.0 PostgreSQL PSF-2.0 Python-2.0 SSPL-1.0 Unicode-3.0 "
    "Unlicense UPL-1.0 WTFPL X11 Zlib ZPL-2.1"
)
_IDS = {word.lower(): word for word in _KNOWN.split()}
"""SPDX ids by their lower-case form. Others are unknown, though SPDX has hundreds more."""

_NAMES: Mapping[str, str] = {
    "mit license": "MIT",
    "the mit license": "MIT",
    "the mit license mit": "MIT",
    "mit license mit": "MIT",
    "expat": "MIT",
    "expat license": "MIT",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache v2": "Apache-2.0",
    "apache v2.0": "Apache-2.0",
    "asl 2.0": "Apache-2.0",
    "apache license 2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license v2": "Apache-2.0",
    "apache license v2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "isc license": "ISC",
    "isc license iscl": "ISC",
    "iscl": "ISC",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 2-clause license": "BSD-2-Clause",
    "2-clause bsd": "BSD-2-Clause",
    "simplified bsd": "BSD-2-Clause",
    "simplified bsd license": "BSD-2-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "new bsd license": "BSD-3-Clause",
    "modified bsd license": "BSD-3-Clause",
    "zero-clause bsd 0bsd": "0BSD",
    "unlicense": "Unlicense",
    "the unlicense": "Unlicense",
    "the unlicense unlicense": "Unlicense",
    "cc0": "CC0-1.0",
    "cc0 1.0": "CC0-1.0",
    "cc0 1.0 universal": "CC0-1.0",
    "cc0 1.0 universal cc0 1.0 public domain dedication": "CC0-1.0",
    "mozilla public license 2.0": "MPL-2.0",
    "mozilla public license 2.0 mpl 2.0": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "gplv2": "GPL-2.0-only",
    "gplv3": "GPL-3.0-only",
    "gnu general public license v3 gplv3": "GPL-3.0-only",
    "gnu general public license v3 or later gplv3+": "GPL-3.0-or-later",
    "gnu affero general public license v3": "AGPL-3.0-only",
    "gnu affero general public license v3 or later agplv3+": "AGPL-3.0-or-later",
    "agplv3": "AGPL-3.0-only",
    "gnu lesser general public license v3 lgplv3": "LGPL-3.0-only",
    "python software foundation license": "PSF-2.0",
}
"""Names by their form after `_plain_name`. "Apache Software License", a classifier without a
version, is 2.0: the registries are younger than its predecessors' use. "BSD" alone is missing,
since it may mean the four-clause one; so are "public domain", "proprietary" and UNLICENSED, which
in npm means that there is no licence at all."""


@dataclass(frozen=True, slots=True)
class Licence:
    """What a package is licensed under."""

    expression: str | None
    """SPDX expression; None = unknown."""
    source: str
    """What the registry said, one line, cut."""


def licence_of(field: JsonValue, classifiers: Collection[str] = ()) -> Licence:
    """Return the licence that a package's metadata names. Never raises on JSON.

    A field and classifiers that name different licences are joined by AND, so that both must be
    allowed; of several entries in a list the same is true. "A/B" is a choice, as Rust and npm
    packages mean it.

    Args:
        field: npm's `license` or `licenses` (text, object with `type`, list of them), PyPI's
            `license_expression` or `license`, which may hold the whole text; None = no field.
        classifiers: PyPI's classifiers; others than licences are passed over.
    """
    entries = [_expression(text) for text in _entries(field)]
    field_known = bool(entries) and None not in entries
    licences = sorted(text for text in classifiers if text.startswith("License ::"))
    named = [_of_classifier(text) for text in licences]
    known = [name for name in named if name is not None]
    # A vague classifier ("BSD License") says less than the field, but not against it.
    silent = not field_known and (not known or len(known) < len(named) or _refuse(_entries(field)))
    if silent or _refuse(licences):
        return Licence(None, _shown(field, licences))
    parts = [entry for entry in entries if entry is not None] if field_known else []
    unique = list(dict.fromkeys([*parts, *known]))
    joined = unique[0] if len(unique) == 1 else " AND ".join(_bracketed(part) for part in unique)
    return Licence(joined, _shown(field, licences))


def allowed(licence: Licence, allow_list: Collection[str] = ALLOWED) -> bool:
    """Return whether a licence is on the list: any side of an OR, every side of an AND.

    An exception (`WITH …`) only adds permissions, so the licence before it decides.
    """
    if licence.expression is None:
        return False
    tree = _parsed(licence.expression)
    return tree is not None and _holds(tree, {name.lower() for name in allow_list})


def _entries(field: JsonValue) -> Iterator[str]:
    for entry in field if isinstance(field, list) else [field]:
        inner = entry.get("type", entry.get("name")) if isinstance(entry, dict) else entry
        if isinstance(inner, str) and inner.strip():
            yield inner
        elif inner is not None:
            yield "?"


def _refuse(texts: Iterable[str]) -> bool:
    """Return whether one of the texts says what no other statement may overrule."""
    return any(_REFUSALS.search(text) for text in texts)


_REFUSALS = re.compile(
    r"unlicensed|proprietary|all rights|non-?commercial|commons clause", re.IGNORECASE
)


def _shown(field: JsonValue, licences: Iterable[str]) -> str:
    said = [*_entries(field), *licences]
    return " | ".join(" ".join(text.split())[:_MAX_EXPRESSION] for text in said)


def _of_classifier(text: str) -> str | None:
    steps = [step.strip() for step in text.split("::")]
    if steps == ["License", "OSI Approved"]:
        return None
    return _expression(steps[-1])


def _expression(text: str) -> str | None:
    """Return a text's SPDX expression; None = not understood."""
    stripped = text.strip()
    if len(stripped) > _MAX_EXPRESSION or "\n" in stripped:
        return _of_whole_text(stripped)
    name = _name(stripped)
    if name is not None:
        return name
    tree = _parsed(re.sub(r"\s*/\s*", " OR ", stripped))
    return None if tree is None else _written(tree)


def _name(text: str) -> str | None:
    plain = _plain_name(text)
    return _IDS.get(text.strip().lower()) or _NAMES.get(plain) or _IDS.get(plain)


def _plain_name(text: str) -> str:
    """Return a licence's name in lower case, without brackets, commas and doubled spaces."""
    plain = re.sub(r"[(),\"]", " ", text.lower().replace("licence", "license"))
    return " ".join(plain.replace("version ", "").split())


_BSD = "redistribution and use in source and binary forms"
_ISC = "permission to use, copy, modify, and"
_TEXTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "MIT",
        (
            "permission is hereby granted, free of charge",
            "the above copyright notice and this permission notice",
            "without warranty of any kind",
        ),
        (),
    ),
    ("Apache-2.0", ("apache license", "version 2.0, january 2004", "grant of patent license"), ()),
    ("Apache-2.0", ("licensed under the apache license, version 2.0", "limitations under"), ()),
    ("BSD-3-Clause", (_BSD, "neither the name", "as is"), ("advertising materials",)),
    (
        "BSD-2-Clause",
        (_BSD, "as is"),
        ("advertising materials", "neither the name", "used to endorse"),
    ),
    ("ISC", (_ISC, "provided that the above copyright notice", "the author"), ()),
    ("0BSD", (_ISC, "the author disclaims"), ("provided that",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",), ()),
)
"""A licence, what its text always says, and what it never says."""
_CONDITIONS = (
    "commons clause", "non-commercial", "noncommercial", "not be used for", "dual licens",
    "business source",
)  # fmt: skip
"""Words of texts that add conditions to a known licence."""


def _of_whole_text(text: str) -> str | None:
    plain = " ".join(text.lower().split())
    if any(words in plain for words in _CONDITIONS):
        return None
    found = [
        name
        for name, always, never in _TEXTS
        if all(words in plain for words in always) and not any(words in plain for words in never)
    ]
    return found[0] if len(set(found)) == 1 else None


_Tree = str | tuple[str, tuple["_Tree", ...]]


def _parsed(text: str) -> _Tree | None:
    """Return an SPDX expression as a tree of ids; None = not one, or with an unknown id."""
    words = re.findall(r"\(|\)|[^\s()]+", text)
    if words.count("(") > _MAX_BRACKETS:
        return None
    tree, rest = _choice(words)
    return None if rest else tree


def _choice(words: list[str]) -> tuple[_Tree | None, list[str]]:
    return _chain(words, "or")


def _chain(words: list[str], joint: str) -> tuple[_Tree | None, list[str]]:
    """Parse one level: OR binds weaker than AND."""
    parts: list[_Tree] = []
    rest = ["", *words]
    while rest and (not parts or rest[0].lower() == joint):
        part, rest = _chain(rest[1:], "and") if joint == "or" else _leaf(rest[1:])
        if part is None:
            return None, rest
        parts.append(part)
    return parts[0] if len(parts) == 1 else (joint, tuple(parts)), rest


def _leaf(words: list[str]) -> tuple[_Tree | None, list[str]]:
    if not words:
        return None, []
    if words[0] == "(":
        inner, rest = _choice(words[1:])
        return (inner, rest[1:]) if rest and rest[0] == ")" else (None, rest)
    # A name may be several words: "MIT License OR Apache 2.0".
    ends = [n for n, word in enumerate(words) if word.lower() in ("and", "or", "with", "(", ")")]
    end = ends[0] if ends else len(words)
    name = _name(" ".join(words[:end]))
    rest = words[end:]
    if name is None or not rest or rest[0].lower() != "with":
        return name, rest
    if len(rest) < 2 or not re.fullmatch(r"[A-Za-z0-9.-]+-exception[A-Za-z0-9.-]*", rest[1]):
        return None, rest
    return f"{name} WITH {rest[1]}", rest[2:]


def _written(tree: _Tree) -> str:
    if isinstance(tree, str):
        return tree
    joint, parts = tree
    return f" {joint.upper()} ".join(
        _bracketed(_written(part)) if isinstance(part, tuple) else part for part in parts
    )


def _bracketed(expression: str) -> str:
    return f"({expression})" if " OR " in expression or " AND " in expression else expression


def _holds(tree: _Tree, names: Collection[str]) -> bool:
    if isinstance(tree, str):
        return tree.split(" WITH ")[0].lower() in names
    joint, parts = tree
    return (any if joint == "or" else all)(_holds(part, names) for part in parts)
