"""The cells of a file of people, whatever its format: text, a date, or what is wrong with one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from holdfast.core.directory.schemas.files import RowFault

LISTED_FAULTS = 1000

# What spreadsheets take for the beginning of a formula (OWASP, CSV injection), also in full width and where they take
# another character than we for the delimiter. One apostrophe more before it makes it harmless, whatever was there.
_CELL, _FORMULA = r"(?:\A|(?<=[;\t\r\n]))", r"(?='*[=+\-@＝＋－＠\t\r])"
_HARMFUL, _HARMLESS = re.compile(_CELL + _FORMULA), re.compile(f"{_CELL}'{_FORMULA}")


@dataclass(frozen=True, slots=True)
class Wrong:
    """A cell that holds no text, and why."""

    code: str
    message: str


Cell = str | date | Wrong
Records = Iterator[tuple[int, list[Cell]]]


@dataclass(slots=True)
class Faults:
    """What is wrong with a file: all counted, the first thousand listed."""

    count: int = 0
    listed: list[RowFault] = field(default_factory=list)

    def add(self, line: int, column: str | None, code: str, message: str) -> None:
        """Note one fault."""
        self.count += 1
        if len(self.listed) < LISTED_FAULTS:
            self.listed.append(RowFault(line=line, column=column, code=code, message=message))


def harmless(text: str) -> str:
    """Return text that a spreadsheet takes for no formula, and that reading a file makes the same text of again."""
    return _HARMFUL.sub("'", text)


def as_it_was(text: str) -> str:
    """Return text without what `harmless` put before it."""
    return _HARMLESS.sub("", text) if "'" in text else text
