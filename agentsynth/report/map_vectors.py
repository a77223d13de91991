"""Tools as vectors: weighted words of name, parameters and description. No model, no network.

A word stands for itself by its first six letters, so that `listing`, `listed` and `lists` are not
three. Weights are those of the real tools alone: how alike two tools are depends on these two and
on the snapshot, never on which synthetic tools are compared beside them.
"""

import re
from collections.abc import Sequence
from typing import Any, cast

from agentsynth.report.mapped import MappedTool

__all__ = ["vectors", "words_of"]

_BEGINNING = 6
_NAME_COUNTS = 2
"""A tool's name says more than a sentence about it."""
_MAX_TEXT = 20_000
"""Characters of a description that are read. The longest of 4,289 real tools has 14,020."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# A sign of Chinese, Japanese or Korean is a word of its own: these are written without spaces.
_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_SIGNS}]|[^\W\d_{_SIGNS}]{{2,}}")
_EMPTY = frozenset({
    "an", "and", "are", "as", "at", "be", "by", "for", "from", "if", "in", "into", "is", "it",
    "its", "of", "on", "or", "that", "the", "their", "then", "there", "these", "this", "to",
    "was", "which", "will", "with", "you", "your",
})  # fmt: skip
"""Words that say nothing of what a tool does. Verbs are not among them."""


def words_of(tool: MappedTool) -> list[str]:
    """Return the words that a tool is known by, in lower case, repeated as often as they count."""
    name = _words(_HUMP.sub(" ", tool.name))
    parameters = _words(" ".join(_HUMP.sub(" ", one) for one in tool.parameters))
    return name * _NAME_COUNTS + parameters + _words(tool.description[:_MAX_TEXT])


def vectors(real: Sequence[MappedTool], synthetic: Sequence[MappedTool]) -> tuple[Any, Any]:
    """Return the real and the synthetic tools as sparse rows of length 1, `[tools, words]` each.

    The weight of word w in a tool is (1 + ln n) · (1 + ln((1 + N) / (1 + d))), n being how often
    the tool has it, d how many of the N real tools have it; then the row is scaled to length 1. A
    word that no real tool has weighs most. A tool without words is a row of zeros.

    Source: scikit-learn, TfidfTransformer(sublinear_tf=True, smooth_idf=True), user guide 7.2.3.
    """
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    # scikit-learn has no types; those that checkers infer are wrong.
    counter: Any = CountVectorizer(analyzer=cast(Any, words_of))
    weigher: Any = TfidfTransformer(sublinear_tf=True)
    counts = counter.fit_transform([*real, *synthetic]).tocsr()
    rows = weigher.fit(counts[: len(real)]).transform(counts).tocsr()
    rows.sort_indices()
    return rows[: len(real)], rows[len(real) :]


def _words(text: str) -> list[str]:
    found = _WORD.findall(text.replace("_", " ").lower())
    return [word[:_BEGINNING] for word in found if word not in _EMPTY]
