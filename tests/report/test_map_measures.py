"""Coverage and novelty on sets so small that every number is known by hand."""

from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from agentsynth.core.errors import UserError
from agentsynth.report import map_measures, map_plane
from agentsynth.report.map_measures import MapSummary, Quartiles, measure, nearest
from agentsynth.report.map_plane import places
from agentsynth.report.map_vectors import vectors, words_of
from agentsynth.report.mapped import MappedTool
from tests.report.tools import real, synthetic

REAL = [real("a", "one"), real("b", "two"), real("c", "two", category=("maps", "roads"))]
REAL_ROWS: list[list[float]] = [[1, 0, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 1, 0]]
SYNTHETIC = [synthetic("p", "x"), synthetic("q", "y"), synthetic("r", "y", category=())]
SYNTHETIC_ROWS: list[list[float]] = [[0.6, 0.8, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 0, 1]]


def measured(
    theirs: list[MappedTool],
    their_rows: list[list[float]],
    ours: list[MappedTool],
    our_rows: list[list[float]],
) -> MapSummary:
    rows = sparse.csr_matrix(their_rows), sparse.csr_matrix(our_rows)
    return measure(theirs, ours, rows, {})[0]


def test_every_number_is_the_one_worked_out_by_hand() -> None:
    # Cosines: a-b 0.8, a-c 0, b-c 0 (one server); p and q: a 0.6, b 0.96, c 0; r: 0 to all.
    found = measured(REAL, REAL_ROWS, SYNTHETIC, SYNTHETIC_ROWS)
    # y(a) = 0.8, y(b) = 0.8, y(c) = 0.
    assert found.yardstick.model_dump() == {"lower": 0.4, "median": 0.8, "upper": 0.8}
    assert found.near == 0.8
    # s(a) = 0.6, s(b) = 0.96, s(c) = 0.
    assert (found.real_covered, found.real_covered_loosely) == (0.3333, 0.6667)
    assert found.real_covered_strictly == 0.3333
    # n(p) = n(q) = 0.96, n(r) = 0; d(p) = d(q) = 1, d(r) = 0.
    assert found.synthetic_covered == 0.6667
    assert found.novelty == Quartiles(lower=0.04, median=0.04, upper=0.52)
    assert found.apart == Quartiles(lower=0.0, median=0.0, upper=0.5)
    assert (found.copies_of_real, found.near_copies) == (2, 2)
    assert (found.servers, found.domains) == (2, 2)


def test_categories_have_the_numbers_of_their_own_tools() -> None:
    found = measured(REAL, REAL_ROWS, SYNTHETIC, SYNTHETIC_ROWS)
    assert list(found.real_categories) == ["maps", "notes"]
    notes, maps = found.real_categories["notes"], found.real_categories["maps"]
    assert notes.model_dump() == {"tools": 2, "owners": 2, "covered": 0.5, "similarity": 0.78}
    assert maps.model_dump() == {"tools": 1, "owners": 1, "covered": 0.0, "similarity": 0.0}
    ours = found.synthetic_categories
    assert ours["notes"].model_dump() == {
        "tools": 2, "owners": 2, "covered": 1.0, "novelty": 0.04, "near_copies": 1.0,
    }  # fmt: skip
    assert ours["other"].model_dump() == {
        "tools": 1, "owners": 1, "covered": 0.0, "novelty": 1.0, "near_copies": 0.0,
    }  # fmt: skip


def test_a_copy_under_another_server_does_not_make_the_yardstick_trivial() -> None:
    copied = [*REAL, real("a", "three"), real("b", "four"), real("c", "five")]
    rows = [*REAL_ROWS, *REAL_ROWS]
    # y = 0.8 for each a and each b, 0 for each c: as without the copies, not 1.
    found = measured(copied, rows, SYNTHETIC, SYNTHETIC_ROWS).yardstick
    assert (found.lower, found.median, found.upper) == (0.2, 0.8, 0.8)


def test_tools_of_the_same_server_are_no_yardstick() -> None:
    mates = [*REAL, real("a2", "one")]
    rows = [*REAL_ROWS, [0.9, 0.1, 0, sqrt(0.18)]]
    # y(a) stays 0.8 although a2 is nearer; y(b) = 0.8 (a2: 0.78); y(c) = 0; y(a2) = 0.78.
    found = measured(mates, rows, SYNTHETIC, SYNTHETIC_ROWS).yardstick
    assert (found.median, found.upper) == (0.79, 0.8)


def test_one_domain_says_nothing_of_near_copies_and_one_server_is_refused() -> None:
    alone = [tool.model_copy(update={"owner": "x"}) for tool in SYNTHETIC]
    found = measured(REAL, REAL_ROWS, alone, SYNTHETIC_ROWS)
    assert (found.apart, found.near_copies) == (None, 0)
    single = [tool.model_copy(update={"owner": "one"}) for tool in REAL]
    with pytest.raises(UserError, match="one server"):
        measured(single, REAL_ROWS, alone, SYNTHETIC_ROWS)
    with pytest.raises(UserError, match="no synthetic tools"):
        measure(REAL, [], (sparse.csr_matrix(REAL_ROWS), sparse.csr_matrix((0, 4))), {})


def test_the_nearest_in_blocks_is_the_nearest_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.abs(np.random.default_rng(4).normal(size=(23, 6)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    monkeypatch.setattr(map_measures, "_ROWS", 5)
    found = nearest(sparse.csr_matrix(rows), sparse.csr_matrix(rows[3:17]))
    every = np.round(rows @ rows[3:17].T, 6)
    assert found.which.tolist() == every.argmax(axis=1).tolist()
    assert found.similarity.tolist() == every.max(axis=1).tolist()


def test_weights_are_those_of_the_formula() -> None:
    theirs, ours = vectors([real("alpha"), real("omega")], [synthetic("alpha_gamma")])
    # Two real tools, one of which has alpha and none gamma; both words count twice.
    alpha, gamma = 1 + log(3 / 2), 1 + log(3 / 1)
    expected = alpha / sqrt(alpha**2 + gamma**2)
    assert (theirs @ ours.T).toarray()[:, 0].tolist() == pytest.approx([expected, 0])


def test_how_near_two_tools_are_does_not_hang_on_the_other_synthetic_ones() -> None:
    theirs = [real("delete_branch", description="Deletes a branch."), real("list_notes")]
    ours = synthetic("remove_branch", description="Removes a branch for good.")
    crowd = [synthetic(f"branch_{word}", description="a branch") for word in ("oak", "elm", "fir")]
    alone, among = vectors(theirs, [ours]), vectors(theirs, [*crowd, ours])
    one, other = alone[0] @ alone[1].T, among[0] @ among[1].T
    assert one.toarray()[:, 0].tolist() == pytest.approx(other.toarray()[:, -1].tolist(), abs=1e-12)


def test_words_are_cut_from_names_parameters_and_texts() -> None:
    tool = real(
        "listUserFiles", description="Lists the files, 列出文件.", parameters=("userId", "a")
    )
    said = [*["list", "user", "files"] * 2, "user", "id", "lists", "files", *"列出文件"]
    assert words_of(tool) == said
    same = real("x_listing"), real("y_listings"), real("z_listin")
    assert {words_of(tool)[-1] for tool in same} == {"listin"}
    assert words_of(real("get_and_find")) == ["get", "find"] * 2
    assert words_of(real("…")) == []


def test_tools_without_words_are_novel_and_still_lie_on_the_map() -> None:
    theirs, ours = vectors([real("alpha"), real("…", "two")], [synthetic("!!!"), synthetic("beta")])
    assert nearest(ours, theirs).similarity.tolist() == [0, 0]
    assert np.isfinite(places(theirs, ours)).all()


@pytest.mark.parametrize("kinds", [np.arange(60) % 3, np.arange(60) // 20])
@pytest.mark.parametrize("landmarks", [6000, 40])
def test_alike_tools_lie_together_also_those_that_are_no_landmarks(
    kinds: Any, landmarks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    things = ["invoice ledger payment money", "branch commit merge push", "weather storm wind rain"]
    said = [things[kind] for kind in kinds]
    theirs = [
        real("tool", description=f"{text} {'abcdefghij'[number % 10] * 3}")
        for number, text in enumerate(said)
    ]
    ours = [synthetic("tool", description=text) for text in said]
    monkeypatch.setattr(map_plane, "_LANDMARKS", landmarks)
    rows = vectors(theirs, ours)
    at = places(*rows)
    assert at.shape == (120, 2)
    assert (at.min(), at.max()) == (0, 1)
    both = np.concatenate([kinds, kinds])
    apart = np.linalg.norm(at[:, None] - at[None, :], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (both[apart.argmin(axis=1)] == both).mean() > 0.95
    assert places(*rows).tolist() == at.tolist()
