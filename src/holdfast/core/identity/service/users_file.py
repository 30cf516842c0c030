"""Reading a CSV file of users: bytes in, checked rows and faults out, without a database (RFC 4180).

No fault repeats a hash, whatever stands in its column.
"""

import asyncio
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from pydantic import TypeAdapter, ValidationError

from holdfast.core.directory.public import Email, RowFault
from holdfast.core.identity.models import UserStatus
from holdfast.core.identity.schemas import UserName, Username
from holdfast.kernel.db import folded

MAX_BYTES = 16 * 1024 * 1024
MAX_ROWS = 20_000
LISTED_FAULTS = 1000
MAX_ROLES = 20
COLUMNS = ("email", "username", "name", "password_hash", "roles", "status")
REQUIRED = ("email", "name")
STATUSES = (UserStatus.ACTIVE, UserStatus.INVITED, UserStatus.SUSPENDED)
# A hash that would take the server minutes to verify is an attack, not a password: 2^15 rounds take two seconds.
MOST_ROUNDS = 15
MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES = 1024 * 1024, 16, 16

_BCRYPT = re.compile(r"\$2[aby]\$(\d{2})\$[./A-Za-z0-9]{53}", re.ASCII)
_ARGON2 = re.compile(
    r"\$argon2(?:id|i|d)\$(?:v=(?:16|19)\$)?m=\d{1,8},t=\d{1,3},p=\d{1,3}\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}",
    re.ASCII,
)
_TEXTS: dict[str, TypeAdapter[str]] = {
    "email": TypeAdapter(Email),
    "username": TypeAdapter(Username),
    "name": TypeAdapter(UserName),
}
_PATTERNS = {"email": "is no e-mail address", "username": "must hold neither blanks nor @ nor /"}


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


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One user as the file has it."""

    line: int
    email: str
    username: str | None
    name: str
    password_hash: str | None
    roles: tuple[str, ...]
    status: UserStatus


@dataclass(slots=True)
class UsersFile:
    """A file that was read, and the faults found without a database."""

    name: str
    sha256: str
    count: int = 0
    rows: list[Row] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)


# lint: allow verb – touches no database
async def read_users(content: bytes, *, file_name: str) -> UsersFile:
    """Read a file of users in a thread; never raises for what it holds: every fault stands in the answer."""
    return await asyncio.to_thread(parse_users, content, file_name=file_name)


def parse_users(content: bytes, *, file_name: str) -> UsersFile:
    """Read a file of users; see `read_users`."""
    name = "".join(character for character in file_name if character.isprintable())[:255]
    file = UsersFile(name, hashlib.sha256(content).hexdigest())
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        file.faults.add(line, None, "encoding", "is no text in UTF-8; save the file as UTF-8")
        return file
    _read_rows(file, text)
    _check_duplicates(file)
    return file


def is_hash(text: str) -> bool:
    """Tell whether a text is a hash that sign-in verifies in a bearable time: bcrypt, or Argon2 as a PHC string."""
    bcrypt = _BCRYPT.fullmatch(text)
    if bcrypt is not None:
        return 4 <= int(bcrypt[1]) <= MOST_ROUNDS
    if len(text) > 255 or not _ARGON2.fullmatch(text):
        return False
    try:
        cost = extract_parameters(text)
    except (InvalidHashError, ValueError):
        return False
    memory = max(8, 8 * cost.parallelism) <= cost.memory_cost <= MOST_MEMORY_KIB
    return memory and 1 <= cost.time_cost <= MOST_PASSES and 1 <= cost.parallelism <= MOST_LANES


def _read_rows(file: UsersFile, text: str) -> None:
    records = _records(text, file.faults)
    heading = next(records, None)
    if heading is None:
        if not file.faults.count:
            file.faults.add(1, None, "empty", "the file is empty; its first line must name the columns")
        return
    columns = _heading(heading[1], file.faults)
    if columns is None:
        return
    for line, cells in records:
        if not any(cells):
            continue
        file.count += 1
        if file.count > MAX_ROWS:
            file.faults.add(line, None, "too_many_rows", f"a file may hold at most {MAX_ROWS} users")
            return
        if len(cells) != len(columns):
            file.faults.add(line, None, "cells", f"has {len(cells)} cells, the heading has {len(columns)}")
            continue
        row = _row(line, dict(zip(columns, cells, strict=True)), file.faults)
        if row is not None:
            file.rows.append(row)
    if not file.count and not file.faults.count:
        file.faults.add(1, None, "no_rows", "the file holds no rows below its heading")


def _records(text: str, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each record; end with a fault where quotes do not match."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            faults.add(line, None, "quotes", "quotes do not match, or a cell is too long; the rest was not read")
            return
        if cells:
            yield line, [cell.strip() for cell in cells]


def _heading(cells: Sequence[str], faults: Faults) -> list[str] | None:
    """Return the columns that the first line names, None where it names others, some twice, or too few."""
    before = faults.count
    columns = ["_".join(re.split(r"[\s_-]+", cell.casefold())) for cell in cells]
    for place, column in enumerate(columns, 1):
        if column not in COLUMNS:
            known = ", ".join(COLUMNS)
            faults.add(1, None, "unknown_column", f"column {place} is none of {known}")
        elif columns.index(column) != place - 1:
            faults.add(1, column, "column_twice", f"the heading names {column} twice")
    for column in REQUIRED:
        if column not in columns:
            faults.add(1, column, "missing_column", f"the heading does not name {column}")
    return columns if faults.count == before else None


def _row(line: int, cells: dict[str, str], faults: Faults) -> Row | None:
    """Return the row, None (and its faults) where a cell cannot be taken."""
    before = faults.count
    texts = {column: _text(line, column, cells.get(column, ""), faults) for column in _TEXTS}
    hashed = cells.get("password_hash") or None
    if hashed is not None and not is_hash(hashed):
        message = "is no hash that can be verified: bcrypt ($2a$, $2b$, $2y$, at most 2^15 rounds) or Argon2 (PHC)"
        faults.add(line, "password_hash", "invalid", message)
    roles = tuple(dict.fromkeys(role.strip() for role in cells.get("roles", "").split(";") if role.strip()))
    if len(roles) > MAX_ROLES:
        faults.add(line, "roles", "too_many", f"at most {MAX_ROLES} roles")
    usual = UserStatus.INVITED if hashed is None else UserStatus.ACTIVE
    told = cells.get("status", "").casefold()
    status = next((each for each in STATUSES if each == told), None) if told else usual
    if status is None:
        faults.add(line, "status", "invalid", f"is none of {', '.join(STATUSES)}")
    elif status is UserStatus.ACTIVE and hashed is None:
        faults.add(line, "status", "no_password", "who is active needs a password_hash; leave it empty to invite")
    elif status is UserStatus.INVITED and hashed is not None:
        faults.add(line, "status", "has_password", "who is invited chooses a password; leave the password_hash empty")
    if faults.count > before or status is None:
        return None
    return Row(line, texts["email"] or "", texts["username"], texts["name"] or "", hashed, roles, status)


def _text(line: int, column: str, text: str, faults: Faults) -> str | None:
    if not text:
        if column in REQUIRED:
            faults.add(line, column, "missing", "must not be empty")
        return None
    try:
        return _TEXTS[column].validate_python(text)
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False)[0]
        pattern = told["type"] == "string_pattern_mismatch"
        message = _PATTERNS[column] if pattern else told["msg"].removeprefix("Value error, ")
        faults.add(line, column, "invalid", message)
        return None


def _check_duplicates(file: UsersFile) -> None:
    for column in ("email", "username"):
        first: dict[str, int] = {}
        for row in file.rows:
            text = getattr(row, column)
            known = row.line if text is None else first.setdefault(folded(text), row.line)
            if known != row.line:
                file.faults.add(row.line, column, "duplicate", f"{text!r} is also on line {known}")
