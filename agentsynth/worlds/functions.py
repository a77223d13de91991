"""What expressions may call beside CEL's own functions. Dates, datetimes and times are text."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

__all__ = ["FUNCTIONS", "add_minutes"]

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _days_between(start: str, end: str) -> int:
    return (date.fromisoformat(end) - date.fromisoformat(start)).days


def _add_days(start: str, days: int) -> str:
    return (date.fromisoformat(start) + timedelta(days=days)).isoformat()


def _lower(text: str | None) -> str:
    """Return a text in lower case; nothing in lower case is an empty text."""
    return "" if text is None else text.lower()


def add_minutes(start: str, minutes: int) -> str:
    """Return a datetime (YYYY-MM-DDTHH:MM) so many minutes later."""
    return (_moment(start) + timedelta(minutes=minutes)).isoformat(timespec="minutes")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if len(text) != 16 or moment.tzinfo is not None:
        raise ValueError(f"{text!r} is not a datetime such as 2027-04-05T09:00")
    return moment


def _minutes_between(start: str, end: str) -> int:
    return (_moment(end) - _moment(start)) // timedelta(minutes=1)


def _date_of(moment: str) -> str:
    return _moment(moment).date().isoformat()


def _time_of(moment: str) -> str:
    return _moment(moment).time().isoformat(timespec="minutes")


def _weekday(day: str) -> str:
    return _DAYS[date.fromisoformat(day).weekday()]


def _at(day: str, time: str) -> str:
    return _moment(f"{day}T{time}").isoformat(timespec="minutes")


def _round_div(value: int, by: int) -> int:
    """Divide and round to the nearest whole number, halves away from zero."""
    whole, rest = divmod(abs(value), abs(by))
    rounded = whole + (2 * rest >= abs(by))
    return rounded if (value < 0) == (by < 0) else -rounded


def _percent(cents: int, share: int) -> int:
    return _round_div(cents * share, 100)


def _length(text: str) -> int:
    return len(text)


def _join(items: Sequence[str], separator: str) -> str:
    return separator.join(items)


def _contains_item(items: Sequence[str], item: Any) -> bool:
    return item in items


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "days_between": _days_between,
    "add_days": _add_days,
    "lower": _lower,
    "add_minutes": add_minutes,
    "minutes_between": _minutes_between,
    "date_of": _date_of,
    "time_of": _time_of,
    "weekday": _weekday,
    "at": _at,
    "round_div": _round_div,
    "percent": _percent,
    "length": _length,
    "join": _join,
    "contains_item": _contains_item,
}
"""`round_div` and `percent` round halves away from zero; `length` counts characters."""
