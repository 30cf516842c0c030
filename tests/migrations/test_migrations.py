"""One chain on three databases: up, down, up again, nothing left behind, nothing missing, no drift from the models."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from holdfast.kernel.db import Base
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
        assert await run.current(settings) == "0001"
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
        assert "0001 (head)" in done.stdout
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
