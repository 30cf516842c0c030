"""The restricted role on PostgreSQL: made by command, judged by the doctor, and required in production."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from command_line import on_postgresql, refused

from holdfast.cli import doctor
from support import MARIADB, MASTER, POSTGRES, database_name, need

pytestmark = pytest.mark.service
SECRET = "kW9-vR2xQ7_mT4bZ8nL5cJ1hF6gD3sA0pYuE"
AWKWARD = "p'w\"d:@/?%41 \\"


@pytest.fixture
async def place():
    """Yield an administrator's connection, a database of the test's own and a role that does not exist yet."""
    need("PostgreSQL", 5432)
    database, role = database_name(), f'holdfast test "{uuid.uuid4().hex[:8]}'
    admin = await asyncpg.connect(f"{POSTGRES}/postgres")
    quoted = '"' + role.replace('"', '""') + '"'
    try:
        await admin.execute(f"CREATE DATABASE {database}")
        yield admin, database, role
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        await admin.execute(f"DROP ROLE IF EXISTS {quoted}")
        await admin.close()


async def test_the_role_is_made_once_and_is_restricted(run, place):
    admin, database, role = place
    as_role = {
        "DB_HOST": "127.0.0.1",
        "DB_NAME": database,
        "DB_USER": role,
        "DB_PASSWORD": AWKWARD,
        "MIGRATION_DATABASE_URL": f"{POSTGRES}/{database}",
    }
    made = run("migrate", "--create-role", **as_role)
    assert made.returncode == 0, made.stderr
    assert f"role {role} made" in made.stdout
    assert AWKWARD not in made.stdout + made.stderr
    row = await admin.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", role)
    assert row["rolcanlogin"]
    assert not any(row[right] for right in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolinherit"))
    assert f"role {role} is there" in run("migrate", "--create-role", **as_role).stdout
    assert run("doctor", **as_role).returncode == 0


async def test_a_role_above_the_tenants_lock_is_found(run, place):
    _, database, _ = place
    as_owner = {"DATABASE_URL": f"{POSTGRES}/{database}"}
    assert "MIGRATION_DATABASE_URL" in refused(run("migrate", "--create-role", **as_owner))
    assert run("migrate", **as_owner).returncode == 0
    sick = run("doctor", **as_owner)
    assert sick.returncode == 1
    assert "is a superuser" in sick.stdout
    production = {**as_owner, "ENVIRONMENT": "production", "SECRET_KEY": SECRET, "MASTER_KEY": MASTER}
    assert "superuser" in refused(run("serve", "--port", "0", **production))


def test_the_owner_and_a_role_past_row_level_security_are_found_and_refused_by_name(here, database):
    name, role = database
    address = f"postgresql://{role}@127.0.0.1:5432/{name}"
    owner = f"{POSTGRES}/{name}"
    production = {"ENVIRONMENT": "production", "SECRET_KEY": SECRET, "MASTER_KEY": MASTER, "DATABASE_URL": address}
    assert here("migrate", DATABASE_URL=address, MIGRATION_DATABASE_URL=owner).returncode == 0
    assert here("doctor", DATABASE_URL=address, MIGRATION_DATABASE_URL=owner).returncode == 0
    for way, back, reason in (
        (f"ALTER ROLE {role} BYPASSRLS", f"ALTER ROLE {role} NOBYPASSRLS", "has BYPASSRLS"),
        (f"GRANT postgres TO {role}", f"REVOKE postgres FROM {role}", "owns the tables"),
    ):
        on_postgresql(way)
        sick = here("doctor", DATABASE_URL=address, MIGRATION_DATABASE_URL=owner)
        assert sick.returncode == 1
        assert f"DATABASE_URL: the role {role} {reason}." in sick.stdout
        line = refused(here("serve", "--port", "0", **production, MIGRATION_DATABASE_URL=owner))
        assert f"DATABASE_URL: the role {role} {reason}." in line
        on_postgresql(back)
    assert here("doctor", DATABASE_URL=address, MIGRATION_DATABASE_URL=owner).returncode == 0


def test_production_refuses_the_owner_before_it_migrates(here, database):
    name, role = database
    on_postgresql(f"ALTER DATABASE {name} OWNER TO {role}")
    as_owner = {"DATABASE_URL": f"postgresql://{role}@127.0.0.1:5432/{name}"}
    production = {**as_owner, "ENVIRONMENT": "production", "SECRET_KEY": SECRET, "MASTER_KEY": MASTER}
    assert "MIGRATION_DATABASE_URL" in refused(here("serve", "--port", "0", **production))
    assert "at nothing" in here("migrate", "--check", **as_owner).stdout
    assert here("migrate", **as_owner).returncode == 0
    assert f"the role {role} owns the tables" in refused(here("serve", "--port", "0", **production))


@pytest.mark.parametrize(("port", "found"), [(1, "wrong"), (6379, "ok")])
def test_the_doctor_tries_redis(here, port, found):
    if found == "ok":
        need("Redis", port)
    assert here("migrate").returncode == 0
    sick = here("doctor", REDIS_URL=f"redis://127.0.0.1:{port}/0")
    assert re.search(f"^{found} +redis ", sick.stdout, re.MULTILINE), sick.stdout
    assert sick.returncode == (found == "wrong")


def test_the_doctor_goes_on_where_the_database_refuses_to_answer(here):
    need("MariaDB", 3306)
    sick = here("doctor", DATABASE_URL=f"{MARIADB}/information_schema")
    assert re.search("wrong +migrations, triggers +The database refuses: Unknown table", sick.stdout), sick.stderr
    assert re.search("wrong +role ", sick.stdout)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_the_doctor_finds_a_clock_that_differs_from_the_database_s(here, monkeypatch, database, kind):
    address = f"{POSTGRES}/{database[0]}"
    if kind == "mysql":
        need("MariaDB", 3306)
        address = f"{MARIADB}/mysql"
    assert re.search(r"ok +clock +[+-]0\.\d+ s", here("doctor", DATABASE_URL=address).stdout)
    for seconds, said in ((-60, "+60."), (60, "-")):
        monkeypatch.setattr(doctor, "system_clock", lambda ahead=seconds: datetime.now(UTC) + timedelta(seconds=ahead))
        sick = here("doctor", DATABASE_URL=address)
        assert re.search(rf"wrong +clock +The database's clock is {re.escape(said)}", sick.stdout), sick.stdout
