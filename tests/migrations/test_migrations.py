"""One chain on three databases: up, down, up again, nothing left behind, nothing missing, no drift from the models."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Boolean, Connection, TextClause, Uuid, bindparam, inspect, text

from authenticator import give_authenticator
from holdfast.core.identity.models import Totp
from holdfast.core.identity.queries import find_totp, get_user
from holdfast.core.identity.service.notices import notify
from holdfast.core.notify.public import read_outbox
from holdfast.kernel.clock import system_clock
from holdfast.kernel.crypto import derive_key
from holdfast.kernel.db import NOBODY, Base, UtcDateTime
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import Installation, open_installation
from holdfast.migrations import run
from serving import environment
from support import Org, fresh_database, make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]
ROOT = Path(__file__).parent.parent.parent
HEAD = max(file.name[:4] for file in (ROOT / "src/holdfast/migrations/versions").glob("[0-9]*.py"))


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_up_down_and_up_again(dialect):
    async with fresh_database(dialect) as settings:
        await run.upgrade(settings)
        assert await run.pending(settings) == []
        assert await run.current(settings) == HEAD
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
        assert f"{HEAD} (head)" in done.stdout
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


async def test_people_who_are_there_already_get_a_placement_and_the_end_of_their_access(dialect):
    """Placed from their first day where that is before their record, until they were deleted."""
    now = datetime(2026, 1, 31, 12, 30, 0, 123456, tzinfo=UTC)
    tenants, gone = [uuid4(), uuid4()], uuid4()
    people = {"N": None, "P": date(2020, 2, 29), "F": date(2999, 1, 1)}

    def bind(connection: Connection, tenant: UUID) -> None:
        if dialect == "postgresql":
            connection.execute(text("SELECT set_config('holdfast.tenant', :tenant, true)"), {"tenant": str(tenant)})

    def add(connection: Connection) -> None:
        for tenant in tenants:
            bind(connection, tenant)
            slug = text(
                "INSERT INTO tenant (id, slug, status, demo, created_at) VALUES (:id, :slug, 'active', :no, :now)"
            )
            types = (bindparam("id", type_=Uuid()), bindparam("now", type_=UtcDateTime()))
            connection.execute(slug.bindparams(*types), {"id": tenant, "slug": tenant.hex, "no": False, "now": now})
            for number, start in people.items():
                values = {"tenant": tenant, "id": uuid4(), "number": number, "company": None, "manager": None}
                connection.execute(typed(STAFF), values | {"now": now, "nobody": NOBODY})
                connection.execute(
                    text("UPDATE person SET start_date = :start WHERE number = :number"),
                    {"start": start, "number": number},
                )
        values = {"tenant": tenants[0], "id": gone, "number": "G", "company": None, "manager": None}
        bind(connection, tenants[0])
        connection.execute(typed(STAFF), values | {"now": now, "nobody": gone})
        connection.execute(text("UPDATE person SET end_date = '2026-06-30' WHERE number = 'P'"))
        connection.execute(text("UPDATE person SET end_date = '9999-12-31', status = 'left' WHERE number = 'F'"))
        connection.execute(text("UPDATE person SET status = 'left' WHERE number = 'N'"))
        deleted = text("UPDATE person SET deleted_at = :now WHERE number = 'G'")
        connection.execute(deleted.bindparams(bindparam("now", type_=UtcDateTime())), {"now": now})

    def ends(connection: Connection) -> dict[str, object]:
        bind(connection, tenants[0])
        rows = text("SELECT number, access_ends_at FROM person WHERE tenant_id = :tenant").bindparams(
            bindparam("tenant", tenants[0], type_=Uuid())
        )
        return dict(tuple(row) for row in connection.execute(rows.columns(access_ends_at=UtcDateTime())))

    def look(connection: Connection) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        for tenant in tenants:
            bind(connection, tenant)
            rows = connection.execute(
                text(
                    "SELECT p.number, h.valid_from, h.valid_to, h.open_key FROM placement h JOIN person p"
                    " ON p.tenant_id = h.tenant_id AND p.id = h.person_id WHERE h.tenant_id = :tenant ORDER BY p.number"
                )
                .bindparams(bindparam("tenant", type_=Uuid()))
                .columns(valid_from=UtcDateTime(), valid_to=UtcDateTime(), open_key=Uuid()),
                {"tenant": tenant},
            )
            found += [tuple(row) for row in rows]
        return found

    async with fresh_database(dialect) as settings:
        await run.upgrade(settings, revision="0002")
        await run.on_connection(settings, add)
        await run.upgrade(settings)
        first = datetime(2020, 2, 29, tzinfo=UTC)
        living = [("F", now, None, NOBODY), ("N", now, None, NOBODY), ("P", first, None, NOBODY)]
        held = await run.on_connection(settings, look)
        assert held == [living[0], ("G", now, now, held[1][3]), *living[1:], *living]
        assert held[1][3] != NOBODY
        after = datetime(2026, 7, 1, tzinfo=UTC)
        assert await run.on_connection(settings, ends) == {"N": now, "P": after, "F": None, "G": None}


async def test_people_who_are_there_already_get_their_words(dialect):
    """Those of every organisation, in the trash too, and so many that they are read in parts."""
    now = system_clock()
    tenants = sorted([uuid4(), uuid4()])
    people = [
        (tenant, f"E-{number}", uuid4())
        for tenant, count in zip(tenants, (1_100, 50), strict=True)
        for number in range(count)
    ]
    gone = people[3][2]

    def bind(connection: Connection, tenant: UUID) -> None:
        if dialect == "postgresql":
            connection.execute(text("SELECT set_config('holdfast.tenant', :tenant, true)"), {"tenant": str(tenant)})

    def add(connection: Connection) -> None:
        for tenant in tenants:
            bind(connection, tenant)
            values = [
                {"tenant": tenant, "id": row_id, "number": number.lower(), "company": None, "manager": None}
                | {"now": now, "nobody": gone if row_id == gone else NOBODY}
                for owner, number, row_id in people
                if owner == tenant
            ]
            connection.execute(typed(STAFF), values)

    def look(connection: Connection) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        for tenant in tenants:
            bind(connection, tenant)
            rows = text("SELECT tenant_id, id, word, name_key, in_trash FROM person_word WHERE tenant_id = :tenant")
            kinds = {"tenant_id": Uuid(), "id": Uuid(), "in_trash": Boolean()}
            bound = rows.bindparams(bindparam("tenant", tenant, type_=Uuid())).columns(**kinds)
            found += [tuple(row) for row in connection.execute(bound)]
        return found

    async with fresh_database(dialect) as settings:
        await run.upgrade(settings, revision="0007")
        await run.on_connection(settings, add)
        await run.upgrade(settings)
        wanted = {
            (tenant, row_id, word, "other ann", row_id == gone)
            for tenant, number, row_id in people
            for word in ("ann", "other", number.lower(), number[2:])
        }
        found = await run.on_connection(settings, look)
        assert len(found) == len(set(found))
        assert set(found) == wanted
        await run.downgrade(settings, "0007")
        assert "person_word" not in await run.on_connection(settings, tables)
        await run.upgrade(settings)
        assert set(await run.on_connection(settings, look)) == wanted


async def test_what_was_sealed_with_one_key_for_all_is_sealed_with_the_organisations_own(dialect):
    """And back; under another SECRET_KEY nothing is touched, also where a table that was made stays made."""
    async with fresh_database(dialect) as settings:
        await run.upgrade(settings)
        home = open_installation(settings)
        try:
            org = await make_org(home)
            app, _ = await give_authenticator(home, org, org.admin.id)
            async with home.works.begin(org.id, SYSTEM) as work:
                await notify(work, await get_user(work, user_id=org.admin.id), "new_sign_in")
            before = await opened(home, org)
            assert before[0] == app.secret
            await run.downgrade(settings, "0008")
            old = AESGCM(derive_key(settings.secret_key.encode(), "sealing"))
            sealed = await run.on_connection(settings, lambda connection: sealed_secret(connection, org))
            place = b"user_totp\0" + org.id.bytes + org.admin.id.bytes
            assert old.decrypt(sealed[1:13], sealed[13:], place).decode() == app.secret
            other = settings.model_copy(update={"secret_key": "another secret that is long enough too"})
            with pytest.raises(ConfigurationError, match="SECRET_KEY: a sealed field of user_totp"):
                await run.upgrade(other)
            assert await run.on_connection(settings, lambda connection: sealed_secret(connection, org)) == sealed
            await run.upgrade(settings)
            assert await opened(home, org) == before
        finally:
            await home.close()


async def opened(home: Installation, org: Org) -> tuple[str, list[str]]:
    """Return the secret of the administrator's authenticator, and the messages that wait."""
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        totp = await find_totp(work, user_id=org.admin.id)
        assert totp is not None
        secret = (await work.keyring()).open(Totp.secret, totp.id, totp.secret).decode()
        return secret, [each.text for each in await read_outbox(work)]


def sealed_secret(connection: Connection, org: Org) -> bytes:
    """Return the one authenticator's secret as it is stored."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT set_config('holdfast.tenant', :tenant, true)"), {"tenant": str(org.id)})
    return bytes(connection.execute(text("SELECT secret FROM user_totp")).scalar_one())


def typed(sql: str) -> TextClause:
    """Return a statement whose ids and moments go in as our columns hold them."""
    named = {"tenant": Uuid(), "id": Uuid(), "company": Uuid(), "manager": Uuid(), "nobody": Uuid()}
    named["now"] = UtcDateTime()
    return text(sql).bindparams(*(bindparam(name, type_=kind) for name, kind in named.items() if f":{name}" in sql))
