"""The trail cannot be forgotten and cannot be changed: coverage of every changed row, tables that only take inserts."""

import pytest
from operations import Stage
from rows import dump
from sqlalchemy import Uuid, bindparam, func, literal, select, text
from sqlalchemy.exc import DBAPIError

from holdfast.core.directory.facts import CompanyCreated, CompanyUpdated
from holdfast.core.directory.models import Company
from holdfast.core.identity.models import Password, Session
from holdfast.kernel.facts import CoverageError
from holdfast.kernel.tenancy import TenancyError
from holdfast.migrations.protection import insert_only_tables

pytestmark = [pytest.mark.service, pytest.mark.portable]


async def create(work) -> None:
    work.session.add(Company(id=work.new_id(), code="N", name="New"))


async def create_and_name_another(work) -> None:
    company = Company(id=work.new_id(), code="N", name="New")
    work.session.add_all([company, Company(id=work.new_id(), code="M", name="More")])
    work.record(CompanyCreated(entity=company))


async def change(work) -> None:
    (await work.session.scalars(select(Company))).one().name = "Changed"


async def change_in_an_earlier_flush(work) -> None:
    await change(work)
    await work.flush()


async def change_of_a_secret(work) -> None:
    (await work.session.scalars(select(Password))).first().hash = "$argon2id$other"


async def delete(work) -> None:
    await work.session.delete((await work.session.scalars(select(Company))).one())


@pytest.mark.parametrize(
    "act", [create, create_and_name_another, change, change_in_an_earlier_flush, change_of_a_secret, delete]
)
async def test_a_change_that_no_fact_covers_fails_the_commit(act, stage: Stage, owner) -> None:
    await stage.company()
    before = await dump(owner.engine, stage.org.id)
    with pytest.raises(CoverageError, match="changed without a recorded fact"):
        async with stage.org.work() as work:
            await act(work)
    assert await dump(owner.engine, stage.org.id) == before


async def test_what_is_marked_untracked_may_change_without_a_fact(stage: Stage, owner) -> None:
    before = await dump(owner.engine, stage.org.id)
    async with stage.org.work() as work:
        session = (await work.session.scalars(select(Session))).first()
        session.last_seen_at = work.now()
    after = await dump(owner.engine, stage.org.id)
    assert {name for name in before if before[name] != after[name]} == {"session"}


async def test_a_value_set_before_it_was_loaded_fails_because_its_old_value_is_unknown(stage: Stage, owner) -> None:
    await stage.company()
    before = await dump(owner.engine, stage.org.id)

    async def change_unseen() -> None:
        async with stage.org.work() as work:
            company = (await work.session.scalars(select(Company))).one()
            work.session.sync_session.expire(company, ["name"])
            company.name = "Changed"
            work.record(CompanyUpdated(entity=company))

    with pytest.raises(CoverageError, match="old value is unknown"):
        await change_unseen()
    assert await dump(owner.engine, stage.org.id) == before


async def test_sql_expressions_are_refused_as_values(stage: Stage, owner) -> None:
    await stage.company()
    before = await dump(owner.engine, stage.org.id)

    async def change_to(expression: object) -> None:
        async with stage.org.work() as work:
            company = (await work.session.scalars(select(Company))).one()
            company.city = expression
            work.record(CompanyUpdated(entity=company))

    async def create_with(expression: object) -> None:
        async with stage.org.work() as work:
            company = Company(id=work.new_id(), code="N", name="New", city=expression)
            work.session.add(company)
            work.record(CompanyCreated(entity=company))

    for expression in (func.upper("changed"), literal("changed"), Company.code + "x"):
        for act in (change_to, create_with):
            with pytest.raises(TenancyError, match="SQL expression"):
                await act(expression)
    assert await dump(owner.engine, stage.org.id) == before


# ── tables that only take inserts, even from their owner ─────────────────────────────────────────────────────────────

SAME = "SELECT * FROM {table} WHERE tenant_id = :tenant"
EVERYWHERE = (
    "UPDATE {table} SET {column} = {column} WHERE tenant_id = :tenant",
    "DELETE FROM {table} WHERE tenant_id = :tenant",
)
HERE = {
    "sqlite": (
        f"REPLACE INTO {{table}} {SAME}",
        f"INSERT OR REPLACE INTO {{table}} {SAME}",
        f"INSERT INTO {{table}} {SAME} ON CONFLICT DO UPDATE SET {{column}} = excluded.{{column}}",
        "UPDATE OR REPLACE {table} SET {column} = {column} WHERE tenant_id = :tenant",
        # Another key in the same place: what is taken away then is the row whose hidden number is taken.
        "INSERT OR REPLACE INTO {table} (rowid, {columns}) SELECT rowid, {others} FROM {table} WHERE tenant_id = :tenant",
    ),
    "postgresql": (
        f"INSERT INTO {{table}} {SAME} ON CONFLICT ({{key}}) DO UPDATE SET {{column}} = excluded.{{column}}",
        "MERGE INTO {table} x USING {table} y ON x.id = y.id AND x.tenant_id = :tenant WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM {table} WHERE tenant_id = :tenant RETURNING 1) SELECT * FROM gone",
        "TRUNCATE {table}",
        "TRUNCATE {table} CASCADE",
    ),
    # TRUNCATE runs past every trigger there: the serving account gets no right to it (docs, deployment).
    "mysql": (
        f"REPLACE INTO {{table}} {SAME}",
        f"INSERT INTO {{table}} {SAME} ON DUPLICATE KEY UPDATE {{column}} = 'x'",
    ),
}


async def test_the_trail_takes_inserts_only(home, dialect, stage: Stage, owner) -> None:
    await stage.company()
    before = await dump(owner.engine, stage.org.id)
    assert {table.name for table in insert_only_tables()} == {"audit_entry", "audit_part"}
    for table in insert_only_tables():
        names = {
            "table": table.name,
            "column": {"audit_entry": "action", "audit_part": "lookup"}[table.name],
            "key": ", ".join(column.name for column in table.primary_key.columns),
            "columns": ", ".join(column.name for column in table.columns),
            "others": ", ".join("randomblob(16)" if c.name == "id" else c.name for c in table.columns),
        }
        assert before[table.name]
        for pattern in (*EVERYWHERE, *HERE[dialect]):
            sql = pattern.format_map(names)
            statement = text(sql)
            if ":tenant" in sql:
                statement = statement.bindparams(bindparam("tenant", stage.org.id, type_=Uuid()))
            async with owner.engine.connect() as connection:
                if dialect == "sqlite":  # as any other tool comes to the file
                    await connection.exec_driver_sql("PRAGMA recursive_triggers = OFF")
                with pytest.raises(DBAPIError, match="insert-only"):
                    await connection.execute(statement)
                await connection.rollback()
    assert await dump(owner.engine, stage.org.id) == before
