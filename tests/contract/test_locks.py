"""The first of three locks: the schema alone keeps tenants apart, with no tenant session and no row-level security.

The probes are made from the metadata; on the same tables without composite keys every one of them gets through.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from samples import insert, loosened, own, reference, uniques
from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast.kernel.db import Base
from holdfast.kernel.engines import Database
from holdfast.kernel.ids import new_id
from holdfast.kernel.plugins import installed_apps
from holdfast.kernel.tenancy import INSTALLATION_TABLES, tenant_tables
from holdfast.migrations.run import load_models, own_tables

load_models(installed_apps())
OURS = sorted(own_tables())
MAPPERS = [mapper for mapper in Base.registry.mappers if mapper.class_.__module__.startswith("holdfast.")]


# ── what the schema must look like ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.unit
@pytest.mark.parametrize("name", OURS)
def test_every_table_is_a_tenants_or_listed_as_the_installations(name: str) -> None:
    table = Base.metadata.tables[name]
    if name in INSTALLATION_TABLES:
        assert table not in tenant_tables()
        return
    assert [column.name for column in table.primary_key.columns][:2] == ["tenant_id", "id"]
    assert not table.c.tenant_id.nullable
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            pairs = [(element.parent.name, element.column.name) for element in constraint.elements]
            assert pairs[0] == ("tenant_id", "tenant_id"), f"{constraint.name} leaves the tenant out"
            assert constraint.ondelete == "RESTRICT", f"{constraint.name}: the database may not change rows by itself"
        elif isinstance(constraint, UniqueConstraint):
            assert next(iter(constraint.columns)).name == "tenant_id", f"{constraint.name} is unique across tenants"
    for index in table.indexes:
        assert next(iter(index.columns)).name == "tenant_id" or not index.unique, f"{index.name} crosses tenants"


@pytest.mark.unit
@pytest.mark.parametrize("mapper", MAPPERS, ids=lambda mapper: mapper.class_.__name__)
def test_models_hide_nothing_from_the_trail_and_load_nothing_by_themselves(mapper) -> None:
    for column in mapper.local_table.columns:
        if mapper.class_.__audited__:
            assert column.server_default is None, f"{column}: the entry would not show what the database fills in"
            assert (column.onupdate, column.server_onupdate) == (None, None), f"{column} changes without a trace"
        if "tenant_fk" in column.info:
            writable = [r for r in mapper.relationships if not r.viewonly and column in r.local_columns]
            assert writable, f"{column} has no to_one: rows would be written in the wrong order"
    for relation in mapper.relationships:
        assert relation.lazy == "raise", f"{relation} loads by itself"
        assert relation.viewonly or relation.direction.name == "MANYTOONE", f"{relation} writes the other side"


# ── what the schema does ─────────────────────────────────────────────────────────────────────────────────────────────


async def refused(connection: AsyncConnection, attempt: Callable[[], Awaitable[object]]) -> bool:
    """Tell whether the database refuses, and undo it either way."""
    savepoint = await connection.begin_nested()
    try:
        await attempt()
    except IntegrityError:
        return True
    finally:
        await savepoint.rollback()
    return False


async def some(connection: AsyncConnection, table: Table, column: str, tenant_id: UUID) -> object:
    """Return a value that the column takes: the id of a row where it points at one."""
    target = reference(table).get(column)
    return uuid4().hex[:8] if target is None else (await insert(connection, target, tenant_id))["id"]


async def schema_leaks(connection: AsyncConnection, table: Table) -> list[str]:
    """Return what crosses from tenant B to tenant A: references, ids that are taken, values that are taken."""
    a, b = new_id(), new_id()
    leaks = []
    for column, target in reference(table).items():
        parent = await insert(connection, target, a)
        inside = await refused(connection, lambda: insert(connection, table, a, **{column: parent["id"]}))  # noqa: B023
        assert not inside, f"{table.name}.{column} refuses even its own tenant's row"
        if not await refused(connection, lambda: insert(connection, table, b, **{column: parent["id"]})):  # noqa: B023
            leaks.append(f"{column} points across")
    for columns in [("id",), *uniques(table)]:
        row = await insert(connection, table, a)
        same = {name: row[name] for name in columns if row.get(name) is not None}
        if len(same) < len(columns):  # a nullable one was left out
            same = {name: row.get(name) or await some(connection, table, name, a) for name in columns}
            row = await insert(connection, table, a, **same)
        for column in set(columns) & set(reference(table)):
            if table.name in Base.metadata.tables:
                await insert(connection, reference(table)[column], b, id=same[column])
        keys = {name: row[name] for name in row if table.c[name].primary_key and name not in ("tenant_id", "id")}
        assert await refused(connection, lambda: insert(connection, table, a, **{**keys, **same})), (  # noqa: B023
            f"{table.name}: {columns} is not unique inside its tenant"
        )
        if await refused(connection, lambda: insert(connection, table, b, **{**keys, **same})):  # noqa: B023
            leaks.append(f"{', '.join(columns)} taken in another tenant is noticed")
    return leaks


@pytest.mark.service
@pytest.mark.portable
async def test_the_schema_alone_lets_nothing_across(owner: Database) -> None:
    async with owner.engine.connect() as connection:
        for table in own():
            assert await schema_leaks(connection, table) == [], table.name
        await connection.rollback()


@pytest.mark.service
@pytest.mark.portable
async def test_without_composite_keys_every_schema_probe_gets_through(owner: Database) -> None:
    metadata = loosened()
    try:
        async with owner.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        async with owner.engine.connect() as connection:
            for table in own(metadata):
                leaks = await schema_leaks(connection, table)
                assert len(leaks) == len(reference(table)) + 1 + len(uniques(table)), (table.name, leaks)
            await connection.rollback()
    finally:
        async with owner.engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)
