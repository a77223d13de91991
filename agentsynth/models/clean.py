"""What a model wrote, freed of what was never meant as words.

Templates leak: tokens that end a turn, calls written as text, halves of characters. Calls that a
model tried and the endpoint did not recognise are found here too.
"""

import re

from agentsynth.core.chat import RawCall

__all__ = ["clean_text", "split_calls", "split_thinking"]

NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but tab and line ends, and halves of surrogate pairs."""

END = re.compile(
    r"(?:<\|(?:im_end|im_start|eot_id|eom_id|end|endoftext|end_of_text|return|call|user|assistant"
    r"|observation|tool_calls_section_end|tool_call_end|im_middle|end_of_turn|EOT)\|>"
    r"|<\uff5cend\u2581of\u2581sentence\uff5c>|</s>|<eos>|<end_of_turn>|<start_of_turn>|\[EOS\]|\[/INST\])\s*\Z"
)
"""Special tokens that end a turn, of the families in use."""

MARKUP = re.compile(
    r"<\|tool_calls_section_begin\|>.*?(?:<\|tool_calls_section_end\|>|\Z)"  # Kimi
    r"|<\|tool_call_begin\|>.*?(?:<\|tool_call_end\|>|\Z)"
    r"|<\uff5ctool\u2581calls\u2581begin\uff5c>"  # DeepSeek
    r".*?(?:<\uff5ctool\u2581calls\u2581end\uff5c>|\Z)"
    r"|<tool_calls?>.*?(?:</tool_calls?>|\Z)"  # Hermes, Qwen, GLM
    r"|<(?:minimax:tool_call|function_calls)>.*?(?:</(?:minimax:tool_call|function_calls)>|\Z)"
    r"|<invoke name=.*?(?:</invoke>|\Z)"
    r"|<function=.*?(?:</function>|\Z)"  # Llama, Qwen coder
    r"|<\|python_tag\|>.*\Z"
    r"|\[TOOL_CALLS\].*\Z",  # Mistral
    re.DOTALL,
)

HINTS = (
    "<tool_call",
    "<|tool_call",
    "<\uff5ctool",
    "function",
    "<invoke",
    "<|python_tag",
    "[TOOL_CALLS",
)
"""One of these stands in every markup; most texts hold none, and the pattern is not tried."""

NAME = re.compile(
    r"""["']name["']\s*:\s*["']([\w.:/-]{1,200})["']"""
    r"|<function=[\"']?([\w.:/-]{1,200})"
    r"|<invoke name=[\"']([\w.:/-]{1,200})"
    r"|<\|tool_call_begin\|>\s*(?:functions\.)?([\w.-]{1,200})"
    r"|<\uff5ctool\u2581sep\uff5c>\s*([\w.-]{1,200})"
    r"|\[TOOL_CALLS\]\s*([\w.-]{1,200})"
    r"|<tool_call>\s*([\w.-]{1,200})"
)

ATTEMPTS_KEPT = 16
"""Most calls written as text that are told apart in one reply."""


def clean_text(text: str) -> str:
    """Return the words: no control characters, no token that ends a turn, no outer blanks.

    A half of a surrogate pair becomes U+FFFD; line ends become "\\n".
    """
    if not text.isprintable():
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = NOT_TEXT.sub(lambda found: "\ufffd" if found[0] >= "\ud800" else "", text)
    text = text.strip()
    while text and text[-1] in ">]" and (end := END.search(text)) is not None:
        text = text[: end.start()].rstrip()
    return text


def split_thinking(text: str) -> tuple[str, str]:
    """Return (reasoning, text) of a content that begins with its reasoning.

    A template that opens the thinking itself leaves only `</think>` in the content; one that was
    cut off leaves only `<think>`, and then all of it is reasoning.
    """
    if "think>" not in text:
        return "", text
    start = text.lstrip()
    opened = start.startswith("<think>")
    before, closed, after = start.partition("</think>")
    if opened:
        return before.removeprefix("<think>"), after
    if closed and "<think>" not in before:
        return before, after
    return "", text


def split_calls(text: str) -> tuple[str, tuple[RawCall, ...]]:
    """Return the text without call markup, and each call that was written as text.

    Such a call has no arguments: the endpoint did not recognise it, and guessing what it meant
    would be a repair.
    """
    if not any(hint in text for hint in HINTS):
        return text, ()
    found = list(MARKUP.finditer(text))
    if not found:
        return text, ()
    rest = MARKUP.sub("", text)
    return rest, tuple(_attempt(match[0]) for match in found[:ATTEMPTS_KEPT])


def _attempt(markup: str) -> RawCall:
    named = NAME.search(markup)
    name = next(filter(None, named.groups()), "") if named else ""
    problem = "the call is written as text; calls belong in 'tool_calls'"
    return RawCall("", name, markup, None, problem)
