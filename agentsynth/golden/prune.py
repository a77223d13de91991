"""Answers that nothing asks for any more."""

from agentsynth.golden.asks import asks_of
from agentsynth.golden.cassette import Cassettes, Header
from agentsynth.golden.check import settings_of
from agentsynth.golden.gates import JudgeConfig
from agentsynth.golden.load import Goldens
from agentsynth.pipeline.asking import Asking

__all__ = ["stale"]


def stale(goldens: Goldens, cassettes: Cassettes) -> list[tuple[Header, list[str]]]:
    """Return the keys that no golden, rubric and prompt of today asks for, by cassette.

    A cassette of a judge that is not in gates.yaml is held against the same questions: it stays
    good for a comparison.
    """
    judge = goldens.config.judge
    asking = Asking() if judge is None else judge.asking
    found: list[tuple[Header, list[str]]] = []
    for name, header in sorted(cassettes.headers.items()):
        settings = settings_of(header.sampling)
        theirs = JudgeConfig(models=(settings,), asking=asking)
        wanted = {ask.key for ask in asks_of(goldens, theirs)}
        keys = sorted(cassettes.answers.get(name, {}).keys() - wanted)
        if keys:
            found.append((header, keys))
    return found
