"""Reading a CSV file of people: bytes in, checked rows and faults out, without a database (RFC 4180)."""

import asyncio
import codecs
import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from holdfast.core.directory.models import PersonStatus
from holdfast.core.directory.schemas import RowFault
from holdfast.kernel.db import folded

MAX_BYTES = 32 * 1024 * 1024
MAX_ROWS = 100_000
LISTED_FAULTS = 1000
DELIMITERS = (",", ";", "\t")

# The encodings that a file may be declared in; Windows-1252 has no mark of its own, so it is never guessed.
CHARSETS = {"utf-8": "utf-8-sig", "utf-16": "utf-16", "windows-1252": "cp1252"}
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# What spreadsheets take for the beginning of a formula (OWASP, CSV injection), also in full width and where they take
# another character than we for the delimiter. One apostrophe more before it makes it harmless, whatever was there.
_CELL, _FORMULA = r"(?:\A|(?<=[;\t\r\n]))", r"(?='*[=+\-@＝＋－＠\t\r])"
_HARMFUL, _HARMLESS = re.compile(_CELL + _FORMULA), re.compile(f"{_CELL}'{_FORMULA}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


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


@dataclass(slots=True)
class Row:
    """One person as the file has it, blanks dropped; keys are folded, None where the cell is empty."""

    line: int
    number: str
    key: str
    given_name: str
    family_name: str
    email: str | None
    phone: str | None
    job_title: str | None
    department: str | None
    company_code: str | None
    manager_number: str | None
    manager_key: str | None
    start_date: date | None
    end_date: date | None
    status: PersonStatus


@dataclass(slots=True)
class PeopleFile:
    """A file that was read: its rows, superiors before those they lead, and the faults found without a database."""

    name: str
    sha256: str
    count: int = 0
    rows: list[Row] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)


# Column → longest text; the first three are required.
COLUMNS = {
    "number": 32,
    "given_name": 100,
    "family_name": 100,
    "email": 254,
    "phone": 40,
    "job_title": 120,
    "department": 120,
    "company_code": 32,
    "manager_number": 32,
    "start_date": 10,
    "end_date": 10,
    "status": 10,
}
REQUIRED = ("number", "given_name", "family_name")


def harmless(text: str) -> str:
    """Return text that a spreadsheet takes for no formula, and that reading a file makes the same text of again."""
    return _HARMFUL.sub("'", text)


# lint: allow verb – touches no database
async def read_people(content: bytes, *, file_name: str, charset: str | None = None) -> PeopleFile:
    """Read a file of people in a thread; `charset` is one of CHARSETS, None for UTF-8 or what a byte order mark says.

    Never raises for what the file holds: every fault stands in the answer.
    """
    return await asyncio.to_thread(parse_people, content, file_name=file_name, charset=charset)


def parse_people(content: bytes, *, file_name: str, charset: str | None = None) -> PeopleFile:
    """Read a file of people; see `read_people`."""
    name = "".join(character for character in file_name if character.isprintable())[:255]
    file = PeopleFile(name, hashlib.sha256(content).hexdigest())
    encoding = _encoding(content, charset, file.faults)
    if encoding is not None:
        _read_rows(file, io.TextIOWrapper(io.BytesIO(content), encoding, newline=""))
    _check_duplicates(file)
    _order_by_manager(file)
    return file


def _encoding(content: bytes, charset: str | None, faults: Faults) -> str | None:
    """Return the codec that reads all of the file, None (and a fault) where there is none."""
    encoding = next((codec for mark, codec in _MARKS if content.startswith(mark)), None)
    if encoding is None and charset == "utf-16":
        faults.add(1, None, "encoding", "UTF-16 needs a byte order mark at the beginning of the file")
        return None
    encoding = encoding or CHARSETS[charset or "utf-8"]
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.decode(encoding, "ignore").count("\n") + 1 if encoding == "utf-16" else before.count(b"\n") + 1
        name = next(name for name, codec in CHARSETS.items() if codec == encoding)
        hint = "" if charset else "; save the file as UTF-8, or declare charset=windows-1252"
        faults.add(line, None, "encoding", f"byte {content[error.start]:02X} is no text in {name}{hint}")
        return None
    return encoding


def _read_rows(file: PeopleFile, text: io.TextIOBase) -> None:
    faults = file.faults
    delimiter = _delimiter(text.readline())
    text.seek(0)
    records = _records(text, delimiter, faults)
    heading = next(records, None)
    if heading is None:
        if not faults.count:
            faults.add(1, None, "empty", "the file is empty; its first line must name the columns")
        return
    columns = _heading(heading[1], faults)
    if columns is None:
        return
    for line, cells in records:
        if not any(cells):
            continue  # spreadsheets leave rows of empty cells at the end
        file.count += 1
        if file.count > MAX_ROWS:
            faults.add(line, None, "too_many_rows", f"a file may hold at most {MAX_ROWS} people")
            return
        if len(cells) == len(columns):
            row = _row(line, dict(zip(columns, cells, strict=True)), faults)
            if row is not None:
                file.rows.append(row)
        else:
            faults.add(line, None, "cells", f"has {len(cells)} cells, the heading has {len(columns)}")
    if not file.count and not faults.count:
        faults.add(1, None, "no_rows", "the file holds no rows below its heading")


def _delimiter(first: str) -> str:
    """Return the delimiter that finds the most known columns in the heading."""

    def known(delimiter: str) -> int:
        return sum(_column(cell.strip('" \r\n')) in COLUMNS for cell in first.split(delimiter))

    return max(DELIMITERS, key=known)


def _records(text: io.TextIOBase, delimiter: str, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each record; end with a fault where quotes do not match."""
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            code = "too_long" if "field limit" in str(error) else "quotes"
            told = (
                "a cell is too long, or its closing quote is missing" if code == "too_long" else "quotes do not match"
            )
            faults.add(line, None, code, f"{told}; the rest of the file was not read")
            return
        if cells:
            yield line, [cell.strip() for cell in cells]


def _heading(cells: Sequence[str], faults: Faults) -> list[str] | None:
    """Return the columns that the first line names, None where it names others, some twice, or too few."""
    before = faults.count
    columns = [_column(cell) for cell in cells]
    for place, (cell, column) in enumerate(zip(cells, columns, strict=True), 1):
        shown = cell[:60] if cell.isprintable() else ascii(cell[:60])
        if column not in COLUMNS:
            faults.add(1, shown or None, "unknown_column", f"column {place} is named {shown!r}, which is not known")
        elif columns.index(column) != place - 1:
            faults.add(1, column, "column_twice", f"the heading names {column} twice")
    for column in REQUIRED:
        if column not in columns:
            faults.add(1, column, "missing_column", f"the heading does not name {column}")
    return columns if faults.count == before else None


def _column(heading: str) -> str:
    return "_".join(re.split(r"[\s_-]+", heading.strip().casefold()))


def _row(line: int, cells: dict[str, str], faults: Faults) -> Row | None:
    """Return the row, None (and its faults) where a cell cannot be taken."""
    before = faults.count
    values = {column: _cell(line, column, text, faults) for column, text in cells.items() if text}
    for column in REQUIRED:
        if not cells[column]:
            faults.add(line, column, "missing", "must not be empty")

    def parsed(column: str, parse: Callable[[str], date | PersonStatus | None], wanted: str) -> object:
        text = values.get(column)
        found = None if text is None else parse(text)
        if text is not None and found is None:
            faults.add(line, column, "invalid", f"{text!r} is not {wanted}")
        return found

    start, end = (parsed(name, _date, "a date such as 2026-01-31") for name in ("start_date", "end_date"))
    status = parsed("status", _status, " or ".join(PersonStatus))
    email, number, manager = (values.get(name) for name in ("email", "number", "manager_number"))
    if email is not None and not _EMAIL.fullmatch(email):
        faults.add(line, "email", "invalid", f"{email!r} is no e-mail address")
    if isinstance(start, date) and isinstance(end, date) and end < start:
        faults.add(line, "end_date", "invalid", "lies before start_date")
    if faults.count > before:
        return None
    return Row(
        line=line,
        number=number or "",
        key=folded(number or ""),
        given_name=values["given_name"] or "",
        family_name=values["family_name"] or "",
        email=email,
        phone=values.get("phone"),
        job_title=values.get("job_title"),
        department=values.get("department"),
        company_code=values.get("company_code"),
        manager_number=manager,
        manager_key=None if manager is None else folded(manager),
        start_date=start if isinstance(start, date) else None,
        end_date=end if isinstance(end, date) else None,
        status=status if isinstance(status, PersonStatus) else PersonStatus.ACTIVE,
    )


def _cell(line: int, column: str, text: str, faults: Faults) -> str | None:
    """Return the text of a cell, None (and a fault) where it cannot be kept."""
    if "'" in text:
        text = _HARMLESS.sub("", text)
    if not text.isprintable():
        found = next((character for character in text if ord(character) < 32 or ord(character) == 127), None)
        if found is not None:
            what = "a line break" if found in "\r\n" else f"the control character U+{ord(found):04X}"
            faults.add(line, column, "control_character", f"contains {what}")
            return None
    longest = COLUMNS[column]
    # Folding can make text longer, and the folded text has its own column.
    if len(text) > longest or (not text.isascii() and len(folded(text)) > 2 * longest):
        faults.add(line, column, "too_long", f"has {len(text)} characters, at most {longest} are kept")
        return None
    return text


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
    return found if found is not None and found.year >= 1900 else None


def _status(text: str) -> PersonStatus | None:
    return next((status for status in PersonStatus if status == text.casefold()), None)


def _check_duplicates(file: PeopleFile) -> None:
    first: dict[str, int] = {}
    for row in file.rows:
        known = first.setdefault(row.key, row.line)
        if known != row.line:
            file.faults.add(row.line, "number", "duplicate", f"{row.number!r} is also on line {known}")


def _order_by_manager(file: PeopleFile) -> None:
    """Put superiors before those they lead, and name every circle of superiors once a row."""
    by_key = {row.key: row for row in file.rows}
    ordered: list[Row] = []
    done: set[str] = set()
    for row in file.rows:
        path: list[Row] = []
        on_path: set[str] = set()
        at: Row | None = row
        while at is not None and at.key not in done and at.key not in on_path:
            path.append(at)
            on_path.add(at.key)
            at = None if at.manager_key is None else by_key.get(at.manager_key)
        if at is not None and at.key in on_path:
            circle = path[[each.key for each in path].index(at.key) :]
            shown = " → ".join(each.number for each in circle[:6])
            for each in circle:
                file.faults.add(each.line, "manager_number", "cycle", f"leads back to the same person: {shown} → …")
        done.update(on_path)
        ordered.extend(reversed(path))
    file.rows = ordered
