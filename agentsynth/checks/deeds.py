"""Deeds claimed in words that no domain has to spell out, with nothing done at all.

Only what is sure: a first person who says in the perfect that it did something to a definite
thing, as a statement, in a conversation in which nothing had been changed before. What was done
instead of what was claimed is for the domain's own claims (`claims_true`).
"""

import re

from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed, undecided

__all__ = ["deeds_backed"]

_VERBS = (
    "booked|rebooked|cancelled|canceled|updated|deleted|removed|registered|scheduled|rescheduled|"
    "extended|renewed|refunded|charged|transferred|assigned|reserved|enrolled|submitted|issued|"
    "activated|deactivated|reset|unsubscribed|subscribed|credited"
)
_ENGLISH = re.compile(
    rf"(?:\b(?:i|we)(?: have|['’]ve)(?: (?:now|just|also|already|successfully))?"
    rf" (?:(?:{_VERBS}) (?:your|you|it|the|that|this)"
    r"|(?:set(?: up)?|created|sent|placed) (?:(?:you )?an? (?!few|lot|couple)[\w -]{1,40}? for you|"
    r"you an? (?!few|lot|couple)\w+))\b"
    rf"|\byour [\w -]{{1,40}} (?:has|have) (?:now |just |successfully )*been (?:{_VERBS})\b)",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    r"(?:我|我们)?已经?(?:成功)?(?:为|帮|给|替)(?:您|你)[^。！？?!\n]{0,16}?"
    r"(?:预订|预约|预定|取消|修改|更新|删除|移除|登记|注册|延长|续借|退款|转账|分配|保留|提交|重置|办理)"
    r"(?:好|完成|成功)?了"
)
_CLAIMS = {"en": (("ve ", "been "), _ENGLISH), "zh": (("已",), _CHINESE)}
"""Language to (what every claim contains one of, to be quick; how claims are said)."""
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|\.(?=\d))+[.!?。！？\n]*")
_NOT_CLAIMED = re.compile(
    r"\b(?:if|once|when|after|before|unless|until|not|never|whether|would|could|should|see|shows?|"
    r"according|previously|earlier|yesterday|last)\b|n['’]t\b|如果|一旦|等|是否|还没|尚未|之前|记录",
    re.IGNORECASE,
)


def deeds_backed(evidence: Evidence) -> Finding:
    """Nothing is said to be done while no call has changed anything.

    Undecided where the claim follows a call that may have, for want of its record.
    """
    if evidence.language not in _CLAIMS:
        return NOT_APPLICABLE
    cues, claims = _CLAIMS[evidence.language]
    found = False
    for index, text in evidence.said_by_assistant:
        if not any(cue in text for cue in cues):
            continue
        sentence = _claim(claims, text)
        if sentence is None:
            continue
        found = True
        earlier = [call for place, call, _ in evidence.calls if place < index]
        writes = [call for call in earlier if evidence.runtime.is_write(call)]
        if any(call.id in evidence.successes for call in writes):
            continue
        if any(call.id not in evidence.outcomes for call in writes):
            return undecided(f"{sentence!r}, and what came of the call is not on record", index)
        return failed("claimed_not_done", f"{sentence!r}, but nothing had been changed", index)
    return MET if found else NOT_APPLICABLE


def _claim(claims: re.Pattern[str], text: str) -> str | None:
    if claims.search(text) is None:
        return None
    for match in _SENTENCE.finditer(text):
        sentence = match[0].strip()
        claim = claims.search(sentence)
        if claim is None or sentence.endswith(("?", "？")):
            continue
        clause = sentence[: claim.end()] + sentence[claim.end() :].partition(",")[0]
        if _NOT_CLAIMED.search(clause) is None:
            return sentence
    return None
