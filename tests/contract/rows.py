"""The rows of an organisation as the schema's owner sees them: no tenant session, no row-level security."""

from functools import cache
from uuid import UUID

from sqlalchemy import CompoundSelect, String, Table, Uuid, bindparam, exists, literal_column, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from holdfast.kernel.db import Base
from holdfast.kernel.tenancy import tenant_tables

Dump = dict[str, list[tuple[object, ...]]]
Rows = dict[str, dict[tuple[object, ...], dict[str, object]]]
AUDIT = frozenset({"audit_entry", "audit_part", "refusal_count", "ledger_queue"})
# Installation tables that hold something of one tenant, and the column that says so.
OTHERS = {"tenant": "id", "sign_in_name": "tenant_id", "ledger_log": "id", "ledger_queue": "log_id"}
OTHERS["job"] = "tenant_id"


def tables() -> dict[Table, str]:
    """Return every table that holds something of a tenant, and the column that names the tenant."""
    own = dict.fromkeys(tenant_tables(), "tenant_id")
    return own | {Base.metadata.tables[name]: column for name, column in OTHERS.items()}


async def dump(engine: AsyncEngine, tenant_id: UUID) -> Dump:
    """Return all rows of a tenant in all tables, as the driver gives them."""
    found: Dump = {table.name: [] for table in tables()}
    async with engine.connect() as connection:
        for table, column in await _filled(connection, tenant_id):
            order = ", ".join(each.name for each in table.primary_key.columns)
            statement = text(f"SELECT * FROM {table.name} WHERE {column} = :tenant ORDER BY {order}")
            bound = statement.bindparams(bindparam("tenant", tenant_id, type_=Uuid()))
            found[table.name] = [tuple(row) for row in await connection.execute(bound)]
        await connection.rollback()
    return found


async def rows(engine: AsyncEngine, tenant_id: UUID) -> Rows:
    """Return all rows of a tenant in all tables by primary key, values as in Python."""
    found: Rows = {table.name: {} for table in tables()}
    async with engine.connect() as connection:
        for table, column in await _filled(connection, tenant_id):
            result = await connection.execute(select(table).where(table.c[column] == tenant_id))
            keys = [each.name for each in table.primary_key.columns]
            found[table.name] = {tuple(row[key] for key in keys): dict(row) for row in result.mappings()}
        await connection.rollback()
    return found


async def _filled(connection: AsyncConnection, tenant_id: UUID) -> list[tuple[Table, str]]:
    """Return the tables that hold something of a tenant, asked at once: to ask each takes four times as long."""
    every = tuple(tables().items())
    names = set(await connection.scalars(_asked(every), {"tenant": tenant_id}))
    return [(table, column) for table, column in every if table.name in names]


@cache
def _asked(every: tuple[tuple[Table, str], ...]) -> CompoundSelect[tuple[str]]:
    tenant = bindparam("tenant", type_=Uuid())
    return union_all(
        *(
            select(literal_column(f"'{table.name}'", String)).where(exists().where(table.c[column] == tenant))
            for table, column in every
        )
    )


def changed(before: Dump, after: Dump) -> set[str]:
    """Return the tables that differ."""
    return {name for name in before if before[name] != after[name]}
