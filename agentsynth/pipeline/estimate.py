"""What the models of a run would read and write, from scripted conversations; no model is called.

Every call that a model would have made in the place of a scripted actor is written as it would be
sent, and the characters of tools and messages are counted: about four a token, one for a Chinese
character.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agentsynth.compose.agents import agent_plans
from agentsynth.compose.composer import composer_prompt
from agentsynth.compose.writer import writer_prompt
from agentsynth.core.caller import Caller
from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, Usage
from agentsynth.core.messages import AssistantMessage, UserMessage
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.transcript import transcript_of
from agentsynth.judge.shown import judge_prompt
from agentsynth.models.actions import Actions
from agentsynth.models.prices import NANO, price_of
from agentsynth.models.settings import ModelSettings
from agentsynth.models.wire import Wire
from agentsynth.pipeline.config import RunConfig, SeatName
from agentsynth.pipeline.work import Graded, Prepared
from agentsynth.simulate.model_user import ModelUser
from agentsynth.simulate.rollout import user_view
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Use", "estimate", "measure", "tokens_in"]

CHARACTERS = 4
"""Characters a token, about; half as many would double the estimate."""

ANSWER = 300
"""Characters of a judge's answer to one question."""

WORDING = 900
"""Characters of a goal and a first message."""

CHARACTER = 500
"""Characters of a character and what its desk serves."""

_WIDE = re.compile("[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


@dataclass
class Use:
    """What one role would use, in tokens."""

    calls: int = 0
    read: float = 0
    again: float = 0
    """Of the tokens read, those that stood at the head of the role's call before."""
    written: float = 0

    def add(self, other: "Use") -> None:
        """Count another one in."""
        self.calls += other.calls
        self.read += other.read
        self.again += other.again
        self.written += other.written

    def times(self, factor: float) -> "Use":
        """Return so many of it."""
        return Use(
            round(self.calls * factor),
            self.read * factor,
            self.again * factor,
            self.written * factor,
        )


def tokens_in(text: str) -> float:
    """Return about how many tokens a text is."""
    wide = len(_WIDE.findall(text))
    return (len(text) - wide) / CHARACTERS + wide


def shared_head(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[:middle] == other[:middle]:
            least = middle
        else:
            most = middle - 1
    return least


@dataclass
class _Counting:
    """A model that counts what it would read and says next to nothing."""

    wire: Wire
    says: str
    use: Use = field(default_factory=Use)
    before: str = ""

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Count a request."""
        text = _read(self.wire.body(request))
        again = text[: shared_head(self.before, text)]
        self.before = text
        self.use.add(Use(1, tokens_in(text), tokens_in(again)))
        return ChatReply(self.says)


def _read(body: bytes) -> str:
    """Return what a model reads of a request: tools and messages. Forms are mostly not read."""
    asked: dict[str, Any] = json.loads(body)
    parts = [json.dumps(tool, ensure_ascii=False) for tool in asked.get("tools", ())]
    for message in asked["messages"]:
        calls = [json.dumps(call["function"]) for call in message.get("tool_calls", ())]
        parts.append("\n".join([message["role"], message["content"], *calls]))
    return "\n".join(parts)


async def measure(
    config: RunConfig, prepared: Prepared, graded: Graded, runtime: DomainRuntime
) -> dict[SeatName, Use]:
    """Return what the models of a run would use in one conversation that was played by script."""
    uses: dict[SeatName, Use] = {}
    for role, settings in config.models.seated().items():
        if role == "assistant":
            uses[role] = await _assistant(settings, prepared, graded.trajectory)
        elif role == "user":
            uses[role] = await _user(
                settings, prepared, graded, runtime, writes="task_writer" in config.models.seated()
            )
        elif role == "judge":
            uses[role] = _judge(config, prepared, graded)
        elif role == "task_writer":
            prompt = writer_prompt(prepared.composed.task, graded.scenario.persona, runtime)
            uses[role] = Use(1, tokens_in(prompt), 0, WORDING / CHARACTERS)
    return uses


def measure_agents(runtimes: Iterable[DomainRuntime]) -> Use:
    """Return what a composer would use before a run, once for all of it."""
    use = Use()
    for runtime in runtimes:
        before: list[str] = []
        for plan in agent_plans(runtime):
            read = tokens_in(composer_prompt(runtime, plan, before))
            use.add(Use(1, read, 0, CHARACTER / CHARACTERS))
            before.append("-" * CHARACTER)
    return use


async def _assistant(settings: ModelSettings, prepared: Prepared, played: Trajectory) -> Use:
    acts = settings.mode == "action"
    counting = _Counting(Wire(settings), '{"action": "reply", "text": "-"}' if acts else "-")
    model: Model = Actions(counting) if acts else counting
    for at, message in enumerate(played.messages):
        if isinstance(message, AssistantMessage):
            request = ChatRequest(played.messages[:at], tools=prepared.agent.tools)
            await model.complete(request, CallKey("assistant", played.task_id, 0, at))
            counting.use.written += tokens_in(message.content) + _calls(message)
    return counting.use


def _calls(message: AssistantMessage) -> float:
    written = [[call.name, call.arguments] for call in message.tool_calls]
    return tokens_in(json.dumps(written, ensure_ascii=False)) if written else 0


async def _user(
    settings: ModelSettings,
    prepared: Prepared,
    graded: Graded,
    runtime: DomainRuntime,
    *,
    writes: bool,
) -> Use:
    """Return the use of a user's turns; the first one is there where a model words the tasks."""
    task, played = prepared.composed.task, graded.trajectory
    as_json = settings.mode == "action"
    counting = _Counting(Wire(settings), '{"say": "-", "then": "go_on"}' if as_json else "-")
    caller = Caller(counting, "user", task=task.id, sample=0)
    opening = next((m.content for m in played.messages if isinstance(m, UserMessage)), None)
    user = ModelUser(
        caller,
        graded.scenario.persona,
        task.language,
        as_json,
        opening=opening if writes else None,
    )
    for at, message in enumerate(played.messages):
        if not isinstance(message, UserMessage):
            continue
        view = user_view(task, played.messages[:at], runtime.user_specs)
        if writes and not view.messages:
            await user.act(view)  # it was written before, and by another
            continue
        own = [call for call in played.user_calls if call.after == at]
        for _ in range(1 + len(own)):
            await user.act(view)
        arguments = "".join(json.dumps(one.call.arguments) for one in own)
        counting.use.written += tokens_in(message.content + arguments)
    return counting.use


def _judge(config: RunConfig, prepared: Prepared, graded: Graded) -> Use:
    """Return the use of the answers to what the checks leave open; they ask about kept rows only.

    Every ballot of a panel counts as one of the first judge's, and mutants as more conversations.
    """
    open_ = {o.criterion for o in graded.verdict.outcomes if o.outcome == "unanswered"}
    questions = [c for c in prepared.rubric.criteria if c.name in open_]
    if not questions or not graded.decision.kept:
        return Use()
    shown, judging = transcript_of(graded.trajectory), config.judging
    apart = judging.asking.ask == "one_each"
    asked = [[question] for question in questions] if apart else [questions]
    read = sum(tokens_in(judge_prompt(shown, some)) for some in asked)
    once = Use(len(asked), read, 0, len(questions) * ANSWER / CHARACTERS)
    ballots = len(config.judges()) * judging.asking.samples * len(judging.asking.orders)
    return once.times(ballots * (1 + judging.mutants))


def estimate(
    config: RunConfig,
    uses: Mapping[SeatName, Use],
    *,
    conversations: int,
    of: int,
    at: datetime,
    once: Mapping[SeatName, Use] | None = None,
) -> dict[str, Any]:
    """Return what a whole run would use and cost, by role and in all.

    Args:
        uses: what so many (`conversations`) of them used, all together.
        of: conversations of the whole run in which models play.
        at: when it is run, for prices that go by the hour.
        once: what is used before the first conversation, however many there are.
    """
    factor = of / conversations if conversations else 0.0
    seated = config.models.seated()
    whole: dict[SeatName, Use] = {role: use.times(factor) for role, use in uses.items()}
    whole.update(once or {})
    roles = {role: _role(seated[role], use, at) for role, use in whole.items()}
    tokens = sum(role["read"] + role["written"] for role in roles.values())
    costs = [(role["usd"], role["usd_cached"]) for role in roles.values()]
    known = [(full, cached) for full, cached in costs if full is not None and cached is not None]
    complete = len(known) == len(costs)
    usd = round(sum(full for full, _ in known), 6) if complete else None
    cached = round(sum(cached for _, cached in known), 6) if complete else None
    return {
        "conversations": of,
        "roles": roles,
        "tokens": tokens,
        "usd": usd,
        "usd_cached": cached,
        "budget": _budget(config, tokens, usd, cached),
    }


def _role(settings: ModelSettings, use: Use, at: datetime) -> dict[str, Any]:
    price = price_of(settings, at)
    read, again, written = round(use.read), round(use.again), round(use.written)
    full = None if price is None else price.cost(Usage(read, written))
    cached = None if price is None else price.cost(Usage(read, written, cached=again))
    return {
        "model": settings.model,
        "calls": use.calls,
        "read": read,
        "cached": again,
        "written": written,
        "usd": None if full is None else full / NANO,
        "usd_cached": None if cached is None else cached / NANO,
        "price": None if price is None else price.source,
    }


def _budget(
    config: RunConfig, tokens: int, usd: float | None, cached: float | None
) -> dict[str, Any] | None:
    """Return whether the budget would do; None = there is none."""
    budget = config.budget
    if budget is None:
        return None
    if budget.usd is None:
        return {"tokens": budget.tokens, "enough": tokens <= budget.limit}
    enough: Sequence[bool | None] = [
        None if cost is None else cost <= budget.usd for cost in (usd, cached)
    ]
    return {"usd": budget.usd, "enough": enough[0], "enough_cached": enough[1]}
