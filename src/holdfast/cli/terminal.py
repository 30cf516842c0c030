"""What every command shares: an installation to work on, and ways to show things."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from holdfast.core.identity.public import GONE, find_tenant
from holdfast.kernel.engines import address_fault, database_error, said_by
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.kernel.telemetry import configure_logging
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.main import Installation, open_installation
from holdfast.migrations import run


@asynccontextmanager
async def installation(*, current: bool = True) -> AsyncIterator[Installation]:
    """Open the installation of the environment for one command; `current` refuses a database of another version."""
    settings = quiet(Settings())
    if current:
        faults = await run.pending(settings)
        if faults:
            raise ConfigurationError(f"The database is not at this version ({faults[0]}); run: holdfast migrate")
    home = open_installation(settings)
    try:
        yield home
    finally:
        await home.close()


def quiet(settings: Settings) -> Settings:
    """Send warnings to standard error and drop lesser log lines, so that standard output holds the answer alone."""
    configure_logging(settings.model_copy(update={"log_level": "WARNING"}), write=_standard_error)
    return settings


async def tenant_of(home: Installation, slug: str, *, gone: bool = False) -> UUID:
    """Return the tenant of an organisation; raise ConfigurationError where there is none of that handle.

    One whose data were removed is refused too, unless `gone` says that its trail is enough.
    """
    async with home.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        tenant = await find_tenant(work, slug=slug)
    if tenant is None:
        raise ConfigurationError(f"There is no organisation {slug!r}.")
    if tenant.status in GONE and not gone:
        raise ConfigurationError(f"The organisation {slug!r} is {tenant.status}: its data are not there any more.")
    return tenant.id


def trouble_of(error: Exception) -> str | None:
    """Return what to tell of an error of ours or of the database, None where it is neither."""
    if isinstance(error, ConfigurationError):
        return error.detail
    if fault := address_fault(error):
        return f"DATABASE_URL: {fault}"
    if known := database_error(error):
        return known.detail
    return f"The database refuses: {said_by(error)}" if isinstance(error, DBAPIError) else None


def complain(error: Exception) -> int:
    """Write what went wrong as one line on standard error, and return the exit code."""
    message, code = _explained(error)
    if message:  # help that was shown for want of a command has none
        sys.stderr.write(f"holdfast: {' '.join(message.split())}\n")
    return code


def _explained(error: Exception) -> tuple[str, int]:
    """Return what to tell of an error, and the exit code."""
    match error:
        case typer.Abort():
            return "interrupted", 130
        case typer.TyperException():
            return str(getattr(error, "format_message", error.__str__)()), 2
        case ValidationError():
            return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()), 1
        case OSError(filename=str() | Path() as name):
            return f"{name}: {error.strerror}", 1
    return trouble_of(error) or f"{type(error).__name__}: {error}", 1


def say(text: str) -> None:
    """Write a line of the answer."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()  # a server goes on for long, and its reader may be a pipe


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table: wrapped to the terminal, or one line a row where the output is piped."""
    if sys.stdout.isatty():
        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*map(escape, row))
        Console(highlight=False).print(table)
        return
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _standard_error(line: bytes) -> None:
    if b"database.unreachable" in line:
        return  # the command itself ends with that
    sys.stderr.buffer.write(line)
    sys.stderr.buffer.flush()
