"""Alembic's entry: the same chain for `holdfast migrate`, the start of the server and plain `alembic upgrade head`."""

import asyncio
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection
from sqlalchemy.types import TypeEngine

from holdfast.kernel import db
from holdfast.kernel.keys import Encrypted
from holdfast.kernel.plugins import installed_apps
from holdfast.kernel.settings import Settings
from holdfast.migrations.protection import protect
from holdfast.migrations.run import grantee, load_models, on_connection, own_tables


def _render(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types as they are spelled in a migration."""
    if kind == "type" and isinstance(item, Encrypted):
        item = db.Bytes(item.length)
    if kind != "type" or not isinstance(item, TypeEngine) or type(item).__module__ != db.__name__:
        return False
    autogen.imports.add("from holdfast.kernel import db")
    if isinstance(item, db.Choice):
        return "db.Str(20)"
    length = getattr(item, "length", None)
    return f"db.{type(item).__name__}({'' if length is None else length})"


def _include(_item: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    return kind != "table" or name in own_tables()


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.Base.metadata,
        render_item=_render,
        include_object=_include,
        compare_type=True,
        transaction_per_migration=False,
        version_table=context.config.attributes.get("version_table", "alembic_version"),
    )
    with context.begin_transaction():
        context.run_migrations()


async def _migrate_and_protect(settings: Settings) -> None:
    """Do for plain `alembic` what `holdfast migrate` does: the protection goes with the tables."""
    role = await grantee(settings)

    def act(connection: Connection) -> None:
        _migrate(connection)
        protect(connection, role=role)

    await on_connection(settings, act)


load_models(installed_apps())
if context.is_offline_mode():
    raise SystemExit("Holdfast's migrations need a connection: the --sql mode is not supported.")
given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    context.config.attributes["settings"] = Settings()
    asyncio.run(_migrate_and_protect(context.config.attributes["settings"]))
