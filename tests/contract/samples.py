"""A valid row for any table, made from its columns' types, and copies of the tables without the composite keys."""

import os
import random
from datetime import date
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast.kernel.clock import system_clock
from holdfast.kernel.db import Base, Bytes, CanonicalJson, Choice, Str, UtcDateTime
from holdfast.kernel.ids import new_id
from holdfast.kernel.keys import Encrypted, Sealed
from holdfast.kernel.tenancy import tenant_tables

Row = dict[str, object]
LOOSE = "loose_"


def value(column: Column) -> object:
    """Return some value that the column takes."""
    kind = column.type
    if isinstance(kind, Choice):
        return next(iter(kind.kind))
    if isinstance(kind, Str):
        return uuid4().hex[: kind.length]
    if isinstance(kind, Encrypted):
        return Sealed(os.urandom(40))
    if isinstance(kind, Bytes | LargeBinary):
        return os.urandom(16)
    if isinstance(kind, UtcDateTime):
        return system_clock()
    if isinstance(kind, CanonicalJson):
        return {}
    if column.name == "number" and isinstance(kind, Integer):
        return random.randrange(100, 1_000_000)  # of those that a tenant has from the beginning the first are taken
    for type_, made in ((Uuid, new_id()), (Boolean, False), (Integer, 1), (Date, date(2026, 1, 1)), (Text, "text")):
        if isinstance(kind, type_):
            return made
    raise TypeError(f"no sample for {column}: {kind!r}")


def reference(table: Table) -> dict[str, Table]:
    """Return the table that each foreign key column points at."""
    prefix = LOOSE if table.name.startswith(LOOSE) else ""
    return {
        column.name: table.metadata.tables[prefix + column.info["tenant_fk"]]
        for column in table.columns
        if "tenant_fk" in column.info
    }


async def insert(connection: AsyncConnection, table: Table, tenant_id: UUID, **given: object) -> Row:
    """Insert a valid row with the rows it must point at, and return it."""
    targets = reference(table)
    row: Row = {"tenant_id": tenant_id, **given}
    for column in table.columns:
        if column.name in row or column.nullable:
            continue
        if column.name in targets:
            row[column.name] = (await insert(connection, targets[column.name], tenant_id))["id"]
        else:
            row[column.name] = value(column)
    await connection.execute(table.insert().values(row))
    return row


def uniques(table: Table) -> list[tuple[str, ...]]:
    """Return the columns of each unique constraint and index, the tenant apart."""
    found = [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
    found += [index.columns for index in table.indexes if index.unique]
    return [tuple(column.name for column in columns if column.name != "tenant_id") for columns in found]


def loosened() -> MetaData:
    """Return the tenant-owned tables as one would declare them without thinking of tenants."""
    metadata = MetaData()
    for table in tenant_tables():
        parts: list[object] = [Column(c.name, c.type, nullable=c.nullable, info=dict(c.info)) for c in table.columns]
        key = [column.name for column in table.primary_key.columns if column.name != "tenant_id"]
        parts.append(PrimaryKeyConstraint(*key))
        for number, columns in enumerate(uniques(table)):
            parts.append(Index(f"ux_{LOOSE}{table.name}_{number}", *columns, unique=True))
        parts += [
            ForeignKeyConstraint(
                [column.name],
                [f"{LOOSE}{column.info['tenant_fk']}.id"],
                name=f"fk_{LOOSE}{table.name}_{column.name}",
                use_alter=column.info["late"],
            )
            for column in table.columns
            if "tenant_fk" in column.info
        ]
        Table(LOOSE + table.name, metadata, *parts)
    return metadata


def own(metadata: MetaData = Base.metadata) -> list[Table]:
    """Return the tables to probe: those of tenants, or their loosened copies."""
    if metadata is Base.metadata:
        return list(tenant_tables())
    return list(metadata.sorted_tables)
