"""Records that are broken in form: what the checks of form have to see in a probe set."""

from collections.abc import Iterator

from agentsynth.core.messages import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from agentsynth.core.trajectory import StopReason, Trajectory
from agentsynth.judge.mutant_words import words_of

__all__ = ["spoiled"]

_CHARS = 20_000


def spoiled(trajectory: Trajectory, *, times: int) -> Iterator[tuple[str, Trajectory]]:
    """Yield a trajectory broken in form, in each way that it can be, with a name for the way.

    Args:
        times: how often a call is made over and over: more than any limit allows.
    """
    messages = trajectory.messages
    calling = next(
        (
            (place, message)
            for place, message in enumerate(messages)
            if isinstance(message, AssistantMessage) and message.tool_calls
        ),
        None,
    )
    if calling is not None:
        place, message = calling
        yield "invented_tool", _with_call(trajectory, place, message, {"name": "no_such_tool"})
        unanswered = (*messages[: place + 1], *messages[place + 2 :])
        yield "unanswered_call", trajectory.model_copy(update={"messages": unanswered})
        yield "same_call_again", _called_again(trajectory, place, message, times)
    said = next(
        (n for n, m in enumerate(messages) if isinstance(m, AssistantMessage) and m.content), None
    )
    if said is not None:
        long = messages[said].model_copy(update={"content": messages[said].content * _CHARS})
        cut = long.model_copy(update={"content": long.content[:_CHARS]})
        yield "endless_message", _with(trajectory, said, cut)
    yield "silent_user", _with_silent_user(trajectory)
    claim = AssistantMessage(content=words_of("en").claim)
    yield "empty_claim", trajectory.model_copy(update={"messages": (*messages, claim)})
    yield "broken_off", trajectory.model_copy(update={"stop_reason": StopReason.TURN_LIMIT})


def _with(trajectory: Trajectory, place: int, message: Message) -> Trajectory:
    messages = (*trajectory.messages[:place], message, *trajectory.messages[place + 1 :])
    return trajectory.model_copy(update={"messages": messages})


def _with_silent_user(trajectory: Trajectory) -> Trajectory:
    """Return the trajectory with a user who tells nothing after the first words."""
    users = [n for n, m in enumerate(trajectory.messages) if isinstance(m, UserMessage)]
    for place in users[1:]:
        trajectory = _with(trajectory, place, UserMessage(content="…"))
    return trajectory


def _with_call(
    trajectory: Trajectory, place: int, message: AssistantMessage, update: dict[str, str]
) -> Trajectory:
    call = message.tool_calls[0].model_copy(update=update)
    calls = (call, *message.tool_calls[1:])
    return _with(trajectory, place, message.model_copy(update={"tool_calls": calls}))


def _called_again(
    trajectory: Trajectory, place: int, message: AssistantMessage, times: int
) -> Trajectory:
    """Return the trajectory with its first call made over and over, each time with its result."""
    call = message.tool_calls[0]
    answer = next(
        m for m in trajectory.messages[place:]
        if isinstance(m, ToolMessage) and m.tool_call_id == call.id
    )  # fmt: skip
    record = next((r for r in trajectory.calls if r.call_id == call.id), None)
    again: list[Message] = []
    records = list(trajectory.calls)
    for number in range(times):
        id_ = f"{call.id}_{number}"
        again.append(AssistantMessage(content="", tool_calls=(_named(call, id_),)))
        again.append(answer.model_copy(update={"tool_call_id": id_}))
        if record is not None:
            records.append(record.model_copy(update={"call_id": id_, "changes": ()}))
    messages = (*trajectory.messages[:place], *again, *trajectory.messages[place:])
    return trajectory.model_copy(update={"messages": messages, "calls": tuple(records)})


def _named(call: ToolCall, id_: str) -> ToolCall:
    return call.model_copy(update={"id": id_})
