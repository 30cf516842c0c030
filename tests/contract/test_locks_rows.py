"""The third of three locks: PostgreSQL's row-level security alone, against plain SQL as the role that serves requests.

No tenant session stands before these statements. The same statements as the owner, with triggers off, get through.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from samples import insert, own, value
from sqlalchemy import Table, Uuid, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast.kernel.db import Base
from holdfast.kernel.engines import Database
from holdfast.kernel.ids import new_id
from holdfast.kernel.tenancy import INSTALLATION_TABLES

pytestmark = pytest.mark.service
TABLES = own()


@pytest.fixture
async def home(homes):
    return await homes("postgresql")


@pytest.fixture
async def row_ids(owner: Database) -> dict[str, UUID]:
    """Give the id of a row of tenant A in every table, and under `a` the tenant's."""
    a = new_id()
    made = {"a": a}
    async with owner.engine.begin() as connection:
        for table in TABLES:
            made[table.name] = (await insert(connection, table, a))["id"]
    return made


async def as_tenant(connection: AsyncConnection, tenant_id: UUID | None) -> None:
    if tenant_id is not None:
        setting = text("SELECT set_config('holdfast.tenant', :tenant, true)")
        await connection.execute(setting, {"tenant": str(tenant_id)})


def named(sql: str, **values: UUID) -> object:
    return text(sql).bindparams(*(bindparam(name, given, type_=Uuid()) for name, given in values.items()))


async def crossings(connection: AsyncConnection, table: Table, a: UUID, row_id: UUID) -> set[str]:
    """Return which statements see or change A's row."""
    name = table.name
    mutable = not table.info.get("insert_only")
    statements = {
        "select": named(f"SELECT * FROM {name} WHERE id = :row", row=row_id),
        "select by tenant": named(f"SELECT * FROM {name} WHERE tenant_id = :a", a=a),
        "select with or": named(f"SELECT * FROM {name} WHERE id = :row OR 1 = 1 AND tenant_id = :a", row=row_id, a=a),
        "join": named(f"SELECT x.* FROM tenant t RIGHT JOIN {name} x ON true WHERE x.id = :row", row=row_id),
        "lock": named(f"SELECT * FROM {name} WHERE id = :row FOR UPDATE", row=row_id) if mutable else None,
        "cast in the condition": named(f"SELECT * FROM {name} x WHERE x.id = :row AND x::text <> ''", row=row_id),
        "copy of a row": named(f"INSERT INTO {name} SELECT * FROM {name} WHERE id = :row RETURNING 1", row=row_id),
        "update": named(f"UPDATE {name} SET id = id WHERE id = :row RETURNING 1", row=row_id) if mutable else None,
        "update of all": text(f"UPDATE {name} SET id = id RETURNING tenant_id") if mutable else None,
        "delete": named(f"DELETE FROM {name} WHERE id = :row RETURNING 1", row=row_id) if mutable else None,
    }
    crossed = set()
    for what, statement in statements.items():
        if statement is not None and await touches(connection, statement):
            crossed.add(what)
    counted = named(f"SELECT count(*) FROM {name} WHERE tenant_id = :a HAVING count(*) > 0", a=a)
    if await touches(connection, counted):
        crossed.add("count")
    if await touches(connection, table.insert().values(sample(table, a)).returning(table.c.id)):
        crossed.add("insert")
    return crossed


def sample(table: Table, tenant_id: UUID) -> dict[str, object]:
    """Return values for a row of its own; what it points at need not be there, rights are asked first."""
    return {"tenant_id": tenant_id} | {
        column.name: value(column) for column in table.columns if not column.nullable and column.name != "tenant_id"
    }


async def touches(connection: AsyncConnection, statement: object) -> bool:
    """Tell whether a statement returns a row; what is refused does not."""
    savepoint = await connection.begin_nested()
    try:
        return bool((await connection.execute(statement)).all())
    except DBAPIError:
        return False
    finally:
        await savepoint.rollback()


@asynccontextmanager
async def connected(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.engine.connect() as connection:
        yield connection
        await connection.rollback()


async def test_plain_sql_sees_and_writes_nothing_of_another_tenant(home, row_ids) -> None:
    async with connected(home.database) as connection:
        await as_tenant(connection, new_id())
        for table in TABLES:
            assert await crossings(connection, table, row_ids["a"], row_ids[table.name]) == set(), table.name


async def test_without_a_setting_there_is_nothing(home, row_ids) -> None:
    async with connected(home.database) as connection:
        for table in TABLES:
            assert await crossings(connection, table, row_ids["a"], row_ids[table.name]) == set(), table.name
            assert (await connection.execute(text(f"SELECT count(*) FROM {table.name}"))).scalar() == 0


async def test_as_the_owner_with_triggers_off_every_statement_gets_through(owner, row_ids) -> None:
    async with connected(owner) as connection:
        # Foreign keys and insert-only triggers are the other locks.
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for table in TABLES:
            crossed = await crossings(connection, table, row_ids["a"], row_ids[table.name])
            expected = {"select", "select by tenant", "select with or", "join", "cast in the condition", "count"}
            expected |= {"insert"}
            if not table.info.get("insert_only"):
                expected |= {"lock", "update", "update of all", "delete"}
            assert crossed == expected, table.name


async def test_ones_own_rows_are_seen_and_written(home, row_ids) -> None:
    async with connected(home.database) as connection:
        await as_tenant(connection, row_ids["a"])
        for table in TABLES:
            statement = named(f"SELECT 1 FROM {table.name} WHERE id = :row", row=row_ids[table.name])
            assert await touches(connection, statement), table.name
        inserted = text("SELECT count(*) FROM company WHERE tenant_id <> current_setting('holdfast.tenant')::uuid")
        assert (await connection.execute(inserted)).scalar() == 0
        await insert(connection, Base.metadata.tables["company"], row_ids["a"])
        foreign = await refusal(connection, Base.metadata.tables["company"].insert().values(sample_company(new_id())))
        assert "row-level security" in foreign
        moved = await refusal(connection, named("UPDATE company SET tenant_id = :other", other=new_id()))
        assert "row-level security" in moved


def sample_company(tenant_id: UUID) -> dict[str, object]:
    return sample(Base.metadata.tables["company"], tenant_id)


async def refusal(connection: AsyncConnection, statement: object) -> str:
    """Return what the database says against a statement."""
    savepoint = await connection.begin_nested()
    with pytest.raises(DBAPIError) as caught:
        await connection.execute(statement)
    await savepoint.rollback()
    return str(caught.value.orig)


async def test_the_setting_ends_with_its_transaction(home, org) -> None:
    """On one physical connection: set, gone after COMMIT, gone after ROLLBACK, gone for the next who takes it."""
    setting, count = "SELECT current_setting('holdfast.tenant', true)", "SELECT count(*) FROM organization"
    pids = set()
    for end in ("commit", "rollback", "close"):
        async with org.work(write=False) as work:
            link = work.link
            pids.add((await link.fetch("SELECT pg_backend_pid()"))[0][0])
            assert (await link.fetch(setting))[0][0] == str(org.id)
            assert (await link.fetch(count))[0][0] == 1
            if end != "close":
                await getattr(link, end)()
                assert (await link.fetch(setting))[0][0] in ("", None)
                assert (await link.fetch(count))[0][0] == 0
        link = await home.database.acquire(write=True)
        try:
            pids.add((await link.fetch("SELECT pg_backend_pid()"))[0][0])
            assert (await link.fetch(setting))[0][0] in ("", None)
            assert (await link.fetch(count))[0][0] == 0
        finally:
            await link.close()
    assert len(pids) == 1, "the pool gave another connection: nothing was proved"


FORBIDDEN = (
    "TRUNCATE company",
    "TRUNCATE audit_entry",
    "UPDATE audit_entry SET action = 'x'",
    "DELETE FROM audit_entry",
    "UPDATE audit_part SET data = NULL",
    "DELETE FROM audit_part",
    "ALTER TABLE company DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE company NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    "ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_no_update",
    "DROP TABLE company",
    "DROP POLICY holdfast_tenant ON company",
    "DROP TRIGGER audit_entry_no_delete ON audit_entry",
    "CREATE POLICY mine ON company USING (true)",
    "CREATE OR REPLACE FUNCTION holdfast_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE TABLE copy_of_company AS SELECT * FROM company",
    "CREATE TRIGGER mine BEFORE INSERT ON company FOR EACH ROW EXECUTE FUNCTION holdfast_refuse()",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "SET session_replication_role = replica",
    "UPDATE alembic_version SET version_num = 'x'",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_serving_role_may_not(home, statement: str) -> None:
    async with connected(home.database) as connection:
        said = await refusal(connection, text(statement))
        assert any(word in said for word in ("permission denied", "must be owner", "must be superuser")), said


async def test_turning_row_security_off_shows_an_error_and_no_row(home, org) -> None:
    async with connected(home.database) as connection:
        await as_tenant(connection, org.id)
        await connection.execute(text("SET LOCAL row_security = off"))
        assert "row-level security" in await refusal(connection, text("SELECT * FROM company"))


async def test_no_later_policy_widens_the_tenants(home, owner, row_ids) -> None:
    async with connected(owner) as connection:
        await connection.execute(text("CREATE POLICY sloppy ON company USING (true)"))
        role = home.database.engine.url.username
        await connection.execute(text(f"SET LOCAL ROLE {role}"))
        await as_tenant(connection, new_id())
        assert (await connection.execute(text("SELECT count(*) FROM company"))).scalar() == 0


async def test_every_table_with_a_tenant_has_the_policy_and_no_other_table_has_rows_of_one(owner) -> None:
    catalogue = text(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, "
        "  EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'), "
        "  (SELECT string_agg(p.polname || p.polpermissive::text || p.polcmd::text, ',' ORDER BY p.polname) "
        "   FROM pg_policy p WHERE p.polrelid = c.oid) "
        "FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace = current_schema()::regnamespace"
    )
    async with connected(owner) as connection:
        found = {row[0]: tuple(row[1:]) for row in await connection.execute(catalogue)}
    assert {name for name in found if name not in INSTALLATION_TABLES} == {table.name for table in TABLES}
    for name, (secured, has_tenant, policies) in found.items():
        if name in INSTALLATION_TABLES:
            assert not has_tenant or name in {"sign_in_name", "job"}
        else:
            assert (secured, has_tenant) == (True, True), name
            assert policies == "holdfast_rowstrue*,holdfast_tenantfalse*", name
