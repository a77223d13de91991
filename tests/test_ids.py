import os
import subprocess
import sys

import pytest

from agentsynth.core.frozen import Identified
from agentsynth.core.ids import canonical_json, content_id, derive_seed


class Thing(Identified):
    name: str
    size: int = 0


def test_canonical_json_is_one_text_for_one_value() -> None:
    assert canonical_json({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'
    assert content_id({"a": 1, "b": 2}) == content_id({"b": 2, "a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))


def test_the_type_of_a_value_is_part_of_its_id() -> None:
    assert len({content_id(value) for value in (1, "1", True, 1.5, None, [1], {"1": 1})}) == 7


def test_seeds_depend_on_every_part_and_not_on_how_they_are_joined() -> None:
    seeds = [derive_seed(*parts) for parts in [(1, "2"), ("1", 2), (12,), ("12",), (1, 2), (2, 1)]]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed("world", 7, 3) == derive_seed("world", 7, 3)


def test_seeds_and_ids_are_the_same_in_every_process() -> None:
    code = (
        "from agentsynth.core.ids import content_id, derive_seed\n"
        "print(content_id({'a': ['x', 1]}), derive_seed('a', 1))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert printed == {f"{content_id({'a': ['x', 1]})} {derive_seed('a', 1)}"}


def test_an_id_covers_every_field_and_a_changed_copy_has_its_own() -> None:
    thing = Thing(name="spade")
    assert thing.id == Thing(name="spade", size=0).id
    assert thing.id != Thing(name="spade", size=1).id
    bigger = thing.model_copy(update={"size": 1})
    assert bigger.id == Thing(name="spade", size=1).id
    assert bigger.plain == {"name": "spade", "size": 1}
