"""What is wrong with a database's address is one line: the setting, what the server said, what to do."""

import asyncio

import asyncmy
import asyncpg
import pytest
from command_line import refused

from support import POSTGRES, database_name, need

pytestmark = pytest.mark.service
PASSWORD = "correct horse battery staple"
INTERNAL = ("sqlalchemy", "sqlalche.me", "SQL:", "Background", "Error:", "errors.", "CREATE TABLE", "GRANT ", "<class")


def clear(result) -> str:
    """Return the line of a refusal, in which nothing of the program's insides may stand."""
    line = refused(result)
    assert [mark for mark in INTERNAL if mark in line] == []
    assert PASSWORD not in line
    return line


def on_mariadb(*statements):
    async def ask():
        connection = await asyncmy.connect(host="127.0.0.1", port=3306, user="root", autocommit=True)
        async with connection.cursor() as cursor:
            for statement in statements:
                await cursor.execute(statement)
        await connection.ensure_closed()

    asyncio.run(ask())


@pytest.fixture
def account():
    """Yield an account of MariaDB with a password, and a database that it may not enter."""
    need("MariaDB", 3306)
    name = database_name()
    on_mariadb(f"CREATE DATABASE {name}", f"CREATE USER {name} IDENTIFIED BY '{PASSWORD}'")
    yield name
    on_mariadb(f"DROP DATABASE {name}", f"DROP USER {name}")


@pytest.mark.parametrize("command", [("migrate",), ("migrate", "--check"), ("serve", "--port", "0")], ids=" ".join)
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://x@127.0.0.1:1/x", "cannot be reached"),
        ("mysql://x@127.0.0.1:1/x", "cannot be reached"),
        ("postgresql://x@nowhere.invalid/x", "cannot be reached"),
        ("sqlite:///junk.db", "no SQLite database"),
    ],
)
def test_an_address_at_which_no_database_is(here, tmp_path, command, address, said):
    (tmp_path / "junk.db").write_bytes(b"not a database" * 100)
    line = clear(here(*command, DATABASE_URL=address))
    assert line.startswith("DATABASE_URL")
    assert said in line


def test_a_file_that_cannot_be_made(here):
    line = clear(here("migrate", DATABASE_URL="sqlite:////proc/none/x.db"))
    assert line.startswith("DATABASE_URL: /proc/none/x.db")
    assert "cannot be written" in line


def test_the_owner_s_address_is_named_as_such(here):
    addresses = {"DATABASE_URL": "postgresql://x@127.0.0.1/x", "MIGRATION_DATABASE_URL": "postgresql://y@127.0.0.1:1/x"}
    assert clear(here("migrate", **addresses)).startswith("MIGRATION_DATABASE_URL: ")


def test_what_postgresql_does_not_let_in(here, database):
    name, role = database
    absent = f"postgresql://{role}@127.0.0.1:5432/{name}_not"
    line = clear(here("migrate", DATABASE_URL=absent))
    assert line.startswith("DATABASE_URL: ")
    assert f"{name}_not" in line
    stranger = f"postgresql://{role}_not@127.0.0.1:5432/{name}"
    line = clear(here("migrate", DATABASE_URL=stranger))
    assert line.startswith("DATABASE_URL: ")
    assert f"{role}_not" in line
    owner = {"MIGRATION_DATABASE_URL": f"{POSTGRES}/{name}"}
    line = clear(here("migrate", DATABASE_URL=stranger, **owner))
    assert line.startswith("DATABASE_URL: ")
    assert "--create-role" in line
    assert here("migrate", **{**owner, "DATABASE_URL": owner["MIGRATION_DATABASE_URL"]}).returncode == 0
    line = clear(here("audit", "entries", "--organization", "x", DATABASE_URL=stranger, **owner))
    assert line.startswith("DATABASE_URL: ")
    assert f"{role}_not" in line
    sick = here("doctor", DATABASE_URL=stranger, **owner)
    assert sick.stderr == ""
    assert f'DATABASE_URL: the server does not let the user in (role "{role}_not"' in sick.stdout


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (asyncpg.InvalidPasswordError('password authentication failed for user "x"'), "does not let the user in"),
        (asyncpg.UndefinedFileError("could not open file"), "The database refuses: could not open file"),
    ],
)
def test_what_a_server_would_say_that_trusts_nobody(here, monkeypatch, error, said):
    async def connect(*_, **__):
        raise error

    monkeypatch.setattr("asyncpg.connect", connect)
    line = clear(here("migrate", DATABASE_URL=f"postgresql://x:{PASSWORD}@127.0.0.1:5432/x"))
    assert said in line
    assert error.args[0] in line


def test_a_role_that_may_not_migrate_is_told_of_the_owner_s_address(here, database):
    name, role = database
    as_role = {"DATABASE_URL": f"postgresql://{role}@127.0.0.1:5432/{name}"}
    for command in (("migrate",), ("serve", "--port", "0")):
        line = clear(here(*command, **as_role))
        assert line.startswith("DATABASE_URL: ")
        assert "MIGRATION_DATABASE_URL" in line


def test_what_mariadb_does_not_let_in(here, account):
    for address, said in (
        (f"mysql://{account}:wrong@127.0.0.1/{account}", "does not let the user in"),
        (f"mysql://{account}:{PASSWORD}@127.0.0.1/{account}", "has no such database, or not for the user"),
        (f"mysql://root@127.0.0.1/{account}_not", "has no such database"),
    ):
        line = clear(here("migrate", DATABASE_URL=address))
        assert line.startswith("DATABASE_URL: ")
        assert said in line
        assert account in line
    on_mariadb(f"GRANT SELECT ON {account}.* TO {account}")
    assert "MIGRATION_DATABASE_URL" in clear(
        here("migrate", DATABASE_URL=f"mysql://{account}:{PASSWORD}@127.0.0.1/{account}")
    )


@pytest.mark.parametrize(
    ("serving", "owner"),
    [
        ("postgresql://a@127.0.0.1:1/one", "postgresql://b@127.0.0.1:1/two"),
        ("postgresql://a@127.0.0.1:1/one", "mysql://b@127.0.0.1:1/one"),
        ("sqlite:///one.db", "sqlite:///two.db"),
    ],
)
def test_two_addresses_of_different_databases_are_refused_before_either_is_touched(here, tmp_path, serving, owner):
    addresses = {"DATABASE_URL": serving, "MIGRATION_DATABASE_URL": owner}
    for command in (("migrate",), ("migrate", "--check"), ("doctor",), ("serve", "--port", "0")):
        line = clear(here(*command, **addresses))
        assert "DATABASE_URL and MIGRATION_DATABASE_URL" in line
    assert list(tmp_path.glob("*.db")) == []
