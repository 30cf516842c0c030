"""How values and errors are put into words and figures on pages."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import orjson

from holdfast.kernel.clock import rfc3339

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CHANGED = (
    "Changed meanwhile",
    (
        "Somebody else changed this while you were working on it, so nothing was saved. "
        "Go back, open the record again to see its present state, and repeat your change."
    ),
    False,
)
_ERRORS: dict[int, tuple[str, str, bool]] = {
    401: ("Sign in first", "You are not signed in, or your session has ended.", False),
    403: ("You may not do this", "Your role does not include this. An administrator can change that.", False),
    404: ("Page not found", "There is nothing at this address, or it is not yours to see.", False),
    405: ("That is not possible here", "This address does not answer that kind of request.", False),
    409: ("That is not possible now", "The present state does not allow it, so nothing was changed.", False),
    412: _CHANGED,
    413: ("Too large", "What was sent is larger than this installation takes.", False),
    422: ("That could not be accepted", "Something in the address or the form is not as it should be.", False),
    428: _CHANGED,
    429: ("Too many requests", "Please wait a moment. Nothing is lost, and you need not sign in again.", True),
    500: ("Something went wrong", "The fault is ours. It has been logged, and nothing was half-saved.", True),
    503: ("Briefly unavailable", "A part that this page needs is out of reach. Try again in a moment.", True),
}
_BAD_REQUEST = ("That could not be read", "The request was not complete or not well formed.", False)


def error(status: int) -> tuple[str, str, bool]:
    """Return title, text, and whether trying again may help, for the page of an error."""
    return _ERRORS.get(status) or (_ERRORS[500] if status >= 500 else _BAD_REQUEST)


def moment(value: datetime | str, *, seconds: bool = False) -> str:
    """Return a time as `21 Nov 2026, 11:38 UTC`."""
    at = _moment(value)
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}, {at:{'%H:%M:%S' if seconds else '%H:%M'}} UTC"


def iso(value: datetime | str) -> str:
    """Return a time for a machine to read, in full."""
    return rfc3339(_moment(value))


def number(value: int) -> str:
    """Return a number with its thousands apart by thin spaces."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def words(name: object) -> str:
    """Return a name from the code in words: `registration_number` as `Registration number`."""
    text = str(name).replace("_", " ").replace("-", " ").strip()
    return text[:1].upper() + text[1:]


def action(name: str) -> str:
    """Return an action `directory.company.updated` as `Company updated`."""
    return words(" ".join(name.split(".")[-2:]))


def initials(name: str) -> str:
    """Return at most two letters that stand for a name."""
    parts = name.split()
    return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper()


def options(values: Iterable[str]) -> list[tuple[str, str]]:
    """Return (value, label) for each choice."""
    return [(value, words(value)) for value in values]


def rows(record: Mapping[str, object]) -> list[tuple[str, str | None]]:
    """Return (label, text) for each member of a record."""
    return [(words(name), text(value)) for name, value in record.items()]


def changes(
    before: Mapping[str, object] | None, after: Mapping[str, object] | None, names: Iterable[str] | None = None
) -> list[tuple[str, str | None, str | None]]:
    """Return (field, text before, text after) for every field in which the two differ; None where it is not set."""
    was, now = before or {}, after or {}
    every = [*was, *(name for name in now if name not in was)] if names is None else names
    found = [(name, text(was.get(name)), text(now.get(name))) for name in every]
    return [each for each in found if each[1] != each[2]]


def text(value: object) -> str | None:
    """Return a value as text: lists and mappings as JSON, None and the empty text as None."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, dict | list | tuple):
        return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    return str(value)


def _moment(value: datetime | str) -> datetime:
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


FILTERS: dict[str, Callable[..., object]] = {
    "moment": moment,
    "iso": iso,
    "number": number,
    "words": words,
    "initials": initials,
    "options": options,
    "rows": rows,
    "changes": changes,
}
