"""`holdfast keys`: the keys that seal what the database keeps but must not read."""

import asyncio
from collections import Counter
from typing import Annotated

import typer

from holdfast.cli.terminal import installation, say, show
from holdfast.core.identity.public import ListedKey, Rotated, list_keys, rotate_keys
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.crypto import encode, new_secret
from holdfast.kernel.errors import ConfigurationError, NotFound
from holdfast.kernel.keys import MasterKeyMissing, Masters
from holdfast.kernel.keys.masters import make_file, put_new_first
from holdfast.kernel.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Make, list and change the keys that seal second factors, messages and other secrets."""


@app.command("init")
def init() -> None:
    """Make HOLDFAST_HOME/master_keys with a first master key; one that is there is left alone.

    Example: holdfast keys init
    """
    settings = Settings()
    if settings.master_key:
        raise ConfigurationError("MASTER_KEY is given: its keys are in use, a file would not be read.")
    masters = make_file(settings.holdfast_home)
    say(f"master key {masters.current} is in {masters.file}")
    say("Keep a copy apart from the backups of the database: without it nothing that it sealed can be opened.")


@app.command("new")
def new() -> None:
    """Print a new master key for MASTER_KEY; nothing is stored.

    Example: holdfast keys new
    """
    say(encode(new_secret()))


@app.command("list")
def list_all() -> None:
    """List the master keys, and each organisation's keys with the master key that wraps them.

    Example: holdfast keys list
    """
    masters, keys = asyncio.run(_list())
    wrapped = Counter(each.master_id for each in keys)
    unknown = [master_id for master_id in wrapped if master_id not in masters.ids]
    rows = [(each, "in use" if each == masters.current else "opens", str(wrapped[each])) for each in masters.ids]
    show(("MASTER KEY", "", "KEYS WRAPPED"), [*rows, *((each, "missing", str(wrapped[each])) for each in unknown)])
    show(
        ("ORGANISATION", "KEY", "MASTER KEY", "MADE"),
        [(each.organization, str(each.number), each.master_id, rfc3339(each.created_at)) for each in keys],
    )


@app.command("rotate")
def rotate(
    *,
    data: Annotated[bool, typer.Option("--data", help="New keys for the organisations, and all sealed anew.")] = False,
    slug: Annotated[str | None, typer.Option(help="With --data: handle of one organisation.")] = None,
) -> None:
    """Put a new master key before the others and wrap every organisation's key by it; servers may run on.

    One that was stopped is gone on with. Where MASTER_KEY is given, put the new key first there and start the servers
    again before. With --data the organisations' keys are followed by new ones instead.

    Example: holdfast keys rotate
    """
    if slug is not None and not data:
        raise ConfigurationError("--slug goes with --data: a master key is one for all.")
    done = asyncio.run(_rotate(slug, data=data))
    show(
        ("ORGANISATION", "KEYS WRAPPED", "VALUES SEALED ANEW"),
        [(each.organization, str(each.wrapped), str(each.resealed)) for each in done],
    )


async def _list() -> tuple[Masters, list[ListedKey]]:
    async with installation() as home:
        return home.works.masters, await list_keys(home.works)


async def _rotate(slug: str | None, *, data: bool) -> list[Rotated]:
    async with installation() as home:
        masters = home.works.masters
        if not data:
            waiting = any(each.master_id != masters.current for each in await list_keys(home.works))
            if not waiting and masters.file is None:
                raise ConfigurationError("MASTER_KEY: put a new key, as holdfast keys new prints it, first.")
            if not waiting and masters.file is not None:
                put_new_first(masters.file)
                masters.reload()
                say(f"master key {masters.current} is in use; keep a copy of {masters.file}")
        try:
            return [each async for each in rotate_keys(home.works, data=data, slug=slug)]
        except (NotFound, MasterKeyMissing) as error:
            raise ConfigurationError(getattr(error, "detail", None) or str(error)) from error
