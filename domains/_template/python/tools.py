"""The game shelf's records, tools and starting state, as typed Python.

It imports only from `agentsynth.worlds.python` and from pure modules of the standard library, and
has no state, clock or chance of its own: the tables, `ctx` and the seed's `rng` give all three.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from agentsynth.worlds.python import (
    Context,
    Date,
    Money,
    Record,
    Ref,
    Table,
    ToolError,
    add_days,
    entity,
    read,
    show,
    write,
)

# Records are values: a table gives them out, and takes changed ones back.


class Member(Record):
    """Somebody with a card."""

    id: str
    card: Annotated[str, "Number on the member's card."]
    name: str


class Game(Record):
    """A game of the shelf."""

    id: str
    title: str
    players: Annotated[int, "At most so many can play."]
    deposit_cents: Money
    status: Literal["in", "out"]


class Loan(Record):
    """A game that somebody took home."""

    id: str
    member_id: Annotated[str, Ref("member")]
    game_id: Annotated[str, Ref("game")]
    title: Annotated[str, "The game's title."]
    due_on: Date
    status: Literal["open", "closed"] = "open"


@dataclass(frozen=True)
class Shelf:
    """The state: one table for each entity."""

    members: Table[Member]
    games: Table[Game]
    loans: Table[Loan]


# Tools. The docstring is what the model reads, and so is the text beside each parameter's type.


def find_member(
    state: Shelf, ctx: Context, card: Annotated[str, "Number on the card, such as C-1207."]
) -> dict[str, Any]:
    """Find the member whose card has this number."""
    member = state.members.find(card=card)
    if member is None:
        raise ToolError("member_not_found", f"No member has the card {card}.")
    return show(member, "id", "name", "card")


def list_games(state: Shelf, ctx: Context) -> dict[str, Any]:
    """List all games by title.

    Each comes with its number of players, its deposit in cents and whether it is in.
    """
    games = sorted(state.games.all(), key=lambda game: game.title)
    return {"as_of": ctx.today, "total": len(games), "games": games}


def list_loans(
    state: Shelf, ctx: Context, member_id: Annotated[str, "Id of the member, such as ME-101."]
) -> dict[str, Any]:
    """List the games that a member has at home, the one due first on top."""
    member = _member(state, member_id)
    loans = state.loans.where(member_id=member.id, status="open")
    loans.sort(key=lambda loan: (loan.due_on, loan.title))
    shown = [show(loan, "id", "game_id", "title", "due_on") for loan in loans]
    return {"total": len(loans), "loans": shown}


def lend_game(
    state: Shelf,
    ctx: Context,
    member_id: Annotated[str, "Id of the member, such as ME-101."],
    game_id: Annotated[str, "Id of the game, such as GA-11."],
    due_on: Annotated[Date, "Day it has to be back, YYYY-MM-DD."],
) -> dict[str, Any]:
    """Lend a game that is in to a member until a date."""
    member = _member(state, member_id)
    game = state.games.need(game_id, "game_not_found", f"There is no game {game_id}.")
    # A ToolError is an answer that the agent sees, and nothing is changed. Whatever else is raised
    # is a bug of this file: it ends the rollout.
    if game.status != "in":
        raise ToolError("game_is_out", f"{game.title} is out.")
    if due_on <= ctx.today:
        message = f"The date {due_on} does not lie after today, {ctx.today}."
        raise ToolError("due_date_passed", message)
    loan = state.loans.add(member_id=member.id, game_id=game.id, title=game.title, due_on=due_on)
    state.games.update(game, status="out")
    return {
        "loan_id": loan.id,
        "title": game.title,
        "due_on": due_on,
        "deposit_cents": game.deposit_cents,
    }


def return_game(
    state: Shelf, ctx: Context, loan_id: Annotated[str, "Id of the open loan, such as LO-1013."]
) -> dict[str, Any]:
    """Take a game back that a member has at home. Its deposit is paid out."""
    loan = state.loans.need(loan_id, "loan_not_found", f"There is no loan {loan_id}.")
    if loan.status != "open":
        raise ToolError("loan_closed", f"The loan {loan.id} is closed already.")
    game = state.games.need(loan.game_id, "game_not_found", f"There is no game {loan.game_id}.")
    state.loans.update(loan, status="closed")
    state.games.update(game, status="in")
    return {"loan_id": loan.id, "title": loan.title, "deposit_cents": game.deposit_cents}


def _member(state: Shelf, member_id: str) -> Member:
    message = f"There is no member {member_id}."
    return state.members.need(member_id, "member_not_found", message)


# The starting state: the same for the same seed.

_FIRST = ("Ada", "Ben", "Chloe", "Dev", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas")
_LAST = ("Abbott", "Brandt", "Castro", "Dubois", "Evans", "Fischer", "Greco", "Hansen")
_TITLES = (
    *("Harbour Lights", "Fox and Furrow", "Tin Soldiers", "Salt Road", "Night Orchard"),
    *("Paper Kingdom", "Clockwork Bay", "Moss Hollow", "Amber Trail", "Two Rivers"),
    *("Lantern Street", "Stone Garden", "Copper Canyon", "Winter Market"),
)


def seed(rng: random.Random, today: str) -> Iterator[Record]:
    """Give the records of a world."""
    names = rng.sample([f"{first} {last}" for first in _FIRST for last in _LAST], 12)
    for number, name in enumerate(names):
        yield Member(id=f"ME-{101 + number}", card=f"C-{1207 + number * 613}", name=name)
    out = 0
    for number, title in enumerate(_TITLES):
        status: Literal["in", "out"] = rng.choice(("in", "out"))
        game = Game(
            id=f"GA-{11 + number}",
            title=title,
            players=rng.randint(2, 8),
            deposit_cents=250 * rng.randint(2, 12),
            status=status,
        )
        yield game
        if status == "out":
            # The first two borrowers have two games, the others one.
            yield Loan(
                id=f"LO-{1013 + out * 37}",
                member_id=f"ME-{101 + out // 2 if out < 4 else 99 + out}",
                game_id=game.id,
                title=title,
                due_on=add_days(today, rng.randint(1, 14)),
            )
            out += 1


# What counts of this file.

STATE = Shelf
ENTITIES = {
    "member": entity(Member, id_pattern="ME-###", natural_key=("card",)),
    "game": entity(Game, id_pattern="GA-##", natural_key=("title",)),
    "loan": entity(Loan, id_pattern="LO-####", natural_key=("title",)),
}
TOOLS = (
    read(find_member),
    read(list_games),
    read(list_loans),
    write(lend_game),
    write(return_game),
)
