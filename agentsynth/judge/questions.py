"""A language model answers a rubric's questions about a conversation, citing messages.

It sees the transcript and nothing else: no label, no certificate, no check's result, not which
model played. A judge that cannot be read after one repair is an error, never a score.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agentsynth.core.caller import Caller
from agentsynth.core.chat import ModelError
from agentsynth.core.messages import AssistantMessage, Message, UserMessage
from agentsynth.core.rubric import Criterion
from agentsynth.core.transcript import Transcript
from agentsynth.judge.put import Put, citable_in, put_to
from agentsynth.judge.reading import Answered, answer_schema, read_answers
from agentsynth.judge.shown import judge_prompt, repair_prompt

__all__ = ["ModelJudge"]

_NOTHING = Answered(None, "no message in the conversation is of this scope", ())


@dataclass
class ModelJudge:
    """A model that answers questions."""

    caller: Caller
    as_json: bool
    """True = it answers under a schema; False = it is only asked to."""
    reverse: bool = False
    """True = questions and choices are listed the other way round."""

    async def answer(
        self, transcript: Transcript, questions: Sequence[Criterion]
    ) -> dict[str, Answered]:
        """Return the answer to every question, by the criterion's name.

        Raises:
            ModelError: `bad_reply` if the answer cannot be read after one repair; else as the
                model does.
        """
        every = [put_to(question, transcript.messages) for question in questions]
        puts = [put for put in every if put.places != ()]
        silent = {put.criterion.name: _NOTHING for put in every if put.places == ()}
        if not puts:
            return silent
        prompt = judge_prompt(transcript, questions, reverse=self.reverse)
        return {**silent, **await self._answers(prompt, puts, citable_in(transcript.messages))}

    async def _answers(
        self, prompt: str, puts: Sequence[Put], citable: Collection[int]
    ) -> dict[str, Answered]:
        asked: list[Message] = [UserMessage(content=prompt)]
        text = await self._ask(asked, puts)
        try:
            return read_answers(text, puts, citable)
        except ValueError as error:
            problem = str(error)
        asked += [AssistantMessage(content=text), UserMessage(content=repair_prompt(problem))]
        text = await self._ask(asked, puts)
        try:
            return read_answers(text, puts, citable)
        except ValueError as error:
            raise ModelError(
                "bad_reply", f"the judge's answer cannot be read, after one repair: {error}"
            ) from None

    async def _ask(self, messages: Sequence[Message], puts: Sequence[Put]) -> str:
        schema = answer_schema(puts) if self.as_json else None
        return (await self.caller.ask(messages, schema=schema)).text
