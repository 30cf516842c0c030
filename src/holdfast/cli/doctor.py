"""`holdfast doctor`: what is wrong with this installation, before its users find it."""

import asyncio
import os
import stat
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from holdfast.cli.terminal import quiet, show, trouble_of
from holdfast.core.files.public import (
    Examined,
    examine_antivirus,
    examine_extraction,
    examine_reading,
    examine_storage,
)
from holdfast.core.identity.public import list_keys
from holdfast.kernel.clock import system_clock
from holdfast.kernel.engines import Link
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.keys import KeysEnded
from holdfast.kernel.limits.throttle import REDIS_TIMEOUT
from holdfast.kernel.settings import Settings, refusals
from holdfast.main import Installation, open_installation, refuse_lost_keys
from holdfast.migrations import role, run

SKEW_SECONDS = 5.0
_DATABASE_CLOCK = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8",
    "mysql": "SELECT CAST(unix_timestamp(sysdate(6)) AS DOUBLE)",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found: nothing is sound."""

    subject: str
    faults: list[str]
    note: str = ""


T = TypeVar("T")
Examine = Callable[[Installation], Awaitable[Finding]]


def doctor() -> int:
    """Examine settings, secrets, database, keys, clock, Redis, and all that files need; fail on a fault.

    Example: holdfast doctor
    """
    findings = asyncio.run(_examine(quiet(Settings())))
    show(
        ("", "SUBJECT", "FINDING"),
        [("wrong" if each.faults else "ok", each.subject, " ".join(each.faults) or each.note) for each in findings],
    )
    return 1 if any(each.faults for each in findings) else 0


async def _examine(settings: Settings) -> list[Finding]:
    return [finding async for finding in _findings(settings)]


async def _findings(settings: Settings) -> AsyncIterator[Finding]:
    yield Finding("settings", refusals(settings), settings.environment)
    yield Finding("secrets", list(_secret_faults(settings)), "private")
    home = open_installation(settings)
    try:
        for subject, examine in _EXAMINATIONS.items():
            try:
                finding = await examine(home)
            except (HoldfastError, DBAPIError, OSError) as error:
                finding = Finding(subject, [trouble_of(error) or str(error)])
            yield finding
            if subject == "database" and finding.faults:
                return
    finally:
        await home.close()


def _secret_faults(settings: Settings) -> list[str]:
    faults = []
    for path, folder in ((settings.holdfast_home, True), (settings.holdfast_home / "secret_key", False)):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & (0o022 if folder else 0o077):
            faults.append(f"{path} is open to others: chmod {'go-w' if folder else '600'} {path}.")
    if settings.holdfast_home.exists() and not os.access(settings.holdfast_home, os.W_OK):
        faults.append(f"HOLDFAST_HOME {settings.holdfast_home} cannot be written.")
    return faults


async def _database(home: Installation) -> Finding:
    if absent := run.absent_file(home.settings):
        return Finding("database", [f"DATABASE_URL: there is no file {absent}; holdfast migrate makes it."])
    await _with_link(home, lambda link: link.fetch("SELECT 1"))
    return Finding("database", [], home.database.dialect)


async def _migrations(home: Installation) -> Finding:
    faults = await run.pending(home.settings, home.apps)
    return Finding("migrations, triggers", [f"{fault}." for fault in faults], await run.current(home.settings) or "")


async def _keys(home: Installation) -> Finding:
    masters = home.works.masters
    wrapped = Counter(each.master_id for each in await list_keys(home.works))
    faults = [
        f"Master key {each} is not in {masters.file or 'MASTER_KEY'}, but wraps the keys of {count} organisations: put "
        f"it there as it is on the host where holdfast keys rotate ran; all hosts need the same."
        for each, count in wrapped.items()
        if each not in masters.ids
    ]
    if faults:
        return Finding("keys", faults)
    try:
        await refuse_lost_keys(home)
    except KeysEnded:
        return Finding("keys", [], "none yet")
    earlier = wrapped.total() - wrapped[masters.current]
    note = f", {earlier} organisations are still wrapped by earlier ones: holdfast keys rotate" if earlier else ""
    return Finding("keys", [], f"master key {masters.current}{note}")


async def _role(home: Installation) -> Finding:
    return Finding("role", await _with_link(home, role.role_faults), "restricted")


async def _clock(home: Installation) -> Finding:
    statement = _DATABASE_CLOCK.get(home.database.dialect)
    if statement is None:
        return Finding("clock", [], "one machine")
    ((there,),) = await _with_link(home, lambda link: link.fetch(statement))
    skew = float(there) - system_clock().timestamp()
    if abs(skew) > SKEW_SECONDS:
        return Finding("clock", [f"The database's clock is {skew:+.1f} s from this machine's."])
    return Finding("clock", [], f"{skew:+.3f} s")


async def _redis(home: Installation) -> Finding:
    if not home.settings.redis_url:
        return Finding("redis", [], "not used")
    from redis.asyncio import Redis  # noqa: PLC0415 - an extra, without which the installation is not opened
    from redis.exceptions import RedisError  # noqa: PLC0415

    client = Redis.from_url(home.settings.redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return Finding("redis", [f"REDIS_URL: {error}"])
    finally:
        await client.aclose()
    return Finding("redis", [], "answers")


async def _storage(home: Installation) -> Finding:
    return _of("storage", await examine_storage(home.works))


async def _antivirus(home: Installation) -> Finding:
    return _of("antivirus", await examine_antivirus(home.works))


async def _extraction(_: Installation) -> Finding:
    return _of("extraction", await examine_extraction())


async def _reading(home: Installation) -> Finding:
    return _of("text in pictures", await examine_reading(home.works))


def _of(subject: str, found: Examined) -> Finding:
    return Finding(subject, list(found.faults), found.note)


async def _with_link(home: Installation, act: Callable[[Link], Awaitable[T]]) -> T:
    link = await home.database.acquire(write=False)
    try:
        return await act(link)
    finally:
        await link.close()


_EXAMINATIONS: dict[str, Examine] = {
    "database": _database,
    "migrations, triggers": _migrations,
    "keys": _keys,
    "role": _role,
    "clock": _clock,
    "redis": _redis,
    "storage": _storage,
    "antivirus": _antivirus,
    "extraction": _extraction,
    "text in pictures": _reading,
}
