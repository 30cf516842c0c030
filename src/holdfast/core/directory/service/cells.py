"""The cells of a file of people, whatever its format: text, a date, or what is wrong with one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from holdfast.core.directory.schemas.files import RowFault

LISTED_FAULTS = 1000


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
