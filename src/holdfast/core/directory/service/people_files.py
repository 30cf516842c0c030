"""Reading a file of people: bytes in, checked rows and faults out, without a database."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from holdfast.core.directory.models import ImportKey, ImportMode, PersonStatus
from holdfast.core.directory.service.cells import Cell, Faults, Records, Wrong
from holdfast.core.directory.service.csv_files import read_csv
from holdfast.core.directory.service.sheets import is_workbook, read_sheet
from holdfast.kernel.db import folded
from holdfast.kernel.schemas import as_it_was

MAX_BYTES = 32 * 1024 * 1024
MAX_ROWS = 100_000

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BLANKS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a file is for: what is done with its people, how they are found, and what its headings mean.

    `mapping` gives our column for a heading of theirs, as `heading` folds it, and "" for one that is left out.
    """

    mode: ImportMode = ImportMode.INSERT
    key: ImportKey = ImportKey.NUMBER
    charset: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)

    @property
    def needed(self) -> tuple[str, ...]:
        """Return the columns that the file must have, and that no row may leave empty."""
        if self.mode is ImportMode.UPDATE:
            return (str(self.key),)
        return REQUIRED if self.key is ImportKey.NUMBER else (*REQUIRED, str(self.key))


@dataclass(slots=True)
class Row:
    """One person as the file has it, blanks dropped; keys are folded, None where the cell is empty or not there.

    `key` is what the person is found by.
    """

    line: int
    key: str
    number: str | None
    number_key: str | None
    given_name: str | None
    family_name: str | None
    email: str | None
    phone: str | None
    job_title: str | None
    department: str | None
    company_code: str | None
    manager_number: str | None
    manager_key: str | None
    start_date: date | None
    end_date: date | None
    status: PersonStatus | None


@dataclass(slots=True)
class PeopleFile:
    """A file that was read: its rows, superiors before those they lead, and the faults found without a database."""

    name: str
    sha256: str
    plan: ImportPlan = field(default_factory=ImportPlan)
    columns: frozenset[str] = frozenset()
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
DATES = ("start_date", "end_date")


# lint: allow verb – touches no database
async def read_people(content: bytes, *, file_name: str, plan: ImportPlan | None = None) -> PeopleFile:
    """Read a file of people in a thread; its content decides whether it is CSV or XLSX.

    Never raises for what the file holds: every fault stands in the answer.
    """
    return await asyncio.to_thread(parse_people, content, file_name=file_name, plan=plan)


def parse_people(content: bytes, *, file_name: str, plan: ImportPlan | None = None) -> PeopleFile:
    """Read a file of people; see `read_people`."""
    name = "".join(character for character in file_name if character.isprintable())[:255]
    file = PeopleFile(name, hashlib.sha256(content).hexdigest(), plan or ImportPlan())
    if is_workbook(content):
        records = read_sheet(content, file.faults)
    else:
        known = COLUMNS.keys() | file.plan.mapping.keys()
        records = read_csv(
            content, charset=file.plan.charset, knows=lambda cell: heading(cell) in known, faults=file.faults
        )
    _read_rows(file, records)
    _check_duplicates(file)
    _order_by_manager(file)
    return file


def heading(text: str) -> str:
    """Return a heading as headings are compared: without regard to case, and `Given Name` as `given_name`."""
    return _BLANKS.sub("_", text.strip().casefold())


def _read_rows(file: PeopleFile, records: Records) -> None:
    faults = file.faults
    first = next(records, None)
    if first is None:
        if not faults.count:
            faults.add(1, None, "empty", "the file is empty; its first line must name the columns")
        return
    columns = _columns(first, file.plan, faults)
    if columns is None:
        return
    file.columns = frozenset(columns) - {""}
    for line, cells in records:
        if not any(cells):
            continue  # spreadsheets leave rows of empty cells at the end
        file.count += 1
        if file.count > MAX_ROWS:
            faults.add(line, None, "too_many_rows", f"a file may hold at most {MAX_ROWS} people")
            return
        if len(cells) == len(columns):
            row = _row(line, dict(zip(columns, cells, strict=True)), file.plan, faults)
            if row is not None:
                file.rows.append(row)
        else:
            faults.add(line, None, "cells", f"has {len(cells)} cells, the heading has {len(columns)}")
    if not file.count and not faults.count:
        faults.add(1, None, "no_rows", "the file holds no rows below its heading")


def _columns(first: tuple[int, Sequence[Cell]], plan: ImportPlan, faults: Faults) -> list[str] | None:
    """Return our name of each column, "" for one left out; None where some are unknown, named twice, or missing."""
    line, cells = first
    before = faults.count
    named = [heading(cell) if isinstance(cell, str) else "" for cell in cells]
    mapped = set(plan.mapping.values())
    columns = [plan.mapping.get(name, "?" if name in mapped or name not in COLUMNS else name) for name in named]
    for place, (cell, column) in enumerate(zip(cells, columns, strict=True), 1):
        if column == "?":
            told = cell[:60] if isinstance(cell, str) else ""
            shown = told if told.isprintable() else ascii(told)
            hint = f"column {place} is named {shown!r}, which is not known: map it, or leave it out by `ignore`"
            faults.add(line, shown or None, "unknown_column", hint)
        elif column and columns.index(column) != place - 1:
            faults.add(line, column, "column_twice", f"the heading names {column} twice")
    for name, column in plan.mapping.items():
        if column and name not in named:
            faults.add(line, column, "missing_column", f"the heading has no {name!r}, which {column} is mapped to")
    for column in plan.needed:
        if column not in columns and column not in mapped:
            faults.add(line, column, "missing_column", f"the heading does not name {column}")
    return columns if faults.count == before else None


def _row(line: int, cells: dict[str, Cell], plan: ImportPlan, faults: Faults) -> Row | None:
    """Return the row, None (and its faults) where a cell cannot be taken."""
    before = faults.count
    values = {column: _cell(line, column, cell, faults) for column, cell in cells.items() if cell and column}
    for column in dict.fromkeys((*REQUIRED, *plan.needed)):
        if column in cells and not cells[column]:
            faults.add(line, column, "missing", "must not be empty")

    def parsed(column: str, parse: Callable[[str], date | PersonStatus | None], wanted: str) -> object:
        text = values.get(column)
        found = None if text is None else parse(text)
        if text is not None and found is None:
            faults.add(line, column, "invalid", f"{text!r} is not {wanted}")
        return found

    start, end = (parsed(name, _date, "a date such as 2026-01-31") for name in DATES)
    status = parsed("status", _status, " or ".join(PersonStatus))
    email, number, manager = (values.get(name) for name in ("email", "number", "manager_number"))
    if email is not None and not _EMAIL.fullmatch(email):
        faults.add(line, "email", "invalid", f"{email!r} is no e-mail address")
    if isinstance(start, date) and isinstance(end, date) and end < start:
        faults.add(line, "end_date", "invalid", "lies before start_date")
    if faults.count > before:
        return None
    number_key = None if number is None else folded(number)
    return Row(
        line=line,
        key=number_key or "" if plan.key is ImportKey.NUMBER else folded(email or ""),
        number=number,
        number_key=number_key,
        given_name=values.get("given_name"),
        family_name=values.get("family_name"),
        email=email,
        phone=values.get("phone"),
        job_title=values.get("job_title"),
        department=values.get("department"),
        company_code=values.get("company_code"),
        manager_number=manager,
        manager_key=None if manager is None else folded(manager),
        start_date=start if isinstance(start, date) else None,
        end_date=end if isinstance(end, date) else None,
        status=status if isinstance(status, PersonStatus) else None,
    )


def _cell(line: int, column: str, cell: Cell, faults: Faults) -> str | None:
    """Return the text of a cell, None (and a fault) where it cannot be kept."""
    if isinstance(cell, Wrong):
        faults.add(line, column, cell.code, cell.message)
        return None
    if isinstance(cell, date):
        if column not in DATES:
            faults.add(line, column, "date", "is a date, perhaps made of text by the spreadsheet: format it as text")
            return None
        return cell.isoformat()
    text = as_it_was(cell)
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
    for column in {"number": None, str(file.plan.key): None}:
        first: dict[str, int] = {}
        for row in file.rows:
            key = row.number_key if column == "number" else row.key
            known = row.line if key is None else first.setdefault(key, row.line)
            if known != row.line:
                shown = getattr(row, column)
                file.faults.add(row.line, column, "duplicate", f"{shown!r} is also on line {known}")


def _order_by_manager(file: PeopleFile) -> None:
    """Put superiors before those they lead, and name every circle of superiors once a row."""
    by_number = {row.number_key: row for row in file.rows if row.number_key is not None}
    ordered: list[Row] = []
    done: set[int] = set()
    for row in file.rows:
        path: list[Row] = []
        on_path: set[int] = set()
        at: Row | None = row
        while at is not None and at.line not in done and at.line not in on_path:
            path.append(at)
            on_path.add(at.line)
            at = None if at.manager_key is None else by_number.get(at.manager_key)
        if at is not None and at.line in on_path:
            circle = path[[each.line for each in path].index(at.line) :]
            shown = " → ".join(each.number or "" for each in circle[:6])
            for each in circle:
                file.faults.add(each.line, "manager_number", "cycle", f"leads back to the same person: {shown} → …")
        done.update(on_path)
        ordered.extend(reversed(path))
    file.rows = ordered
