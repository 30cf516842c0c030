"""What a database or driver error means to a caller."""

import sqlite3
from collections.abc import Callable
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from asyncmy import errors as mysql
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from holdfast.kernel.errors import (
    FieldError,
    HoldfastError,
    Invalid,
    StillReferenced,
    Unavailable,
    UniqueViolation,
)

LOST = "The connection to the database was lost; try again."
SLOW = "The database did not answer in time; try again."
BUSY = "The database is busy; try again."
FULL = "The database has no space left; nothing was changed."
READ_ONLY = "The database cannot be written at present; nothing was changed."
RETRY = "Another change came in between; nothing was changed, try again."

_SQLITE_UNIQUE = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}
_SQLITE_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_INTERRUPT: BUSY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_IOERR: "The database's disk cannot be read or written; nothing was changed.",
    sqlite3.SQLITE_CANTOPEN: "The database's file cannot be opened.",
}
_SQLITE_INVALID = {sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH}

_PG_UNAVAILABLE = {
    "08": LOST,
    "25006": READ_ONLY,
    "40": RETRY,
    "53100": FULL,
    "53": BUSY,
    "55P03": BUSY,
    "57": LOST,
    "58030": "The database's disk cannot be read or written; nothing was changed.",
}
_MYSQL_UNAVAILABLE = {
    1021: FULL,
    1114: FULL,
    1040: BUSY,
    1203: BUSY,
    1205: BUSY,
    1226: BUSY,
    1213: RETRY,
    1020: RETRY,
    1053: LOST,
    1158: LOST,
    1159: LOST,
    1160: LOST,
    1161: LOST,
    1927: LOST,
    2002: LOST,
    2003: LOST,
    2006: LOST,
    2013: LOST,
    2014: LOST,
    2055: LOST,
    3024: BUSY,
    1290: READ_ONLY,
    1792: READ_ONLY,
    1836: READ_ONLY,
}
_MYSQL_INVALID = {1264, 1265, 1292, 1366, 1406, 1411, 1426, 1690, 3140}

_UNREACHABLE = ("the server cannot be reached", "start it, or correct host and port")
_DENIED = ("the server does not let the user in", "correct name and password, or make the user there")
_ABSENT = ("the server has no such database, or not for the user", "correct the name, or make it there")
_NO_RIGHT = ("the user may not do this", "MIGRATION_DATABASE_URL must name the owner of the schema")
_JUNK = ("the file is no SQLite database", "name another")
_CLOSED = ("the file cannot be opened or written", "correct the path, or its owner")
_ADDRESS_FAULTS: dict[object, tuple[str, str]] = {
    **dict.fromkeys(("28P01", "28000"), _DENIED),
    "3D000": _ABSENT,
    "42501": _NO_RIGHT,
    **dict.fromkeys((1045, 1698, 1130), _DENIED),
    **dict.fromkeys((1044, 1049), _ABSENT),
    **dict.fromkeys((1142, 1143, 1227, 1370), _NO_RIGHT),
    **dict.fromkeys((2002, 2003, 2005), _UNREACHABLE),
    **dict.fromkeys((sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT), _JUNK),
    **dict.fromkeys((sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM), _CLOSED),
}


class ConstraintConflict(UniqueViolation):
    """A unique value is taken; `constraint` is the name that the database gave, None where it gives none."""

    def __init__(self, constraint: str | None = None) -> None:
        super().__init__("A record with this value exists already.")
        self.constraint = constraint


def database_error(error: BaseException) -> HoldfastError | None:
    """Return what a SQLAlchemy, driver or socket error means to a caller, or None where it means a fault of ours.

    UniqueViolation has the violated constraint's name in `constraint`. Unavailable ones may be tried again.
    """
    if isinstance(error, HoldfastError):
        return error
    if isinstance(error, PoolTimeout | DisconnectionError):
        return Unavailable(LOST)
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    # SQLAlchemy wraps asyncpg's errors in classes of its own and keeps the first as the cause.
    if not isinstance(error, asyncpg.PostgresError) and isinstance(error.__cause__, _ASYNCPG):
        error = error.__cause__
    for kind, judge in _JUDGES:
        if isinstance(error, kind):
            return judge(error)
    return None


def address_fault(error: BaseException | None) -> str | None:
    """Return what is wrong with the address of a database and what to do, from what came of using it; else None.

    It goes by the error or what caused it, and holds what the server said.
    """
    while error is not None:
        found = _UNREACHABLE if isinstance(error, OSError) else _ADDRESS_FAULTS.get(_mark(error))
        if found:
            return f"{found[0]} ({said_by(error)}); {found[1]}."
        error = (error.orig if isinstance(error, DBAPIError) else None) or error.__cause__
    return None


def said_by(error: BaseException) -> str:
    """Return what a driver or its server said, without the statement and the classes of the program."""
    while (inner := error.orig if isinstance(error, DBAPIError) else error.__cause__) is not None:
        error = inner
    if isinstance(error, OSError):
        return error.strerror or str(error) or "no answer in time"
    return str(error.args[-1] if error.args else error)


def _mark(error: BaseException) -> object:
    """Return the number or state by which a database names an error."""
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate
    if isinstance(error, mysql.MySQLError):
        return error.args[0] if error.args else None
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _postgresql(error: asyncpg.PostgresError) -> HoldfastError | None:
    state = error.sqlstate or ""
    if state == "23505":
        return _unique(getattr(error, "constraint_name", None))
    if state in ("23503", "23001"):
        return StillReferenced("The record is still in use, or what it names does not exist.")
    if state.startswith("22"):
        return _invalid()
    if state == "57014":
        return Unavailable(BUSY)
    detail = _PG_UNAVAILABLE.get(state) or _PG_UNAVAILABLE.get(state[:2])
    return Unavailable(detail) if detail else None


def _mysql(error: mysql.MySQLError) -> HoldfastError | None:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = str(error.args[1]) if len(error.args) > 1 else ""
    if number in (1062, 1586):
        # "Duplicate entry 'x' for key 'name'", in MySQL 8 with the table before a dot
        return _unique(text.rpartition("for key ")[2].strip("'").rpartition(".")[2] or None)
    if number in (1216, 1217, 1451, 1452):
        return StillReferenced("The record is still in use, or what it names does not exist.")
    if number in _MYSQL_INVALID:
        return _invalid()
    if number == 0 and isinstance(error, mysql.InterfaceError):
        return Unavailable(LOST)
    detail = _MYSQL_UNAVAILABLE.get(number)
    return Unavailable(detail) if detail else None


def _sqlite(error: sqlite3.Error) -> HoldfastError | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return Unavailable(LOST) if "closed database" in str(error) else None
    if code in _SQLITE_UNIQUE:
        # "UNIQUE constraint failed: company.tenant_id, company.code": SQLite names the columns, not the constraint
        return _unique(str(error).partition(": ")[2] or None)
    if str(error) == "FOREIGN KEY constraint failed":  # what RESTRICT refuses has the code of a trigger
        return StillReferenced("The record is still in use, or what it names does not exist.")
    if code in _SQLITE_INVALID:
        return _invalid()
    detail = _SQLITE_UNAVAILABLE.get(code & 0xFF)
    return Unavailable(detail) if detail else None


def _asyncpg_client(error: asyncpg.InterfaceError) -> HoldfastError | None:
    if isinstance(error, ValueError | TypeError):
        return _invalid()  # asyncpg's DataError: the value does not fit the parameter's type
    return Unavailable(LOST) if "closed" in str(error) or "released" in str(error) else None


def _unique(constraint: str | None) -> UniqueViolation:
    return ConstraintConflict(constraint)


def _invalid() -> Invalid:
    message = "A value is too large, too long, or has a character that the database does not take."
    return Invalid(message, errors=(FieldError("request", "unstorable", message),))


_ASYNCPG = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_JUDGES: tuple[tuple[Any, Callable[[Any], HoldfastError | None]], ...] = (
    (asyncpg.PostgresError, _postgresql),
    (asyncpg.InterfaceError, _asyncpg_client),
    # The server said goodbye while the connection was idle, and asyncpg has not yet met the end of the stream.
    (asyncpg.InternalClientError, lambda _: Unavailable(LOST)),
    (sqlite3.Error, _sqlite),
    (mysql.MySQLError, _mysql),
    (TimeoutError, lambda _: Unavailable(SLOW)),
    (OSError, lambda _: Unavailable(LOST)),
    ((OverflowError, UnicodeEncodeError), lambda _: _invalid()),
)
