"""The restricted role that serves requests: neither owner nor above row-level security, insert-only triggers too."""

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from holdfast.kernel.engines import Link, normalise_url
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.settings import Settings
from holdfast.migrations.grants import to_revoke
from holdfast.migrations.run import has_role, on_connection, restricted_role

_EXISTS = 1396


async def create_role(settings: Settings) -> tuple[str, bool]:
    """Make the role that DATABASE_URL names, as the owner; return its name and whether it was made now.

    Raises ConfigurationError where the addresses do not name two users of one database on PostgreSQL or MariaDB.
    """
    serving = normalise_url(settings.database_url)
    if serving.get_backend_name() == "sqlite":
        raise ConfigurationError("--create-role: DATABASE_URL must name a database on PostgreSQL or MariaDB.")
    name = restricted_role(settings)
    if name is None:
        raise ConfigurationError("MIGRATION_DATABASE_URL must name the owner, another user than DATABASE_URL.")
    password = serving.password or ""
    make = _make_role if serving.get_backend_name() == "postgresql" else _make_account
    return name, await on_connection(settings, lambda connection: make(connection, name, password))


def _make_role(connection: Connection, name: str, password: str) -> bool:
    if has_role(connection, name):
        return False
    # The server writes the statement, so that it also quotes what stands in it.
    template = "CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOINHERIT"
    if password:
        template += " PASSWORD %L"
    statement = connection.execute(
        text("SELECT format(:template, CAST(:name AS text), CAST(:password AS text))"),
        {"template": template, "name": name, "password": password},
    ).scalar_one()
    connection.exec_driver_sql(statement)
    return True


def _make_account(connection: Connection, name: str, password: str) -> bool:
    if not password:
        raise ConfigurationError("DATABASE_URL must hold a password: MariaDB lets everyone into an account without.")
    try:
        connection.execute(text("CREATE USER :name@'%' IDENTIFIED BY :password"), {"name": name, "password": password})
    except DBAPIError as error:
        if error.orig is None or error.orig.args[0] != _EXISTS:
            raise
        return False
    return True


async def role_faults(link: Link) -> list[str]:
    """Return why the role of this connection is above the database's own locks, one line each; empty where not."""
    if link.dialect == "sqlite":
        return []
    if link.dialect == "mysql":
        lines = [str(line) for (line,) in await link.fetch("SHOW GRANTS")]
        ((database,),) = await link.fetch("SELECT database()")
        return [
            f"DATABASE_URL: the account can do more than read and write rows: {statement}."
            for statement in to_revoke(lines, database)
        ]
    ((name, superuser, bypasses, owns),) = await link.fetch(
        "SELECT r.rolname, r.rolsuper, r.rolbypassrls, EXISTS (SELECT 1 FROM pg_class c "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') "
        "AND pg_has_role(current_user, c.relowner, 'MEMBER')) "
        "FROM pg_roles r WHERE r.rolname = current_user"
    )
    reasons = ((superuser, "is a superuser"), (bypasses, "has BYPASSRLS"), (owns and not superuser, "owns the tables"))
    return [f"DATABASE_URL: the role {name} {reason}." for given, reason in reasons if given]
