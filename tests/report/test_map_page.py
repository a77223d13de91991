"""The page and the picture, with tools whose texts are hostile."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agentsynth.report.map_html import draw_html
from agentsynth.report.map_measures import Near
from agentsynth.report.map_png import draw_png
from tests.report.tools import drawn, real, synthetic

HOSTILE = [
    "</script><script>window.pwned = 1</script>",
    "<!-- <script> <img src=x onerror=alert(1)>",
    "]]></SCRIPT\t><svg onload=alert(1)> &lt;b&gt; &quot;",
    "line\u2028separator\u2029here \u202eright to left\u200b \x00 \ud800 lone",
    "%%DATA%% %%SCRIPT%% __proto__ ${alert(1)} `",
    "$\\frac{1}{$ 中文 \\u003c/script\\u003e",
]
PAGE = Path(__file__).parents[2] / "agentsynth" / "report" / "map_page"


class Scripts(HTMLParser):
    """Collects what a browser would take for elements."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.policy = ""
        self._inside: dict[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.policy = self.policy or (given.get("content") or "" if "http-equiv" in given else "")
        self._inside = given if tag == "script" else None
        if tag == "script":
            self.scripts.append((given, ""))

    def handle_data(self, data: str) -> None:
        if self._inside is not None:
            self.scripts[-1] = (self._inside, self.scripts[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = None


def page_of(tmp_path: Path, texts: list[str]) -> tuple[str, Scripts]:
    theirs = [
        real(text, f"srv {text}", description=f"reads {text}", category=(text,)) for text in texts
    ]
    ours = [
        synthetic(text, f"dom {text}", description=f"writes {text}", category=("civic", text))
        for text in texts
    ]
    summary, at, near = drawn(ours, theirs)
    draw_html(tmp_path / "map.html", summary, theirs, ours, at, near)
    draw_png(tmp_path / "map.png", summary, theirs, ours, at)
    text = (tmp_path / "map.html").read_text(encoding="utf-8")
    found = Scripts()
    found.feed(text)
    found.close()
    return text, found


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    harmless = page_of(tmp_path, ["alpha beta", "beta gamma", "gamma alpha"])[1]
    text, found = page_of(tmp_path, HOSTILE)
    assert found.tags == harmless.tags
    (kind, data), (own, script) = found.scripts
    assert kind == {"type": "application/json", "id": "data"}
    assert own == {}
    assert script == (PAGE / "map.js").read_text(encoding="utf-8")
    assert re.search(r"[<>&]", data) is None
    assert data.isascii()
    assert not re.search("[\u2028\u2029\u202e\u200b\x00]", text)
    told = json.loads(data)
    assert told["name"][0] == HOSTILE[0]
    assert told["text"][0] == f"reads {HOSTILE[0]}"
    assert told["name"][3] == ("line separator here \\u202eright to left\\u200b \\x00 \\ud800 lone")
    assert told["name"][4] == HOSTILE[4]


def test_only_the_pages_own_script_may_run_and_nothing_is_fetched(tmp_path: Path) -> None:
    text, found = page_of(tmp_path, ["alpha beta", "beta gamma"])
    script = found.scripts[1][1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in found.policy
    assert f"script-src 'sha256-{digest}';" in found.policy
    assert "unsafe" not in found.policy
    assert not re.search(r"https?:|src=|url\(|@import|\bfetch\(|XMLHttp", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script)
    # No inline handler or style: the policy would stop it.
    assert not re.search(r"<[^>]*\s(on\w+|style)=", text.split("<script")[0])


def test_the_page_says_of_each_tool_whose_it_is_and_what_is_nearest(tmp_path: Path) -> None:
    theirs = [
        real("delete_branch", "git", category=("git",)),
        real("list_notes", "pad", description="Lists notes.", category=("notes",)),
    ]
    ours = [synthetic("find_notes", "desk", category=("office", "paper"))]
    summary, at, near = drawn(ours, theirs)
    draw_html(tmp_path / "map.html", summary, theirs, ours, at, near)
    found = Scripts()
    found.feed((tmp_path / "map.html").read_text(encoding="utf-8"))
    told: dict[str, Any] = json.loads(found.scripts[0][1])
    assert told["real"] == 2
    assert told["name"] == ["delete_branch", "list_notes", "find_notes"]
    assert [told["owners"][n] for n in told["owner"]] == ["git", "pad", "desk"]
    assert [told["categories"][n] for n in told["category"]] == ["git", "notes", "office / paper"]
    assert told["nearest"] == [-1, 2, 1]  # delete_branch has no word in common with any
    assert told["similarity"][2] == pytest.approx(float(near[1].similarity[0]), abs=5e-4)
    assert told["summary"] == summary.model_dump(mode="json")
    assert all(0 <= place <= 9999 for place in [*told["x"], *told["y"]])


def test_thirty_thousand_tools_with_long_texts_stay_below_six_megabytes(tmp_path: Path) -> None:
    theirs = [real("list_notes"), real("find_books", "two")]
    ours = [synthetic("find_notes")]
    summary, _, near = drawn(ours, theirs)
    long = "Returns every note of a folder with its author and the day of its last change. " * 9
    named = [f"list_the_open_notes_of_folder_{n}" for n in range(30_000)]
    many = [real(name, f"server-{n % 150}", description=long) for n, name in enumerate(named)]
    at = np.random.default_rng(0).random((30_001, 2))
    each = Near(np.zeros(30_000, int), np.full(30_000, 0.123))
    draw_html(tmp_path / "map.html", summary, many, ours, at, (each, near[1]))
    assert (tmp_path / "map.html").stat().st_size < 6_000_000


def test_the_picture_is_1600_by_1200_and_the_same_again(tmp_path: Path) -> None:
    page_of(tmp_path, HOSTILE)
    first = (tmp_path / "map.png").read_bytes()
    assert first[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(first[at : at + 4]) for at in (16, 20)] == [1600, 1200]
    page_of(tmp_path, HOSTILE)
    assert (tmp_path / "map.png").read_bytes() == first
