"""Which collected tools are the same, or nearly so."""

import random
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.evolve.alike import Group, exact_groups, near_groups, shingles_of

WORDS = ["plant", "bed", "tool", "water"]


def tool(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    return {"name": name, "description": description, "inputSchema": schema}


def keys(groups: tuple[Group, ...]) -> list[tuple[str, ...]]:
    return [group.keys for group in groups]


def test_the_same_call_in_other_words_is_an_exact_duplicate() -> None:
    tools = {
        "a/find": tool("find", "Finds.", q={"type": ["string", "null"], "description": "What"}),
        "b/find": tool("find", "Searches.", q={"anyOf": [{"type": "null"}, {"type": "string"}]}),
        "c/find": tool("find", "Finds.", q={"type": "string"}),
        "d/seek": tool("seek", "Finds.", q={"type": ["string", "null"]}),
        "e/find": {"name": "find", "inputSchema": {}},
        "f/find": {"name": "find", "inputSchema": {}},
    }
    assert keys(exact_groups(tools)) == [("a/find", "b/find")]


def test_the_order_of_required_names_does_not_tell_tools_apart() -> None:
    one, two = tool("t", a={}, b={}), tool("t", b={}, a={})
    one["inputSchema"]["required"], two["inputSchema"]["required"] = ["a", "b"], ["b", "a"]
    assert keys(exact_groups({"1": one, "2": two})) == [("1", "2")]


def test_a_renamed_copy_with_a_word_changed_is_a_near_duplicate() -> None:
    text = "Lists the plants of a garden bed with their names, the day they were sown and who waters them this week"
    tools = {
        "a/list": tool("list_plants", text, bed={"type": "string", "description": "Name of the bed to look at"}),
        "b/list": tool("plants", text + " (read only)", bed={"type": "string", "description": "Name of the bed to look at"}),
        "c/add": tool("add_plant", "Adds a plant to a bed.", bed={"type": "string", "description": "Name of the bed to look at"}),
    }  # fmt: skip
    assert keys(near_groups(tools)) == [("a/list", "b/list")]
    assert keys(near_groups(tools, 1.0)) == []


def test_texts_without_spaces_are_compared_sign_by_sign() -> None:
    text = "列出花园中某个花坛的所有植物以及它们的名称播种日期和本周负责浇水的人员名单"
    tools = {"a": tool("a", text), "b": tool("b", text + "吧"), "c": tool("c", "删除花坛")}
    assert keys(near_groups(tools)) == [("a", "b")]


def test_tools_that_say_nothing_are_not_alike() -> None:
    assert near_groups({"a": tool("a"), "b": tool("b")}) == ()


@pytest.mark.parametrize("threshold", [0, -1, 1.1])
def test_a_threshold_outside_its_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        near_groups({}, threshold)


TOOLS = st.lists(
    st.builds(
        lambda words, names: tool("t", " ".join(words), **{name: {"type": "string"} for name in names}),
        st.lists(st.sampled_from(WORDS), max_size=7),
        st.lists(st.sampled_from(["q", "limit", "until"]), max_size=2),
    ),
    max_size=12,
)  # fmt: skip


@given(TOOLS, st.sampled_from([0.1, 0.3, 0.5, 2 / 3, 0.8, 1.0]), st.randoms())
def test_groups_are_those_of_comparing_every_pair_in_whatever_order(
    listed: list[dict[str, Any]], threshold: float, rng: random.Random
) -> None:
    tools = {f"s/{number}": raw for number, raw in enumerate(listed)}
    shuffled = list(tools.items())
    rng.shuffle(shuffled)
    assert near_groups(dict(shuffled), threshold) == near_groups(tools, threshold)
    assert exact_groups(dict(shuffled)) == exact_groups(tools)
    assert keys(near_groups(tools, threshold)) == _all_pairs(tools, threshold)


def _all_pairs(tools: dict[str, dict[str, Any]], threshold: float) -> list[tuple[str, ...]]:
    said = {key: shingles_of(raw) for key, raw in tools.items()}
    chains = [{key} for key in tools]
    for left, right in combinations(tools, 2):
        union = said[left] | said[right]
        if union and len(said[left] & said[right]) / len(union) >= threshold:
            joined = [chain for chain in chains if chain & {left, right}]
            chains = [chain for chain in chains if chain not in joined] + [set().union(*joined)]
    return sorted(tuple(sorted(chain)) for chain in chains if len(chain) > 1)
