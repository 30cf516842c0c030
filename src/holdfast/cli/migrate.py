"""`holdfast migrate`: the database's schema."""

import asyncio
from typing import Annotated

import typer

from holdfast.cli.terminal import quiet, say
from holdfast.kernel.settings import Settings
from holdfast.migrations import role, run


def migrate(
    *,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when something is missing.")] = False,
    create_role: Annotated[
        bool, typer.Option("--create-role", help="First make the restricted role that DATABASE_URL names.")
    ] = False,
) -> int:
    """Bring the database to the schema of this version.

    Example: MIGRATION_DATABASE_URL=postgresql://owner@db/holdfast holdfast migrate --create-role
    """
    return asyncio.run(_migrate(quiet(Settings()), check=check, create_role=create_role))


async def _migrate(settings: Settings, *, check: bool, create_role: bool) -> int:
    if check:
        faults = await run.pending(settings)
        say("\n".join(faults) if faults else f"at {await run.current(settings)}, nothing is missing")
        return 1 if faults else 0
    if create_role:
        name, made = await role.create_role(settings)
        say(f"role {name} {'made' if made else 'is there'}")
    before = await run.current(settings)
    await run.upgrade(settings)
    after = await run.current(settings)
    say(f"at {after}" if before == after else f"from {before or 'an empty database'} to {after}")
    return 0
