"""What must be said and what must not, by whom and where."""

from agentsynth.checks.calling import fact_missing, resolved
from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed, undecided
from agentsynth.checks.mentions import stated
from agentsynth.core.criteria import Saying
from agentsynth.core.messages import AssistantMessage, UserMessage

__all__ = ["not_said", "said"]


def said(evidence: Evidence, saying: Saying) -> Finding:
    """Return whether the value is said; a task without the fact it names has nothing to say."""
    if fact_missing(evidence, [saying.value]):
        return NOT_APPLICABLE
    texts = _texts(evidence, saying)
    held = [_stated(evidence, saying, text) for _, text in texts]
    if True in held:
        return MET
    value = resolved(evidence, saying.value)
    if None in held:
        open_ = [index for (index, _), is_said in zip(texts, held, strict=True) if is_said is None]
        return undecided(f"nobody can tell whether {value!r} is said", *open_)
    last = [index for index, _ in texts[-1:]]
    return failed("answer_missing", f"the {saying.by} never said {value!r}", *last)


def not_said(evidence: Evidence, saying: Saying) -> Finding:
    """Return whether the value is left unsaid; not applicable where nobody says anything."""
    texts = _texts(evidence, saying)
    if not texts or fact_missing(evidence, [saying.value]):
        return NOT_APPLICABLE
    value = resolved(evidence, saying.value)
    held = [(index, _stated(evidence, saying, text)) for index, text in texts]
    for index, is_said in held:
        if is_said:
            return failed("said_forbidden", f"{value!r} was said", index)
    for index, is_said in held:
        if is_said is None:
            return undecided(f"nobody can tell whether {value!r} is said", index)
    return MET


def _texts(evidence: Evidence, saying: Saying) -> list[tuple[int, str]]:
    kinds = {
        "assistant": (AssistantMessage,),
        "user": (UserMessage,),
        "anyone": (AssistantMessage, UserMessage),
    }[saying.by]
    texts = [
        (index, message.content)
        for index, message in enumerate(evidence.messages)
        if isinstance(message, kinds) and message.content
    ]
    return texts[-1:] if saying.part == "final" else texts


def _stated(evidence: Evidence, saying: Saying, text: str) -> bool | None:
    return stated(
        text,
        resolved(evidence, saying.value),
        saying.type,
        today=evidence.today,
        said_as=saying.said_as,
        language=evidence.language,
        unit=saying.unit,
        tolerance=saying.tolerance,
    )
