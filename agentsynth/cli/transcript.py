"""Print conversations for people."""

import json
from collections.abc import Sequence

from rich.markup import escape

from agentsynth.cli.output import console
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

__all__ = ["print_message", "print_messages"]


def print_messages(messages: Sequence[Message]) -> None:
    """Print a conversation."""
    for index, message in enumerate(messages):
        print_message(message, index)


def print_message(message: Message, index: int | None = None) -> None:
    """Print one message; tool results are shortened to what fits a few lines."""
    number = "" if index is None else f"[dim]{index:>3}[/dim] "
    match message:
        case SystemMessage():
            console.print(f"{number}[magenta]system[/magenta]    {escape(message.content)}")
        case UserMessage():
            console.print(f"{number}[cyan]user[/cyan]      {escape(message.content)}")
        case AssistantMessage():
            if message.content:
                console.print(f"{number}[green]assistant[/green] {escape(message.content)}")
            for call in message.tool_calls:
                arguments = json.dumps(call.arguments, ensure_ascii=False)
                console.print(f"{number}[green]call[/green]      {call.name} {escape(arguments)}")
        case ToolMessage():
            text = message.content if len(message.content) < 600 else message.content[:600] + " …"
            colour = "red" if message.is_error else "yellow"
            console.print(f"{number}[{colour}]result[/{colour}]    {escape(text)}")
