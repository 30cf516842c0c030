"""New rows of several tables in as few round trips as the database allows, beneath SQLAlchemy.

For rows that no session holds and that are written with nearly every change, as the trail's are: through SQLAlchemy
their three statements cost more than the change itself.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert, types

from holdfast.kernel.engines.links import Link
from holdfast.kernel.engines.values import base_type

Rows = Sequence[Mapping[str, Any]]
Shape = tuple[tuple[Table, tuple[str, ...], int], ...]
_FEW = 24
_ARRAYS: tuple[tuple[type[types.TypeEngine[Any]], str], ...] = (
    (types.Uuid, "uuid"),
    (types.Boolean, "boolean"),
    (types.DateTime, "timestamptz"),
    (types.BigInteger, "bigint"),
    (types.SmallInteger, "smallint"),
    (types.Integer, "integer"),
    (types.LargeBinary, "bytea"),
    (types.String, "text"),
)


async def insert_rows(link: Link, rows: Sequence[tuple[Table, Rows]]) -> None:
    """Insert rows into their tables in this order, on PostgreSQL in one statement.

    All rows of a table name the same columns in the same order; the others get the database's defaults, not Python's.
    """
    wanted = [(table, found) for table, found in rows if found]
    shape = tuple((table, tuple(found[0]), len(found)) for table, found in wanted)
    few = sum(count for _, _, count in shape) <= _FEW
    dialect = link.sql_dialect
    if link.dialect == "postgresql":
        sql = _one_statement(shape) if few else _one_statement_of_arrays(tuple(each[:2] for each in shape))
        values = _flat if few else _columns
        await link.execute(sql, [value for table, found in wanted for value in values(dialect, table, found)])
    elif few:
        for (table, names, count), (_, found) in zip(shape, wanted, strict=True):
            await link.execute(_values(link.dialect, table, names, count), _flat(dialect, table, found))
    else:
        for table, found in wanted:
            # Nobody knows how many they are: SQLAlchemy's way leaves the event loop on SQLite.
            await link.connection.execute(insert(table), list(found))


def insert_many(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows, which name the same columns in the same order, over SQLAlchemy's connection: for what a flush adds.

    On PostgreSQL one statement of arrays, which takes a third of the time of a statement a row.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        values = tuple(_columns(connection.dialect, table, rows))
        connection.exec_driver_sql(_one_statement_of_arrays(((table, tuple(rows[0])),)), values)
    else:
        connection.execute(insert(table), list(rows))


@functools.lru_cache(maxsize=256)
def _one_statement(shape: Shape) -> str:
    """Return the statement with a placeholder a value; the last table's insert carries those before it."""
    texts, start = [], 1
    for table, names, count in shape:
        marks = [", ".join(f"${start + row * len(names) + at}" for at in range(len(names))) for row in range(count)]
        texts.append(f"{_into(table, names)} VALUES ({'), ('.join(marks)})")
        start += count * len(names)
    return _chained(texts)


@functools.lru_cache(maxsize=64)
def _one_statement_of_arrays(shape: tuple[tuple[Table, tuple[str, ...]], ...]) -> str:
    """Return the statement with an array a column, for any number of rows."""
    texts, start = [], 1
    for table, names in shape:
        marks = ", ".join(f"${start + at}::{_array(table, name)}[]" for at, name in enumerate(names))
        texts.append(f"{_into(table, names)} SELECT * FROM unnest({marks})")  # noqa: S608  names of our own tables
        start += len(names)
    return _chained(texts)


def _chained(texts: list[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    before = ", ".join(f"part{number} AS ({text})" for number, text in enumerate(texts[:-1]))
    return f"WITH {before} {texts[-1]}"


@functools.lru_cache(maxsize=256)
def _values(dialect: str, table: Table, names: tuple[str, ...], count: int) -> str:
    row = ", ".join(["?" if dialect == "sqlite" else "%s"] * len(names))
    return f"{_into(table, names)} VALUES {', '.join([f'({row})'] * count)}"


def _into(table: Table, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(names)})"  # names of our own models: nothing to quote


def _array(table: Table, name: str) -> str:
    kind = base_type(table.c[name].type)
    return next(word for known, word in _ARRAYS if isinstance(kind, known))


@functools.lru_cache(maxsize=256)
def _processors(dialect: Dialect, table: Table, names: tuple[str, ...]) -> tuple[Callable[[Any], Any] | None, ...]:
    return tuple(table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names)


def _flat(dialect: Dialect, table: Table, rows: Rows) -> list[Any]:
    """Return the driver's values row by row."""
    processors = _processors(dialect, table, tuple(rows[0]))
    return [
        value if process is None else process(value)
        for row in rows
        for process, value in zip(processors, row.values(), strict=True)
    ]


def _columns(dialect: Dialect, table: Table, rows: Rows) -> list[list[Any]]:
    """Return the driver's values column by column."""
    names = tuple(rows[0])
    processors = _processors(dialect, table, names)
    return [
        [row[name] if process is None else process(row[name]) for row in rows]
        for name, process in zip(names, processors, strict=True)
    ]
