"""The restricted account on MariaDB: made by command, judged by the doctor, and required in production."""

import uuid

import asyncmy
import pytest
from command_line import refused

from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.settings import Settings
from holdfast.main import open_installation, prepare
from holdfast.migrations import run as migrations
from support import MASTER, database_name, need

pytestmark = pytest.mark.service
SECRET = "kW9-vR2xQ7_mT4bZ8nL5cJ1hF6gD3sA0pYuE"
AWKWARD = "p'w\"d:@/?%41 \\ %s"


class Place:
    """An administrator's connection, a database with an owner, and the name of an account that does not exist yet."""

    def __init__(self, admin: asyncmy.Connection) -> None:
        self.admin = admin
        self.database = database_name()
        self.account = f"holdfast 't` {uuid.uuid4().hex[:8]}"
        self.role = f"{self.database}_role"
        self.owner = f"{self.database}_owner"
        self.owner_url = f"mysql://{self.owner}@127.0.0.1:3306/{self.database}"

    async def make(self) -> None:
        """Do what docs/start/production.md asks of the server's administrator."""
        await self.ask(f"CREATE DATABASE {self.database}")
        await self.ask(f"CREATE USER {self.owner}")
        await self.ask(f"GRANT ALL PRIVILEGES ON {self.database}.* TO {self.owner} WITH GRANT OPTION")
        await self.ask(f"GRANT CREATE USER ON *.* TO {self.owner}")

    async def drop(self) -> None:
        await self.ask(f"DROP DATABASE IF EXISTS {self.database}")
        await self.ask(f"DROP USER IF EXISTS {self.owner}, %s@'%%'", self.account)
        await self.ask(f"DROP ROLE IF EXISTS {self.role}")

    @property
    def variables(self) -> dict[str, str]:
        return {
            "DB_TYPE": "mariadb",
            "DB_HOST": "127.0.0.1",
            "DB_NAME": self.database,
            "DB_USER": self.account,
            "DB_PASSWORD": AWKWARD,
            "MIGRATION_DATABASE_URL": self.owner_url,
        }

    async def ask(self, statement: str, *values: str) -> list[str]:
        async with self.admin.cursor() as cursor:
            await cursor.execute(statement, values)
            return [row[0] for row in await cursor.fetchall()]


@pytest.fixture
async def place():
    need("MariaDB", 3306)
    admin = await asyncmy.connect(host="127.0.0.1", port=3306, user="root", autocommit=True)
    made = Place(admin)
    try:
        await made.make()
        yield made
    finally:
        await made.drop()
        await admin.ensure_closed()


async def denied(connection: asyncmy.Connection, statement: str) -> bool:
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(statement)
    except asyncmy.errors.OperationalError as error:
        return "denied" in str(error)
    return False


async def test_the_account_is_made_once_and_reads_and_writes_rows_only(run, place):
    made = run("migrate", "--create-role", **place.variables)
    assert made.returncode == 0, made.stderr
    assert f"role {place.account} made" in made.stdout
    assert AWKWARD not in made.stdout + made.stderr
    # What a new table needs is granted whenever the schema is brought up to date.
    await place.ask(f"REVOKE ALL PRIVILEGES ON {place.database}.company FROM %s@'%%'", place.account)
    assert f"role {place.account} is there" in run("migrate", "--create-role", **place.variables).stdout
    examined = run("doctor", **place.variables)
    assert examined.returncode == 0, examined.stdout

    granted = await place.ask("SHOW GRANTS FOR %s@'%%'", place.account)
    name = place.account.replace("`", "``")
    rest = f"TO `{name}`@`%`"
    assert f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{place.database}`.`company` {rest}" in granted
    assert f"GRANT SELECT, INSERT ON `{place.database}`.`audit_entry` {rest}" in granted
    assert f"GRANT SELECT ON `{place.database}`.`alembic_version` {rest}" in granted

    as_account = {"user": place.account, "password": AWKWARD, "db": place.database}
    connection = await asyncmy.connect(host="127.0.0.1", port=3306, autocommit=True, **as_account)
    for statement in (
        "TRUNCATE TABLE audit_entry",
        "UPDATE audit_entry SET action = action",
        "DELETE FROM audit_part",
        "DROP TRIGGER audit_entry_no_update",
        "ALTER TABLE audit_entry DROP COLUMN core",
        "RENAME TABLE audit_entry TO elsewhere",
        "DROP TABLE company",
        "TRUNCATE TABLE company",
    ):
        assert await denied(connection, statement), statement
    await connection.ensure_closed()


async def test_an_account_that_is_not_there_is_named_and_not_made(run, place):
    line = refused(run("migrate", **place.variables))
    assert "DATABASE_URL" in line
    assert "--create-role" in line
    assert await place.ask("SELECT user FROM mysql.user WHERE user = %s", place.account) == []
    no_password = {name: value for name, value in place.variables.items() if name != "DB_PASSWORD"}
    assert "password" in refused(run("migrate", "--create-role", **no_password))
    assert await place.ask("SELECT user FROM mysql.user WHERE user = %s", place.account) == []


async def test_the_owner_is_found_and_refused_in_production(run, place):
    as_owner = {"DATABASE_URL": place.owner_url}
    assert "MIGRATION_DATABASE_URL" in refused(run("migrate", "--create-role", **as_owner))
    assert run("migrate", **as_owner).returncode == 0
    sick = run("doctor", **as_owner)
    assert sick.returncode == 1
    assert f"REVOKE ALL PRIVILEGES ON `{place.database}`.* FROM `{place.owner}`@`%`" in sick.stdout
    assert f"REVOKE CREATE USER ON *.* FROM `{place.owner}`@`%`" in sick.stdout
    production = {**as_owner, "ENVIRONMENT": "production", "SECRET_KEY": SECRET, "MASTER_KEY": MASTER}
    assert "ALL PRIVILEGES" in refused(run("serve", "--port", "0", **production))


async def test_each_way_past_the_triggers_is_refused_in_production(place, tmp_path, monkeypatch):
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)
    settings = Settings(
        environment="production", secret_key=SECRET, master_key=MASTER, holdfast_home=tmp_path, _env_file=None
    )
    await place.ask("CREATE USER %s@'%%' IDENTIFIED BY %s", place.account, AWKWARD)
    await migrations.upgrade(settings)
    home = open_installation(settings)
    try:
        await prepare(home)
        account = "%s@'%%'"
        pattern = place.database.replace("_", "\\_")[:-1] + "_"
        for right, on, to in (
            ("ALL PRIVILEGES", f"{place.database}.*", account),
            ("DROP", f"`{pattern}`.*", account),
            ("TRIGGER", f"{place.database}.audit_entry", account),
            ("ALTER", f"{place.database}.audit_part", account),
            ("SUPER", "*.*", account),
            ("DROP", f"{place.database}.*", place.role),
        ):
            values = [place.account] if to == account else []
            if to == place.role:
                await place.ask(f"CREATE ROLE {place.role}")
                await place.ask(f"GRANT {place.role} TO {account}", place.account)
            escaped = on.replace("%", "%%")
            await place.ask(f"GRANT {right} ON {escaped} TO {to}", *values)
            with pytest.raises(ConfigurationError, match="REVOKE") as caught:
                await prepare(home)
            statement = str(caught.value).partition("REVOKE ")[2].rstrip(".").replace("%", "%%")
            assert place.role in statement if to == place.role else right in statement
            await place.ask(f"REVOKE {statement}")
            await prepare(home)
    finally:
        await home.close()


async def test_the_owner_s_address_is_not_needed_once_it_is_migrated(run, place):
    assert run("migrate", "--create-role", **place.variables).returncode == 0
    alone = {name: value for name, value in place.variables.items() if name != "MIGRATION_DATABASE_URL"}
    examined = run("doctor", **alone)
    assert examined.returncode == 0, examined.stdout
    await place.ask(f"DROP TRIGGER {place.database}.audit_part_no_delete")
    assert "audit_part_no_delete" in run("migrate", "--check", **alone).stdout
