"""`holdfast organizations`: the organisations of the installation."""

import asyncio
from typing import Annotated

import typer

from holdfast.cli.terminal import installation, say, show
from holdfast.core.identity.public import ListedOrganization, Purged, list_all_organizations, purge_due
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.errors import ConfigurationError, Conflict, NotFound

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """See the organisations, and remove those that were deleted."""


@app.command("list")
def list_organizations() -> None:
    """List every organisation, and from when on the data of a deleted one may be removed.

    Example: holdfast organizations list
    """
    found = asyncio.run(_all())
    columns = ("ORGANISATION", "STATUS", "CREATED", "DELETE AFTER")
    show(columns, [(e.slug, e.status, rfc3339(e.created_at), _moment(e)) for e in found])


@app.command("purge")
def purge(
    *,
    slug: Annotated[
        str | None, typer.Option(help="Handle of one organisation; all that are due where left out.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be removed.")] = False,
) -> int:
    """Remove for good the data of organisations that were deleted and whose waiting time is over; their trails stay.

    Run it daily. It can be stopped and run again at any time.

    Example: holdfast organizations purge --dry-run
    """
    seen = asyncio.run(_purge(slug, dry_run=dry_run))
    count, what = len([each for each in seen if each.fault is None]), "would be removed" if dry_run else "removed"
    say(f"{count} {'organisation' if count == 1 else 'organisations'} {what}")
    return 0 if count == len(seen) else 1


async def _all() -> list[ListedOrganization]:
    async with installation() as home:
        return await list_all_organizations(home.works)


async def _purge(slug: str | None, *, dry_run: bool) -> list[Purged]:
    seen: list[Purged] = []
    async with installation() as home:
        try:
            async for each in purge_due(home.works, slug=slug, dry_run=dry_run):
                _tell(each)
                seen.append(each)
        except (NotFound, Conflict) as error:
            raise ConfigurationError(f"{slug}: {error.detail}" if slug else error.detail) from None
    return seen


def _tell(purged: Purged) -> None:
    show(("TABLE", "ROWS"), [(name, str(number)) for name, number in sorted(purged.rows.items())])
    stopped = f"; the rest cannot be removed: {purged.fault}" if purged.fault else ""
    say(f"{purged.slug}: {sum(purged.rows.values())} rows{stopped}")


def _moment(listed: ListedOrganization) -> str:
    return "" if listed.delete_after is None else rfc3339(listed.delete_after)
