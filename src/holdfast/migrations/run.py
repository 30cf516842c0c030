"""Bringing a database to the schema of this version: one lock, one transaction where the database can."""

import asyncio
import fcntl
import importlib
import importlib.util
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from holdfast.kernel.db import Base
from holdfast.kernel.engines import Database, address_fault, normalise_url
from holdfast.kernel.engines.sqlite import SqliteConnection
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.http.idempotency import IdempotencyKey
from holdfast.kernel.jobs.tables import JobRow, ScheduleRow
from holdfast.kernel.limits.throttle import THROTTLE
from holdfast.kernel.plugins import App, installed_apps
from holdfast.kernel.settings import Settings
from holdfast.migrations.protection import missing, protect

# It would tell of every look at the version table.
logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
log = structlog.get_logger("holdfast")

T = TypeVar("T")
OURS = "holdfast"
ACCESS_DENIED = {1045, 1698}
LOCK = 0x486F6C64  # "Hold": the number of the advisory lock under which only one process migrates


def load_models(apps: Sequence[App]) -> None:
    """Import every app's models, so that the metadata is whole."""
    for app in apps:
        name = f"{app.package}.models"
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)


def own_tables() -> set[str]:
    """Return the names of the tables that our own chain makes; a foreign app's tables have a chain of their own."""
    mapped = {
        mapper.local_table.name  # type: ignore[attr-defined]
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith(f"{OURS}.")
    }
    return mapped | {each.__tablename__ for each in (IdempotencyKey, JobRow, ScheduleRow)} | {THROTTLE.name}


def migration_url(settings: Settings) -> str:
    """Return the address of the schema's owner: `MIGRATION_DATABASE_URL`, else the application's own."""
    return settings.migration_database_url or settings.database_url


def _embedded_file(settings: Settings) -> Path | None:
    """Return the file of an embedded database, None for a server's."""
    address = normalise_url(migration_url(settings))
    return Path(address.database or "") if address.get_backend_name() == "sqlite" else None


def absent_file(settings: Settings) -> Path | None:
    """Return the file of an embedded database that has not been made yet."""
    file = _embedded_file(settings)
    return None if file is None or file.exists() else file


def _owner_setting(settings: Settings) -> str:
    return "MIGRATION_DATABASE_URL" if settings.migration_database_url else "DATABASE_URL"


def restricted_role(settings: Settings) -> str | None:
    """Return the user that serves requests, where it is another than the schema's owner."""
    serving, owner = normalise_url(settings.database_url), normalise_url(migration_url(settings))
    return serving.username if serving.username != owner.username else None


async def grantee(settings: Settings) -> str | None:
    """Return whom the server is to grant what serving needs: the restricted role, on MariaDB as name@host.

    Raises ConfigurationError where MariaDB does not let that user in.
    """
    name = restricted_role(settings)
    address = normalise_url(settings.database_url)
    if name is None or address.get_backend_name() == "postgresql":
        return name
    # Several accounts may have the name, each for other hosts: only the server knows which of them lets us in. An
    # account without any right is let into no database.
    anywhere = address.set(database="").render_as_string(hide_password=False)
    database = Database.open(anywhere, pool_size=1, pool_timeout=30, pool_recycle=0, pool_pre_ping=False)
    try:
        with _named("DATABASE_URL"):
            async with database.engine.connect() as connection:
                return str(await connection.scalar(text("SELECT current_user()")))
    except ConfigurationError as error:
        denied = isinstance(error.__cause__, DBAPIError) and error.__cause__.orig
        if not denied or denied.args[0] not in ACCESS_DENIED:
            raise
        raise _no_role(name) from error
    finally:
        await database.dispose()


def _no_role(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"DATABASE_URL: the server does not let {name} in; holdfast migrate --create-role makes the account."
    )


async def on_connection(settings: Settings, act: Callable[[Connection], T]) -> T:
    """Run a synchronous function on a connection of the schema's owner, under the migration lock, and commit."""
    with _named(_owner_setting(settings)):
        async with _alone_on_file(settings):
            return await _on_connection(settings, act)


@contextmanager
def _named(setting: str) -> Iterator[None]:
    """Raise ConfigurationError naming the setting for an error that comes of the address in it."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        fault = address_fault(error)
        if fault is None:
            raise
        raise ConfigurationError(f"{setting}: {fault}") from error


async def _on_connection(settings: Settings, act: Callable[[Connection], T]) -> T:
    database = Database.open(migration_url(settings), pool_size=1, pool_timeout=30, pool_recycle=0, pool_pre_ping=False)
    try:
        async with database.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                link = (await connection.get_raw_connection()).driver_connection
                assert isinstance(link, SqliteConnection)
                link.suspend_foreign_keys()
            async with _locked(connection):
                result = await connection.run_sync(act)
                await connection.run_sync(_check_foreign_keys)
                # lint: allow commit – a migration is no unit of work
                await connection.commit()
            return result
    finally:
        await database.dispose()


def _check_foreign_keys(connection: Connection) -> None:
    """Raise where a migration of SQLite, which checks no key meanwhile, leaves a row that points at nothing."""
    if connection.dialect.name == "sqlite":
        lost = connection.execute(text("PRAGMA foreign_key_check")).first()
        if lost is not None:
            raise RuntimeError(f"a row of {lost[0]} points at no row of {lost[2]}")


@asynccontextmanager
async def _alone_on_file(settings: Settings) -> AsyncIterator[None]:
    """Hold the lock of an embedded database while it is opened, turned to WAL and migrated; others have their own.

    Two processes that turn a new file to WAL at once do not wait for each other: one of them fails.
    """
    embedded = _embedded_file(settings)
    if embedded is None:
        yield
        return
    with await asyncio.to_thread(_lock_file, Path(f"{embedded}.migrate"), _owner_setting(settings)):
        yield


def _lock_file(path: Path, setting: str) -> BinaryIO:
    """Return the file, locked until it is closed; raise ConfigurationError where it cannot be made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise ConfigurationError(f"{setting}: {path} cannot be written: {error.strerror}.") from error
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


@asynccontextmanager
async def _locked(connection: AsyncConnection) -> AsyncIterator[None]:
    """Hold the lock that lets one process migrate at a time; SQLite's own write lock does on a file."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        yield
    elif dialect == "sqlite":
        yield
    else:
        # The name is one for the whole server, so it carries the database's.
        name = "concat('holdfast ', left(database(), 50))"
        if (await connection.execute(text(f"SELECT get_lock({name}, 120)"))).scalar() != 1:
            raise ConfigurationError("Another process has been migrating the database for two minutes; try again.")
        try:
            yield
        finally:
            await connection.execute(text(f"SELECT release_lock({name})"))


async def upgrade(settings: Settings, apps: Sequence[App] | None = None, *, revision: str = "head") -> None:
    """Bring the schema to `revision` (ours), every app's own chain to its head, and the protection to the models'.

    Raises ConfigurationError for a schema that is not Holdfast's or is of a newer version.
    """
    chosen = installed_apps() if apps is None else apps
    load_models(chosen)
    role = await grantee(settings)

    def act(connection: Connection) -> None:
        refuse_foreign(connection)
        if role is not None and connection.dialect.name == "postgresql" and not has_role(connection, role):
            raise _no_role(role)
        before = _current(connection, None)
        command.upgrade(_config(connection, settings=settings), revision)
        after = _current(connection, None)
        if after != before:
            log.info("database_migrated", before=before, after=after)
        for app in chosen:
            if app.migrations is not None:
                command.upgrade(_config(connection, app), "head")
        protect(connection, role=role)

    await on_connection(settings, act)


def has_role(connection: Connection, name: str) -> bool:
    """Tell whether PostgreSQL knows the role."""
    return connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name}).first() is not None


async def downgrade(settings: Settings, revision: str) -> None:
    """Take our chain back to a revision; for tests and for an operator who must."""
    load_models(installed_apps())
    await on_connection(
        settings, lambda connection: command.downgrade(_config(connection, settings=settings), revision)
    )


async def pending(settings: Settings, apps: Sequence[App] | None = None) -> list[str]:
    """Return what is missing between the database and this version, one line each; empty when it is current."""
    chosen = installed_apps() if apps is None else apps
    load_models(chosen)

    def act(connection: Connection) -> list[str]:
        refuse_foreign(connection)
        faults = []
        for app in (None, *(app for app in chosen if app.migrations is not None)):
            config = _config(connection, app)
            current = _current(connection, app)
            head = ScriptDirectory.from_config(config).get_current_head()
            if current != head:
                faults.append(f"{app.name if app else OURS}: at {current or 'nothing'}, needs {head}")
        return faults or missing(connection)

    return await _look(settings, act)


async def current(settings: Settings) -> str | None:
    """Return the revision that the database is at, None when it is empty."""
    return await _look(settings, lambda connection: _current(connection, None))


async def _look(settings: Settings, act: Callable[[Connection], T]) -> T:
    """Run a function that changes nothing; a file that is not there is not made for it."""
    if absent_file(settings) is None:
        return await on_connection(settings, act)
    with create_engine("sqlite://", poolclass=NullPool).connect() as nothing:
        return act(nothing)


def refuse_foreign(connection: Connection) -> None:
    """Raise ConfigurationError where the schema holds tables of something else, or of a newer Holdfast."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return
    if "alembic_version" not in tables or (tables > {"alembic_version"} and "tenant" not in tables):
        raise ConfigurationError(
            "The database holds tables that are not Holdfast's; give Holdfast a database or schema of its own."
        )
    at = _current(connection, None)
    known = {script.revision for script in ScriptDirectory.from_config(_config(connection)).walk_revisions()}
    if at is not None and at not in known:
        raise ConfigurationError(f"The database is at revision {at}, which this version of Holdfast does not know.")


def _version_table(app: App | None) -> str:
    return "alembic_version" if app is None else f"alembic_version_{app.name}"


def _current(connection: Connection, app: App | None) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": _version_table(app)}).get_current_revision()


def _config(connection: Connection, app: App | None = None, *, settings: Settings | None = None) -> Config:
    here = Path(__file__).parent
    config = Config()
    config.set_main_option("script_location", str(here))
    if app is not None and app.migrations is not None:
        package = importlib.import_module(app.migrations)
        config.set_main_option("version_locations", str(Path(str(package.__file__)).parent))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    config.attributes["settings"] = settings
    config.attributes["version_table"] = _version_table(app)
    return config
