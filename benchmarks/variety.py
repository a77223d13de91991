"""How alike the rows of an export are: first messages, and sequences of tool calls.

    python -m benchmarks.variety DIR/export

First messages with names and numbers masked (quoted texts, e-mail addresses, words with a capital
inside a sentence, figures and dates) are the same cluster where they share nine tenths of their
words (Jaccard index of word pairs, with the first message of the cluster). A sequence of calls is
the names of all tools called, in order; those with one call are left out. Prints one JSON object.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path

_ALIKE = 0.9
_QUOTED = re.compile(r'["“][^"”]*["”]')
_MAIL = re.compile(r"[\w.+-]+@[\w.-]+\w")
_NUMBER = re.compile(r"\b[\w-]*\d[\w:./-]*\b")
_NAME = re.compile(r"(?<=[a-z,;:] )[A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*")


def masked(text: str) -> str:
    """Return a text with names and numbers masked."""
    text = _QUOTED.sub("N", _MAIL.sub("N", text))
    return _NAME.sub("N", _NUMBER.sub("0", text)).lower()


def pairs(text: str) -> frozenset[tuple[str, str]]:
    """Return the neighbouring words of a text."""
    words = re.findall(r"\w+", text)
    return frozenset(zip(["", *words], [*words, ""], strict=True))


def largest_cluster(texts: list[str]) -> tuple[int, str]:
    """Return the size of the largest cluster of texts that are alike, and its first text."""
    same = Counter(texts)
    leaders: list[tuple[frozenset[tuple[str, str]], str]] = []
    index: dict[tuple[str, str], list[int]] = {}
    sizes: Counter[int] = Counter()
    for text, often in same.items():
        own = pairs(text)
        shared: Counter[int] = Counter()
        for pair in own:
            shared.update(index.get(pair, ()))
        for place, common in shared.most_common(3):
            if common / len(own | leaders[place][0]) >= _ALIKE:
                sizes[place] += often
                break
        else:
            leaders.append((own, text))
            for pair in own:
                index.setdefault(pair, []).append(len(leaders) - 1)
            sizes[len(leaders) - 1] += often
    place, size = sizes.most_common(1)[0]
    return size, leaders[place][1]


def main() -> None:
    """Measure and print."""
    openings: list[str] = []
    sequences: Counter[str] = Counter()
    with (Path(sys.argv[1]) / "rows.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            messages = json.loads(line)["messages"]
            openings.append(masked(next(m["content"] for m in messages if m["role"] == "user")))
            calls = [c["function"]["name"] for m in messages for c in m.get("tool_calls") or ()]
            if len(calls) > 1:
                sequences[" ".join(calls)] += 1
    size, text = largest_cluster(openings)
    often = sequences.most_common(1)[0] if sequences else ("", 0)
    print(
        json.dumps(
            {
                "benchmark": "variety", "rows": len(openings),
                "distinct_openings": len(set(openings)),
                "largest_opening_cluster": round(size / len(openings), 5), "its_text": text,
                "distinct_sequences": len(sequences),
                "most_frequent_sequence": round(often[1] / len(openings), 5), "it_is": often[0],
            },
            ensure_ascii=False,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
