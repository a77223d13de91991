"""What registries write in a licence field, and what may be used."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.evolve.licences import ALLOWED, Licence, allowed, licence_of
from tests.collect.test_normalise import JSON

OSI = "License :: OSI Approved"
MIT_TEXT = """MIT License

Copyright (c) 2026 Someone

Permission is hereby granted, free of charge, to any person obtaining a copy of this software.
The above copyright notice and this permission notice shall be included in all copies.
THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND.
"""
BSD_TEXT = "Redistribution and use in source and binary forms are permitted.\nProvided AS IS.\n" * 4


@pytest.mark.parametrize(
    ("field", "expression"),
    [
        ("MIT", "MIT"),
        ("mit", "MIT"),
        (" MIT License ", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("MIT Licence", "MIT"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache-2.0", "Apache-2.0"),
        ("apache license v2.0", "Apache-2.0"),
        ("ISC", "ISC"),
        ("BSD 3-Clause License", "BSD-3-Clause"),
        ("(MIT OR Apache-2.0)", "MIT OR Apache-2.0"),
        ("MIT License or Apache 2.0", "MIT OR Apache-2.0"),
        ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
        ("MIT AND (ISC OR GPL-3.0-only)", "MIT AND (ISC OR GPL-3.0-only)"),
        ("mit and isc or 0bsd", "(MIT AND ISC) OR 0BSD"),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ({"type": "MIT", "url": "https://licence.example"}, "MIT"),
        ([{"type": "MIT"}, {"type": "GPL-3.0"}], "MIT AND GPL-3.0"),
        (["MIT OR ISC", "ISC"], "(MIT OR ISC) AND ISC"),
        (MIT_TEXT, "MIT"),
        (BSD_TEXT, "BSD-2-Clause"),
        (BSD_TEXT + "Neither the name of X may be used.", "BSD-3-Clause"),
        (BSD_TEXT + "All advertising materials must name X.", None),
        (MIT_TEXT + "Commons Clause: no selling.", None),
        ("SEE LICENSE IN LICENSE", None),
        ("UNLICENSED", None),
        ("Unlicense", "Unlicense"),
        ("BSD", None),
        ("Public Domain", None),
        ("Proprietary", None),
        ("MIT OR whatever you like", None),
        ("MIT, ISC", None),
        ("MIT AND", None),
        ("(MIT", "MIT"),
        ("MIT OR (ISC", None),
        ("(" * 99 + "MIT" + ")" * 99, None),
        ("", None),
        (None, None),
        (7, None),
    ],
)  # fmt: skip
def test_a_field_is_read_in_spdx_terms_or_is_unknown(field: Any, expression: str | None) -> None:
    assert licence_of(field).expression == expression


@pytest.mark.parametrize(
    ("field", "classifiers", "expression"),
    [
        (None, [f"{OSI} :: MIT License"], "MIT"),
        (None, [OSI, f"{OSI} :: Apache Software License"], None),
        (None, [f"{OSI} :: Apache Software License", "Topic :: Games"], "Apache-2.0"),
        (None, [f"{OSI} :: BSD License"], None),
        (None, ["License :: CC0 1.0 Universal (CC0 1.0) Public Domain Dedication"], "CC0-1.0"),
        ("BSD-3-Clause", [f"{OSI} :: BSD License"], "BSD-3-Clause"),
        ("MIT", [f"{OSI} :: MIT License"], "MIT"),
        ("MIT", ["License :: Other/Proprietary License"], None),
        ("MIT", [f"{OSI} :: GNU General Public License v3 (GPLv3)"], "MIT AND GPL-3.0-only"),
        ("see the file", [f"{OSI} :: MIT License"], "MIT"),
        ("UNLICENSED", [f"{OSI} :: MIT License"], None),
        ("Free for non-commercial use", [f"{OSI} :: MIT License"], None),
    ],
)  # fmt: skip
def test_classifiers_speak_where_the_field_does_not_and_may_only_add_duties(
    field: Any, classifiers: list[str], expression: str | None
) -> None:
    assert licence_of(field, classifiers).expression == expression
    assert licence_of(field, classifiers[::-1]).expression == expression


@pytest.mark.parametrize(
    ("field", "may_be_used"),
    [
        *((name, True) for name in sorted(ALLOWED)),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND ISC", True),
        ("MIT OR GPL-3.0-only AND AGPL-3.0-only", True),
        ("GPL-3.0-only AND MIT OR AGPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-3.0-only WITH Classpath-exception-2.0", False),
        ("AGPL-3.0", False),
        ("FSL-1.1-MIT", False),
        ("BSD-4-Clause", False),
        ("MIT-0", False),
        ("SEE LICENSE IN LICENSE", False),
    ],
)
def test_only_what_the_list_names_is_allowed(field: str, may_be_used: bool) -> None:
    assert allowed(licence_of(field)) == may_be_used


def test_the_list_is_the_callers() -> None:
    assert allowed(licence_of("GPL-3.0"), ["gpl-3.0"])
    assert not allowed(licence_of("MIT"), [])
    assert not allowed(Licence(None, "?"), ["?", "None"])


def test_what_the_registry_said_is_kept_in_one_line() -> None:
    assert licence_of("SEE  LICENSE\nIN LICENSE").source == "SEE LICENSE IN LICENSE"
    assert len(licence_of(MIT_TEXT * 20).source) <= 200


def test_this_projects_own_licence_text_is_known() -> None:
    text = (Path(__file__).parents[2] / "LICENSE").read_text(encoding="utf-8")
    assert licence_of(text).expression == "Apache-2.0"


@given(JSON | st.text(alphabet="MIT()ORANDISC /,-2.0 withor"), st.lists(st.text()))
def test_any_json_is_known_or_unknown_and_what_is_known_reads_the_same_again(
    field: Any, classifiers: list[str]
) -> None:
    made = licence_of(field, classifiers)
    if made.expression is not None:
        assert licence_of(made.expression).expression == made.expression
    else:
        assert not allowed(made)
