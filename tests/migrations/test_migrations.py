"""One chain on three databases: up, down, up again, nothing left behind, nothing missing, no drift from the models."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, TextClause, Uuid, bindparam, inspect, text

from holdfast.kernel.clock import system_clock
from holdfast.kernel.db import NOBODY, Base, UtcDateTime
from holdfast.kernel.errors import ConfigurationError
from holdfast.migrations import run
from serving import environment
from support import fresh_database

pytestmark = [pytest.mark.service, pytest.mark.portable]
ROOT = Path(__file__).parent.parent.parent


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_up_down_and_up_again(dialect):
    async with fresh_database(dialect) as settings:
        await run.upgrade(settings)
        assert await run.pending(settings) == []
        assert await run.current(settings) == "0004"
        made = await run.on_connection(settings, tables)
        assert run.own_tables() <= made
        await run.downgrade(settings, "base")
        assert await run.on_connection(settings, tables) <= {"alembic_version"}
        await run.upgrade(settings)
        assert await run.pending(settings) == []
        assert await run.on_connection(settings, tables) == made


async def test_the_models_and_the_chain_agree(dialect):
    async with fresh_database(dialect) as settings:
        await run.upgrade(settings)

        def drift(connection: Connection) -> list[object]:
            options = {
                "compare_type": True,
                "include_object": lambda _, name, kind, *__: kind != "table" or name in own,
            }
            return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)

        own = run.own_tables()
        assert await run.on_connection(settings, drift) == []


async def test_plain_alembic_does_the_same(dialect):
    """Also the triggers, row-level security and grants, without which the tables are open."""
    async with fresh_database(dialect) as settings:
        for command in (["upgrade", "head"], ["current"]):
            done = subprocess.run(
                [sys.executable, "-m", "alembic", *command],
                cwd=ROOT,
                env=environment(settings),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        assert "0004 (head)" in done.stdout
        assert await run.pending(settings) == []


async def test_a_lost_trigger_is_found_and_made_again(dialect):
    async with fresh_database(dialect) as settings:
        await run.upgrade(settings)
        on_table = " ON audit_entry" if dialect == "postgresql" else ""
        await run.on_connection(
            settings, lambda connection: connection.execute(text(f"DROP TRIGGER audit_entry_no_delete{on_table}"))
        )
        assert await run.pending(settings) == ["trigger audit_entry_no_delete on audit_entry is missing"]
        await run.upgrade(settings)
        assert await run.pending(settings) == []


async def test_tables_of_something_else_are_refused(dialect):
    async with fresh_database(dialect) as settings:
        await run.on_connection(settings, lambda connection: connection.execute(text("CREATE TABLE theirs (id int)")))
        with pytest.raises(ConfigurationError, match="not Holdfast's"):
            await run.upgrade(settings)
        assert await run.on_connection(settings, tables) == {"theirs"}


async def test_a_newer_schema_is_refused(dialect):
    async with fresh_database(dialect) as settings:
        await run.upgrade(settings)
        newer = text("UPDATE alembic_version SET version_num = '9999'")
        await run.on_connection(settings, lambda connection: connection.execute(newer))
        with pytest.raises(ConfigurationError, match="9999"):
            await run.upgrade(settings)


async def test_many_processes_may_start_at_once(dialect):
    """The lock lets one migrate; the others find it done."""
    async with fresh_database(dialect) as settings:
        script = "import asyncio; from holdfast.kernel.settings import Settings; from holdfast.migrations import run; "
        script += "asyncio.run(run.upgrade(Settings()))"
        started = [
            subprocess.Popen([sys.executable, "-c", script], env=environment(settings), stderr=subprocess.PIPE)
            for _ in range(3)
        ]
        said = [process.communicate()[1] for process in started]
        assert [process.returncode for process in started] == [0, 0, 0], said
        assert await run.pending(settings) == []


STAFF = """
    INSERT INTO person (tenant_id, id, number, number_key, given_name, family_name, name_key, department, company_id,
                        manager_id, status, version, created_at, updated_at, deleted_key)
    VALUES (:tenant, :id, :number, :number, 'Ann', 'Other', 'other ann', 'Sales', :company, :manager, 'active', 1, :now,
            :now, :nobody)
"""


async def test_people_outlive_the_coming_and_going_of_branches_and_departments(dialect):
    """Also those who lead each other, on SQLite, where their table is made again."""
    tenant, company, now = uuid4(), uuid4(), system_clock()
    staff = [uuid4() for _ in range(3)]

    def add(connection: Connection) -> None:
        if dialect == "postgresql":
            connection.execute(text("SELECT set_config('holdfast.tenant', :tenant, true)"), {"tenant": str(tenant)})
        connection.execute(
            typed(
                "INSERT INTO company (tenant_id, id, code, code_key, name, name_key, status, version, created_at,"
                " updated_at, deleted_key)"
                " VALUES (:tenant, :company, 'A', 'a', 'A', 'a', 'active', 1, :now, :now, :nobody)"
            ),
            {"tenant": tenant, "company": company, "now": now, "nobody": NOBODY},
        )
        for number, manager in enumerate((None, staff[0], staff[1])):
            connection.execute(
                typed(STAFF),
                {"tenant": tenant, "id": staff[number], "number": str(number), "company": company, "manager": manager}
                | {"now": now, "nobody": NOBODY},
            )

    def look(connection: Connection) -> list[tuple[object, ...]]:
        if dialect == "postgresql":
            connection.execute(text("SELECT set_config('holdfast.tenant', :tenant, true)"), {"tenant": str(tenant)})
        rows = connection.execute(text("SELECT number, department, company_id, manager_id FROM person ORDER BY number"))
        return [tuple(row) for row in rows]

    def shape(connection: Connection) -> tuple[object, ...]:
        found = inspect(connection)
        return (
            sorted(column["name"] for column in found.get_columns("person")),
            sorted((key["name"], tuple(key["constrained_columns"])) for key in found.get_foreign_keys("person")),
            sorted((index["name"], tuple(index["column_names"])) for index in found.get_indexes("person")),
            sorted(each["name"] for each in found.get_unique_constraints("person")),
        )

    async with fresh_database(dialect) as settings:
        await run.upgrade(settings, revision="0001")
        before = await run.on_connection(settings, shape)
        await run.on_connection(settings, add)
        there = await run.on_connection(settings, look)
        assert len(there) == 3
        await run.upgrade(settings)
        assert await run.pending(settings) == []
        assert await run.on_connection(settings, look) == there
        await run.downgrade(settings, "0001")
        assert await run.on_connection(settings, look) == there
        assert await run.on_connection(settings, shape) == before
        await run.upgrade(settings)
        assert await run.on_connection(settings, look) == there


def typed(sql: str) -> TextClause:
    """Return a statement whose ids and moments go in as our columns hold them."""
    named = {"tenant": Uuid(), "id": Uuid(), "company": Uuid(), "manager": Uuid(), "nobody": Uuid()}
    named["now"] = UtcDateTime()
    return text(sql).bindparams(*(bindparam(name, type_=kind) for name, kind in named.items() if f":{name}" in sql))
