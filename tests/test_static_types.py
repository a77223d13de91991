"""Every kind of mistake that is found before a domain runs, each by the line it is on."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentsynth.core.domain import Domain
from agentsynth.core.errors import UserError
from agentsynth.core.messages import ToolCall
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from agentsynth.worlds.files import parse_yaml, validate
from agentsynth.worlds.static import domain_problems

GOOD = (Path(__file__).parent / "data" / "static.yaml").read_text(encoding="utf-8")

QUIET = "it.floor + 1 > 0"
PAST = "require: args.starts > now"
PAID = "- {update: booking, key: =booking.id, set: {paid: true}}"
BOOKED = "status: booked, paid: false, note: =args.note}"

# What is replaced by what, and the path and message of the problem.
CASES = [
    # types in conditions
    (QUIET, "it.floor == 'one'", "tools.findRooms.steps.0.filter", "'it.floor' == 'one': a whole number and a text are never equal"),
    (QUIET, "it.floor > 'one'", "tools.findRooms.steps.0.filter", "a whole number and a text are never equal"),
    (QUIET, "it.kind == 'huge'", "tools.findRooms.steps.0.filter", "'huge' is none of the enum's values: small, large"),
    (QUIET, "it.kind in ['small', 'huge']", "tools.findRooms.steps.0.filter", "'it.kind' is never 'huge'"),
    (QUIET, "it.name in [1, 2]", "tools.findRooms.steps.0.filter", "'it.name' is never 1"),
    (QUIET, "args.floor == it.kind", "tools.findRooms.steps.0.filter", "are never equal"),
    (QUIET, "it.name + 1 == 2", "tools.findRooms.steps.0.filter", "'it.name' is a text; '+' is for numbers here"),
    (QUIET, "it.name - 1 == 2", "tools.findRooms.steps.0.filter", "'-' is for numbers"),
    (QUIET, "-it.name == 2", "tools.findRooms.steps.0.filter", "'-' is for numbers"),
    (QUIET, "it.floor", "tools.findRooms.steps.0.filter", "'it.floor' is a whole number, not true or false"),
    (QUIET, "!it.floor", "tools.findRooms.steps.0.filter", "'it.floor' is a whole number, not true or false"),
    (QUIET, "(it.floor ? true : false)", "tools.findRooms.steps.0.filter", "not true or false"),
    (QUIET, "it.floor < null", "tools.findRooms.steps.0.filter", "null has no order"),
    (QUIET, "it.tags < it.name", "tools.findRooms.steps.0.filter", "have no order"),
    (QUIET, "lower(it.floor) == 'x'", "tools.findRooms.steps.0.filter", "lower: 'it.floor' is a whole number, where a text is needed"),
    (QUIET, "size(it.tags, 2) == 1", "tools.findRooms.steps.0.filter", "size takes 1 values, not 2"),
    (QUIET, "weekday(today) == 'Monday'", "tools.findRooms.steps.0.filter", "'Monday' is none of the enum's values"),
    (PAST, "require: args.minutes > now", "tools.book.steps.2.require", "are never equal"),
    (PAST, "require: args.starts == today", "tools.book.steps.2.require", "a datetime and a date are never equal"),
    (PAST, "require: args.starts > 'soon'", "tools.book.steps.2.require", "'soon' is not a datetime"),
    (PAST, "require: minutes_between(today, args.starts) > 0", "tools.book.steps.2.require", "'today' is a date, where a datetime is needed"),
    (PAST, "require: add_minutes(args.note, 5) > now", "tools.book.steps.2.require", "'args.note' may be any text; give the parameter 'format: datetime'"),
    (PAST, "require: args.minutes * 2", "tools.book.steps.2.require", "a condition gives true or false, this gives a whole number"),
    ('if: "!far"', "if: today", "tools.book.steps.4.if", "a condition gives true or false, this gives a date"),
    ("require: same <= 1", "require: others <= 1", "invariants.0.require", "have no order"),
    # types of what is written, looked up and shown
    ("minutes: =args.minutes", "minutes: =args.starts", "tools.book.steps.5.set.minutes", "expected a whole number, the expression gives a datetime"),
    ("starts: =args.starts, minutes", "starts: =args.note, minutes", "tools.book.steps.5.set.starts", "the parameter takes any text; give it 'format: datetime'"),
    (BOOKED, "status: \"=far ? 'late' : 'far'\", paid: false}", "tools.book.steps.5.set.status", "'late', 'far' is none of the enum's values"),
    (BOOKED, "status: pending, paid: false}", "tools.book.steps.5.set.status", "expected one of booked, running, done, got 'pending'"),
    (BOOKED, "status: booked, paid: =now}", "tools.book.steps.5.set.paid", "expected true or false, the expression gives a datetime"),
    (BOOKED, "status: booked, paid: \"=null\"}", "tools.book.steps.5.set.paid", "may not be null"),
    (BOOKED, "status: booked, paid: false, day: =today}", "tools.book.steps.5.set.day", "this field is derived and cannot be set"),
    ("where: {day: =args.day}", "where: {minutes: =args.day}", "tools.day-sheet.steps.0.where.minutes", "no booking has this: a whole number and a date are never equal"),
    ("where: {status: done}", "where: {status: gone}", "tools.usage.steps.0.where.status", "'gone' is none of the enum's values"),
    ("where: {id: =args.booking_id, paid: false}", "where: {id: =args.booking_id, paid: 0}", "user_tools.mark_paid.steps.0.where.paid", "never equal"),
    ("key: =args.room_id", "key: =args.minutes", "tools.book.steps.1.key", "a key is a text, this is a whole number"),
    ("[null, =args.most_cents]", "[null, =args.cursor]", "tools.findRooms.steps.0.between.rate_cents", "never equal"),
    ("between: {rate_cents: [null, =args.most_cents]}", "between: {tags: [null, =args.most_cents]}", "tools.findRooms.steps.0.between.tags", "a list has no order"),
    ("between: {rate_cents:", "between: {rate:", "tools.findRooms.steps.0.between.rate", "'room' has no field 'rate'"),
    # joins, pages, show
    ("join: {room: room_id}\n        filter", "join: {room: minutes}\n        filter", "tools.day-sheet.steps.0.join.room", "field 'minutes' of 'booking' does not refer to an entity"),
    ("join: {room: room_id}\n        filter", "join: {room: rom_id}\n        filter", "tools.day-sheet.steps.0.join.room", "'booking' has no field 'rom_id'"),
    ("join: {room: room_id}\n        filter", "join: {room: room_id, x: flat.id}\n        filter", "tools.day-sheet.steps.0.join.x", "nothing joined before is called 'flat'"),
    ("join: {room: room_id}\n        filter", "join: {room: room_id, note: room_id}\n        filter", "tools.day-sheet.steps.0.join.note", "has a field 'note' already"),
    ("filter: it.room.floor < 9", "filter: it.room.flor < 9", "tools.day-sheet.steps.0.filter", "'it.room' has no field 'flor'"),
    ("sort: [room.name, starts]", "sort: [room.nam, starts]", "tools.day-sheet.steps.0.sort", "'it.room' has no field 'nam'"),
    ("room: =it.room.name, time", "room: =it.room.nam, time", "tools.day-sheet.steps.0.show.room", "'it.room' has no field 'nam'"),
    ("row: \"{it.time} {it.room}\"", "row: \"{it.tme} {it.room}\"", "tools.day-sheet.steps.1.document.row", "'it' has no field 'tme'"),
    ("each: =rows", "each: =args.day", "tools.day-sheet.steps.1.document.each", "needs a list, this is a date"),
    ("each: =rows, row: \"{it.time} {it.room}\"", "row: \"{today}\"", "tools.day-sheet.steps.1.document.row", "rows need 'each'"),
    ("page: {size: 10,", "page: {size: 0,", "tools.findRooms.steps.0.page.size", "a whole number from 1"),
    ("page: {size: 10,", "page: {size: =args.kind,", "tools.findRooms.steps.0.page.size", "a whole number from 1"),
    ("cursor: =args.cursor, next", "cursor: =args.floor, next", "tools.findRooms.steps.0.page.cursor", "a cursor is a text"),
    ("sort: [name]\n        page", "limit: 5\n        page", "tools.findRooms.steps.0.limit", "a list has pages or a limit"),
    ("sort: [name]\n        page", "fields: [id]\n        page", "tools.findRooms.steps.0.show", "'fields' is not needed"),
    # aggregates
    ("{sum: minutes}, n", "{sum: starts}, n", "tools.usage.steps.0.give.minutes.sum", "a sum is over whole numbers, this is a datetime"),
    ("{sum: minutes}, n", "{sum: minute}, n", "tools.usage.steps.0.give.minutes.sum", "'it' has no field 'minute'"),
    ("{sum: minutes}, n", "{sum: minutes, max: starts}, n", "tools.usage.steps.0.give.minutes", "exactly one of sum, min, max, count"),
    ("{max: starts}", "{max: paid}", "tools.usage.steps.0.give.last.max", "true or false has no order"),
    ("give: {minutes: {sum: minutes}", "give: {by: {sum: minutes}", "tools.usage.steps.0.give.by", "'by' is the group's own value"),
    ("aggregate: =rooms", "aggregate: =now", "tools.usage.steps.1.aggregate", "needs a list, this is a datetime"),
    ("aggregate: =rooms", "aggregate: =rooms\n        where: {x: 1}", "tools.usage.steps.1.where", "there is only 'filter'"),
    ("- aggregate: booking", "- aggregate: bookings", "tools.usage.steps.0.aggregate", "unknown entity 'bookings'"),
    ("{total: {sum: minutes}}", "{total: {sum: hours}}", "tools.usage.steps.1.give.total.sum", "'it' has no field 'hours'; it has: by, last, minutes, n"),
    # lists and time
    ("for_each: =args.ids", "for_each: args.ids", "tools.cancel_all.steps.0.for_each", "needs '=path' of a list"),
    ("for_each: =args.ids", "for_each: =today", "tools.cancel_all.steps.0.for_each", "needs a list, this is a date"),
    ("- {delete: booking, key: =booking.id}\n", "- {delete: booking, key: =booking.ids}\n", "tools.cancel_all.steps.0.do.2.key", "'booking' has no field 'ids'"),
    ("- {delete: booking, key: =booking.id}\n", "- {return: 1}\n", "tools.cancel_all.steps.0.do.2", "nothing is returned from inside"),
    ("value: =booking.id}", "value: =bookin.id}", "tools.cancel_all.steps.0.collect.value", "unknown name 'bookin'"),
    ("{cancelled: =cancelled, failed", "{cancelled: =booking.id, failed", "tools.cancel_all.steps.1.return.cancelled", "unknown name 'booking'"),
    ("{schedule: begin,", "{schedule: begn,", "tools.book.steps.6.schedule", "unknown effect 'begn'; the domain has: begin"),
    ("with: {booking_id: =booking.id}", "with: {booking: =booking.id}", "tools.book.steps.6.with.booking", "'begin' has no parameter 'booking'"),
    ("with: {booking_id: =booking.id}, ", "", "tools.book.steps.6.with", "'begin' needs 'booking_id'"),
    ("at: =args.starts", "at: =args.minutes", "tools.book.steps.6.at", "needs a datetime or a date"),
    ("at: =args.starts", "at: =args.note", "tools.book.steps.6.at", "this may be any text"),
    ("where: {booking_id: =booking.id}}", "where: {booking: =booking.id}}", "tools.cancel_all.steps.0.do.3.where.booking", "'begin' has no parameter 'booking'"),
    ("{unschedule: begin", "{unschedule: began", "tools.cancel_all.steps.0.do.3.unschedule", "unknown effect 'began'"),
    ("{advance: 5}", "{advance: -5}", "tools.book.steps.7.advance", "a number of minutes from 0"),
    ("{advance: 5}", "{advance: =now}", "tools.book.steps.7.advance", "a number of minutes from 0"),
    ("{update: booking, key: =booking.id, set: {status: running}}", "{advance: 5}", "effects.begin.steps.2", "cannot move the clock"),
    ("{advance: 5}", "{once: =args.key}", "tools.book.steps.7", "'once' is the first step of a write tool"),
    ("{advance: 5}", "{delete: scheduled, key: =start.id}", "tools.book.steps.7.delete", "written by 'schedule' and 'unschedule' alone"),
    ("    result: text\n    parameters", "    parameters", "tools.day-sheet.steps.1", "says 'result: text'"),
    # what may stand where, and what is never reached
    ("kind: read\n    steps:\n      - aggregate", "kind: read\n    steps:\n      - {advance: 5}\n      - aggregate", "tools.usage.steps.0", "a read tool may not write"),
    ("        as: others\n", "        as: others\n      - {require: same == 1, code: x, message: x}\n", "invariants.0.steps.1", "an invariant only looks"),
    (PAID, PAID + "\n      - {return: 1}", "user_tools.mark_paid.steps.2", "nothing after 'return' is ever reached"),
    ("      - return: done", "      - {return: done, if: booking.minutes > 5}", "user_tools.mark_paid.steps", "a tool ends with 'return'"),
    (PAID, "- {update: booking, key: =booking.id, set: {paid: true}, if: 1 > 2}", "user_tools.mark_paid.steps.1.if", "never reached: the condition is always false"),
    (PAID, "- {require: 1 > 2, code: x, message: x}\n      " + PAID, "user_tools.mark_paid.steps.1.require", "always refuses, so nothing after it"),
    (PAID, "- {require: booking.paid, code: x, message: x}\n      " + PAID, "user_tools.mark_paid.steps.1.require", "can never hold: 'booking.paid' is settled otherwise before"),
    (PAID, "- {update: booking, key: =booking.id, set: {paid: true}, if: booking.paid}", "user_tools.mark_paid.steps.1.if", "never reached: 'booking.paid' is settled"),
    (PAID, "- {require: \"booking.status == 'booked'\", code: x, message: x}\n      - {require: \"booking.status != 'booked'\", code: x, message: x}\n      " + PAID, "user_tools.mark_paid.steps.2.require", "'booking.status' is settled otherwise"),
    (PAID, "- {require: \"booking.minutes > 5 && booking.minutes < 5\", code: x, message: x}\n      " + PAID, "user_tools.mark_paid.steps.1.require", "'booking.minutes' is settled otherwise"),
    (PAID, "- {require: \"booking.status in ['done', 'running']\", code: x, message: x}\n      - {require: \"'booked' == booking.status\", code: x, message: x}\n      " + PAID, "user_tools.mark_paid.steps.2.require", "'booking.status' is settled otherwise"),
    ("where: {status: done}\n        join: {room: room_id}", "where: {status: done}\n        join: {room: room_id}\n        filter: it.status == 'booked'", "tools.usage.steps.0.filter", "keeps nothing: 'it.status' is settled"),
    # what nothing uses
    ("note: =args.note", "note: null", "tools.book.parameters.note", "no step reads the parameter 'note'"),
    ("parameters: [booking_id]\n", "parameters: [booking_id, why]\n", "effects.begin.why", "no step reads the parameter 'why'"),
    ("entities:\n", "entities:\n  lamp:\n    id_pattern: '#'\n    fields: {id: {type: string}}\n", "entities.lamp", "no tool reads this entity"),
    ("effects:\n", "effects:\n  never:\n    steps: [{let: {a: 1}}]\n", "effects.never", "no step schedules this effect"),
    ("codes: [in_the_past]", "codes: [in_past]", "policy.open_hours.codes", "no tool fails with the code 'in_past'"),
    # entities and tools
    ("unique: [[name]]", "unique: [[nam]]", "entities.room.unique.0", "'room' has no field 'nam'"),
    ("unique: [[name]]", "unique: [[]]", "entities.room.unique.0", "at least one field"),
    ("soft_delete: cancelled_at", "soft_delete: starts", "entities.booking.soft_delete", "must be a nullable field of type date or datetime"),
    ("soft_delete: cancelled_at", "soft_delete: gone", "entities.booking.soft_delete", "must be a nullable field"),
    ("day: =date_of(it.starts)", "day: =it.starts", "entities.booking.derived.day", "expected a date, the expression gives a datetime"),
    ("day: =date_of(it.starts)", "day: =it.day", "entities.booking.derived.day", "'it' has no field 'day'"),
    ("day: =date_of(it.starts)", "day: it.starts", "entities.booking.derived.day", "needs an expression over 'it'"),
    ("day: =date_of(it.starts)", "days: =date_of(it.starts)", "entities.booking.derived.days", "'booking' has no field 'days'"),
    ("minutes: =args.minutes, status", "status", "tools.book.steps.5.set", "field 'minutes' of 'booking' is not set"),
    ("  room:\n", "  scheduled:\n", "entities.scheduled", "the world's own"),
    ("  mark_paid:", "  add_room:", "user_tools.add_room", "the assistant has a tool of this name"),
    ("where: {room_id: =it.room_id, starts", "where: {room_id: =it.room, starts", "invariants.0.steps.0.where.room_id", "'it' has no field 'room'"),
    ("{get: booking, key: =args.booking_id, as: booking}", "{get: booking, key: =args.booking, as: booking}", "effects.begin.steps.0.key", "'args' has no field 'booking'"),
    ("{code: name_taken, message: \"There is a {args.name}.\"}", "{code: name_taken, message: \"There is a {args.nme}.\"}", "tools.add_room.steps.0.taken.message", "no field 'nme'"),
    ("unique: [[name]]\n", "natural_key: [name]\n", "tools.add_room.steps.0.taken", "no 'unique' fields"),
]  # fmt: skip


def problems(text: str) -> list[tuple[int | None, str, str]]:
    loaded = parse_yaml(text, "domain.yaml")
    found = domain_problems(validate(Domain, loaded), loaded)
    assert {problem.file for problem in found} <= {"domain.yaml"}
    return [(problem.line, problem.path, problem.message) for problem in found]


def test_a_domain_of_every_kind_of_step_has_no_problem() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "message"), CASES, ids=[f"{n}-{case[2]}" for n, case in enumerate(CASES)]
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, path: str, message: str) -> None:
    assert GOOD.count(old) >= 1
    text = GOOD.replace(old, new, 1)
    found = [(line, told) for line, where, told in problems(text) if where == path]
    assert found, problems(text)
    line, told = found[0]
    assert message in told
    assert line == line_of(text, path.split("."))


def line_of(text: str, keys: list[str]) -> int:
    """Return the line of a node, or of the nearest one around it, by PyYAML's own marks."""
    node = yaml.compose(text, yaml.SafeLoader)
    line = 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == key), None)
            if pair is None:
                return line
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(key)]
            line = node.start_mark.line + 1
    return line


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("key: =id\n", "keys: =id\n", "tools.cancel_all.steps.0.do.0.keys"),
        ("{delete: booking,", "{remove: booking,", "tools.cancel_all.steps.0.do.2"),
        ("page: {size: 10,", "page: {sise: 10,", "tools.findRooms.steps.0.page.sise"),
        ("{sum: minutes}, n", "{total: minutes}, n", "tools.usage.steps.0.give.minutes.total"),
        ("sort: [name]", "sort: name", "tools.findRooms.steps.0.sort"),
    ],
)
def test_a_mistake_of_form_inside_a_step_is_named_with_its_line(
    old: str, new: str, path: str
) -> None:
    text = GOOD.replace(old, new, 1)
    with pytest.raises(UserError) as refused:
        validate(Domain, parse_yaml(text, "domain.yaml"))
    assert f"domain.yaml:{line_of(text, path.split('.'))}: {path}: " in str(refused.value)


def test_the_domain_of_every_kind_of_step_runs() -> None:
    domain = validate(Domain, parse_yaml(GOOD, "domain.yaml"))
    compiled = CompiledDomain(domain)
    world = DeclarativeWorld(compiled, compiled.base(0))

    def call(name: str, **arguments: Any) -> str:
        made = world.call_now(ToolCall(id="c", name=name, arguments=arguments))
        assert not made.is_error, made.content
        return made.content

    start = "2027-03-01T10:00"
    key = json.loads(call("book", room_id="RM-01", starts=start, minutes=30))["booking_id"]
    assert call("day-sheet", day="2027-03-01").splitlines()[1] == "10:00 Blue"
    assert json.loads(call("cancel_all", ids=[key]))["cancelled"] == [key]
    assert len(json.loads(call("findRooms"))["rooms"]) == 1
