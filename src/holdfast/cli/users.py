"""`holdfast users`: accounts of an organisation."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.terminal import installation, say, show, tenant_of
from holdfast.core.identity.public import UsersImportReport, import_users_file, reset_second_factor, unlock_user
from holdfast.kernel.errors import ConfigurationError, Conflict, Invalid, NotFound

app = typer.Typer(no_args_is_help=True)
Organization = Annotated[str, typer.Option(help="Handle of the organisation.")]


@app.callback()
def _group() -> None:
    """Bring accounts in, and let people in again."""


@app.command("import")
def import_users(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The first line names the columns.")],
    *,
    organization: Organization,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen.")] = False,
) -> int:
    """Import users with the hashes of their passwords: all of them or, where anything is wrong, none.

    Example: holdfast users import accounts.csv --organization techstart --dry-run
    """
    try:
        report = asyncio.run(_import(file.name, file.read_bytes(), organization, dry_run=dry_run))
    except Invalid as refused:
        show(("WHERE", "WHAT", "WHY"), [(each.location, each.code, each.message) for each in refused.errors])
        raise
    if report.errors:
        show(("LINE", "COLUMN", "WHY"), [(str(each.line), each.column or "", each.message) for each in report.errors])
    done = "would be imported" if dry_run else "imported"
    imported = report.rows if dry_run and not report.error_count else report.imported
    say(f"{report.rows} rows, {report.error_count} faults, {imported} users {done}")
    return 1 if report.error_count else 0


@app.command("unlock")
def unlock(
    email: Annotated[str, typer.Argument(help="Address or user name of the account.")], *, organization: Organization
) -> None:
    """Let somebody in again whose account was locked by wrong passwords.

    Example: holdfast users unlock ada@example.org --organization example
    """
    was_locked = asyncio.run(_unlock(email, organization))
    say(f"{email} can sign in again" if was_locked else f"{email} was not locked")


@app.command("reset-mfa")
def reset_mfa(
    email: Annotated[str, typer.Argument(help="Address or user name of the account.")], *, organization: Organization
) -> None:
    """Remove the second factor of somebody who lost it; they are told, and enrol another one.

    Example: holdfast users reset-mfa ada@example.org --organization example
    """
    asyncio.run(_reset(email, organization))
    say(f"{email} has no second factor any more")


async def _import(name: str, content: bytes, organization: str, *, dry_run: bool) -> UsersImportReport:
    async with installation() as home:
        tenant_id = await tenant_of(home, organization)
        return await import_users_file(
            home.works, tenant_id=tenant_id, content=content, file_name=name, dry_run=dry_run
        )


async def _unlock(email: str, organization: str) -> bool:
    async with installation() as home:
        tenant_id = await tenant_of(home, organization)
        try:
            return await unlock_user(home.works, tenant_id=tenant_id, email=email)
        except NotFound as error:
            raise ConfigurationError(error.detail) from None


async def _reset(email: str, organization: str) -> None:
    async with installation() as home:
        tenant_id = await tenant_of(home, organization)
        try:
            await reset_second_factor(home.works, tenant_id=tenant_id, email=email)
        except (NotFound, Conflict) as error:
            raise ConfigurationError(error.detail) from None
