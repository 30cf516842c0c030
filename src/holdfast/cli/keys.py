"""`holdfast keys`: the keys that seal what the database keeps but must not read."""

import asyncio
from collections import Counter
from typing import Annotated

import typer

from holdfast.cli.jobs import progress_of
from holdfast.cli.terminal import installation, say, show
from holdfast.core.identity.public import ListedKey, Rotated, list_keys, rotate_keys
from holdfast.core.jobs.public import read_job
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.crypto import encode, new_secret
from holdfast.kernel.errors import ConfigurationError, NotFound
from holdfast.kernel.keys import MasterKeyMissing, Masters
from holdfast.kernel.keys.masters import make_file, put_new_first
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import Installation

WAIT_SECONDS = 0.2

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
    wait: Annotated[bool, typer.Option("--wait", help="With --data: work on jobs here until all is sealed.")] = False,
) -> int:
    """Put a new master key before the others and wrap every organisation's key by it; servers may run on.

    One that was stopped is gone on with. Where MASTER_KEY is given, put the new key first there and start the servers
    again before. With --data the organisations' keys are followed by new ones instead, and a job of each organisation
    seals everything anew, which holdfast jobs list shows.

    Example: holdfast keys rotate
    """
    if (slug is not None or wait) and not data:
        raise ConfigurationError("--slug and --wait go with --data: a master key is one for all.")
    done = asyncio.run(_rotate(slug, data=data, wait=wait))
    show(
        ("ORGANISATION", "KEYS WRAPPED", "JOB", "", "VALUES SEALED ANEW"),
        [(each.organization, str(each.wrapped), str(each.job_id or ""), *told) for each, told in done],
    )
    return 1 if any(told[0] in ("failed", "cancelled") for _, told in done) else 0


async def _list() -> tuple[Masters, list[ListedKey]]:
    async with installation() as home:
        return home.works.masters, await list_keys(home.works)


async def _rotate(slug: str | None, *, data: bool, wait: bool) -> list[tuple[Rotated, tuple[str, str]]]:
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
            done = [each async for each in rotate_keys(home.works, data=data, slug=slug)]
        except (NotFound, MasterKeyMissing) as error:
            raise ConfigurationError(getattr(error, "detail", None) or str(error)) from error
        if not wait:
            return [(each, await _progress(home, each)) for each in done]
        engine = home.engine()
        engine.start()
        try:
            return [(each, await _finished(home, each)) for each in done]
        finally:
            await engine.stop(home.settings.shutdown_seconds)


async def _finished(home: Installation, rotated: Rotated) -> tuple[str, str]:
    while True:
        told = await _progress(home, rotated)
        if told[0] not in ("ready", "running"):
            return told
        await asyncio.sleep(WAIT_SECONDS)


async def _progress(home: Installation, rotated: Rotated) -> tuple[str, str]:
    """Return the state of an organisation's job, and how many values it has sealed anew of how many."""
    if rotated.job_id is None:
        return "", ""
    async with home.works.begin(rotated.tenant_id, SYSTEM, write=False) as work:
        job = await read_job(work, job_id=rotated.job_id)
    return job.state.value, progress_of(job.progress_done, job.progress_total)
