"""What is to be asked: one question about one golden, put once to one judge. And why it is open."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agentsynth.core.caller import Caller
from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError
from agentsynth.core.ids import derive_seed
from agentsynth.core.messages import AssistantMessage, Message, UserMessage
from agentsynth.core.rubric import Criterion
from agentsynth.core.transcript import Transcript
from agentsynth.golden.cassette import Answer, Cassettes, Header, Parts, header_of
from agentsynth.golden.gates import JudgeConfig
from agentsynth.golden.load import Goldens
from agentsynth.judge.panel import Ballot
from agentsynth.judge.put import citable_in, put_to
from agentsynth.judge.questions import ModelJudge
from agentsynth.judge.reading import answer_schema, read_answers
from agentsynth.judge.shown import JUDGE_PROMPTS, judge_prompt, repair_prompt
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.panel import judge_name

__all__ = ["Ask", "Missing", "asks_of", "ballot_of", "judge_of", "missing", "request_of"]

Why = Literal["question", "conversation", "prompt", "judge", "never"]


@dataclass(frozen=True)
class Ask:
    """One question about one golden, put once to one judge."""

    golden: str
    transcript: Transcript
    criterion: Criterion
    settings: ModelSettings
    header: Header
    parts: Parts
    key: str

    @property
    def silent(self) -> bool:
        """Whether nothing is asked: no message in the conversation is of the question's scope."""
        return put_to(self.criterion, self.transcript.messages).places == ()

    @property
    def seed(self) -> int | None:
        """What is sent as a seed; None = nothing is."""
        return derive_seed("golden", self.key) % 2**31 if self.settings.send_seed else None


@dataclass(frozen=True)
class Missing:
    """Answers that are not on record, for one reason."""

    why: Why
    told: str
    keys: tuple[str, ...]
    goldens: tuple[str, ...]
    """Whose they are, once each, in order."""


def asks_of(goldens: Goldens, judge: JudgeConfig | None) -> list[Ask]:
    """Return everything that is asked: by golden, criterion, judge, sample, order."""
    if judge is None:
        return []
    headers = [(settings, header_of(settings)) for settings in judge.models]
    found: list[Ask] = []
    for held in goldens.held:
        shown = held.golden.shown if held.asked else None
        for criterion in held.asked:
            assert shown is not None  # somebody asks
            for settings, header in headers:
                for parts in _parts(criterion, shown, judge):
                    key = header.key(parts)
                    one = Ask(held.golden.id, shown, criterion, settings, header, parts, key)
                    found.append(one)
    return found


def _parts(criterion: Criterion, shown: Transcript, judge: JudgeConfig) -> Iterator[Parts]:
    for sample in range(judge.asking.samples):
        for order in judge.asking.orders:
            yield Parts(
                prompts=JUDGE_PROMPTS,
                question=criterion.question_id,
                transcript=shown.id,
                sample=sample,
                order=order,
            )


def judge_of(ask: Ask, model: Model) -> ModelJudge:
    """Return the judge that this is put to."""
    caller = Caller(model, "judge", ask.golden, ask.parts.sample, seed=ask.seed)
    as_json = ask.settings.mode == "action"
    return ModelJudge(caller, as_json=as_json, reverse=ask.parts.order == "reversed")


@dataclass
class _Said:
    """A model that says again what is on record, and nothing else."""

    texts: Sequence[str]
    spoken: int = 0

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        if self.spoken >= len(self.texts):
            raise ModelError("not_recorded", "it cannot be read, and no repair is on record")
        self.spoken += 1
        return ChatReply(self.texts[self.spoken - 1])


async def ballot_of(ask: Ask, answer: Answer | None) -> Ballot | None:
    """Return what an answer on record says, read today; None = it is not on record.

    One that cannot be read is a failed ballot.
    """
    if answer is None and not ask.silent:
        return None
    judge = judge_of(ask, _Said([] if answer is None else list(answer.texts)))
    named = Ballot(judge=judge_name(ask.settings), sample=ask.parts.sample, order=ask.parts.order)
    try:
        answers = await judge.answer(ask.transcript, [ask.criterion])
    except ModelError as error:
        return named.model_copy(update={"failed": f"{error.fault}: {error}"})
    said = answers[ask.criterion.name]
    update = {
        "choice": said.choice,
        "reason": said.reason,
        "messages": said.messages,
        "each": said.each,
    }
    return named.model_copy(update=update)


def request_of(ask: Ask, answer: Answer | None) -> ChatRequest | None:
    """Return what a judge is sent: the question, or the repair of an answer that is unreadable.

    None = nothing is left to ask.
    """
    put = put_to(ask.criterion, ask.transcript.messages)
    if put.places == ():
        return None
    reverse = ask.parts.order == "reversed"
    prompt = judge_prompt(ask.transcript, [ask.criterion], reverse=reverse)
    messages: list[Message] = [UserMessage(content=prompt)]
    if answer is not None:
        problem = _problem(ask, answer)
        first, *more = answer.texts
        if problem is None or more:
            return None
        said = AssistantMessage(content=first)
        messages += [said, UserMessage(content=repair_prompt(problem))]
    schema = answer_schema([put]) if ask.settings.mode == "action" else None
    return ChatRequest(tuple(messages), schema=schema, seed=ask.seed)


def _problem(ask: Ask, answer: Answer) -> str | None:
    put = put_to(ask.criterion, ask.transcript.messages)
    try:
        read_answers(answer.texts[0], [put], citable_in(ask.transcript.messages))
    except ValueError as error:
        return str(error)
    return None


def missing(asks: Iterable[Ask], cassettes: Cassettes) -> list[Missing]:
    """Return what is not on record, by why: each with what changed since it was."""
    every = [ask for ask in asks if not ask.silent]
    known: dict[tuple[str, str], list[tuple[Header, Answer]]] = {}
    for name, answers in cassettes.answers.items():
        for answer in answers.values():
            place = (answer.golden, answer.criterion)
            known.setdefault(place, []).append((cassettes.headers[name], answer))
    open_ = [ask for ask in every if cassettes.get(ask.header, ask.key) is None]
    hold = len(every) - len(open_)
    grouped: dict[tuple[Why, str], list[Ask]] = {}
    for ask in open_:
        reason = _why(ask, known.get((ask.golden, ask.criterion.name), ()))
        grouped.setdefault(reason, []).append(ask)
    return [
        Missing(
            why,
            _counted(why, told, len(group), hold),
            tuple(ask.key for ask in group),
            tuple(Counter(ask.golden for ask in group)),
        )
        for (why, told), group in grouped.items()
    ]


def _counted(why: Why, told: str, stale: int, hold: int) -> str:
    word = "answer is" if stale == 1 else "answers are"
    what = "missing" if why == "never" else "stale"
    return f"{told}: {stale} {word} {what}; {hold} others hold"


def _why(ask: Ask, known: Sequence[tuple[Header, Answer]]) -> tuple[Why, str]:
    name = ask.criterion.name
    same = [a for header, a in known if header.file == ask.header.file]
    like = [
        a for a in same if (a.parts.sample, a.parts.order) == (ask.parts.sample, ask.parts.order)
    ]
    if not like:
        others = sorted({header.judge for header, _ in known if header.file != ask.header.file})
        if others and not same:
            how = "other sampling settings" if others == [ask.header.judge] else ask.header.judge
            return "judge", f"the judge changed from {', '.join(others)} to {how}"
        if same:
            return "never", f"more samples or orders are wanted of {name}"
        return "never", "never recorded"
    changed: list[tuple[Why, str]] = []
    if all(a.parts.question != ask.parts.question for a in like):
        changed.append(("question", f"question {name} was changed"))
    if all(a.parts.transcript != ask.parts.transcript for a in like):
        changed.append(("conversation", f"the conversation of golden {ask.golden} changed"))
    if all(a.parts.prompts != ask.parts.prompts for a in like):
        changed.append(("prompt", "the judge's prompt template changed"))
    if not changed:
        return "never", "several things changed since it was recorded"
    return changed[0][0], ", and ".join(told for _, told in changed)
