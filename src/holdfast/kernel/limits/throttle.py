"""Rate limits that several processes share: counted in the table `throttle`, or in Redis.

A counter that is out of reach gives way to the next one, never to no limit.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog
from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table
from sqlalchemy.dialects.mysql import BINARY

from holdfast.kernel.cache import open_redis
from holdfast.kernel.db import Base
from holdfast.kernel.limits import Decision, Limit, Limiter, MemoryStore, Store, decide, microseconds

PURGE_EVERY = 600.0
REDIS_TIMEOUT = 0.5
REDIS_PAUSE = 5.0
REDIS_COMPLAINT_EVERY = 60.0
DEADLOCK_TRIES = 4

log = structlog.get_logger("holdfast.limits")

_REDIS_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local after = tat + ARGV[1]
local allowed = 0
if after - now <= tonumber(ARGV[2]) then
  allowed = 1
  tat = after
  redis.call('SET', KEYS[1], string.format('%.0f', tat), 'PX', math.ceil((tat - now) / 1000) + 1000)
end
return {allowed, string.format('%.0f', tat), string.format('%.0f', now)}
"""


class LimitSettings(Protocol):
    """The settings that this module reads."""

    @property
    def rate_limit_enabled(self) -> bool: ...  # noqa: D102
    @property
    def redis_url(self) -> str: ...  # noqa: D102


class Link(Protocol):
    """The part of `engines.Link` that counting in the database needs."""

    @property
    def dialect(self) -> str:
        """Return sqlite, postgresql or mysql."""
        ...

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[Sequence[Any]]:
        """Run a statement and return its rows."""
        ...

    async def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement and return the number of rows it changed."""
        ...

    async def commit(self) -> None:
        """Commit."""
        ...

    async def close(self) -> None:
        """Roll back what is open and give the connection back."""
        ...


class Acquire(Protocol):
    """`Database.acquire`."""

    def __call__(self, *, write: bool) -> Awaitable[Link]:
        """Return a link."""
        ...


def open_limiter(
    settings: LimitSettings, acquire: Acquire, *, secret: bytes, on_refused: Callable[[str], object] | None = None
) -> Limiter:
    """Return the limiter of an installation: in process and in the database, both through Redis where it is given.

    Raises ConfigurationError when REDIS_URL is given without the extra, or cannot be read.
    """
    local: Store = MemoryStore()
    shared: Store = DatabaseStore(acquire)
    if settings.redis_url:
        local = RedisStore(settings.redis_url, fallback=local)
        shared = RedisStore(settings.redis_url, fallback=shared)
    return Limiter(
        local=local, shared=shared, secret=secret, enabled=settings.rate_limit_enabled, on_refused=on_refused
    )


class DatabaseStore:
    """Arrival times in the table `throttle`: each take is one short transaction of its own."""

    def __init__(self, acquire: Acquire, *, table: str = "throttle", clock: Callable[[], int] | None = None) -> None:
        self._acquire = acquire
        self._clock = clock or microseconds
        self._sql = {dialect: _statements(dialect, table) for dialect in ("sqlite", "postgresql", "mysql")}
        self._purge_at = time.monotonic() + PURGE_EVERY

    async def take(self, key: bytes, limit: Limit, cost: int) -> Decision:
        """Use `cost` of the key's allowance if it is there; raise Unavailable when the database is out of reach."""
        for attempt in range(DEADLOCK_TRIES):
            try:
                decision = await self._take(key, limit, cost)
            except Exception as error:
                # MariaDB may choose either of two first requests of one key as a deadlock's victim.
                if attempt == DEADLOCK_TRIES - 1 or not _is_deadlock(error):
                    raise
                await asyncio.sleep(0.01 * (attempt + 1))
            else:
                break
        if time.monotonic() >= self._purge_at:
            self._purge_at = time.monotonic() + PURGE_EVERY
            await self.purge()
        return decision

    async def purge(self) -> int:
        """Delete the times that have passed and return how many they were."""
        link = await self._acquire(write=True)
        try:
            deleted = await link.execute(self._sql[link.dialect]["purge"], (self._clock(),))
            await link.commit()
        finally:
            await link.close()
        return deleted

    async def close(self) -> None:
        """Do nothing: links are given back after each take."""

    async def _take(self, key: bytes, limit: Limit, cost: int) -> Decision:
        link = await self._acquire(write=True)
        try:
            now = self._clock()
            if link.dialect == "mysql":
                decision = await self._take_locked(link, key, limit, cost, now)
            else:
                decision = await self._take_at_once(link, key, limit, cost, now)
            await link.commit()
        finally:
            await link.close()
        return decision

    async def _take_at_once(self, link: Link, key: bytes, limit: Limit, cost: int, now: int) -> Decision:
        sql = self._sql[link.dialect]
        step = cost * limit.interval
        rows = await link.fetch(sql["take"], (key, now, step, limit.tolerance))
        if rows:
            tat = int(rows[0][0])
            return decide(limit, 0, now, tat)[0]
        rows = await link.fetch(sql["read"], (key,))
        decision, _ = decide(limit, cost, now, int(rows[0][0]) if rows else now + limit.tolerance)
        # What another transaction changed in between cannot turn the refusal round.
        return decision if not decision.allowed else Decision(False, limit, 0, decision.reset_after, 1.0)

    async def _take_locked(self, link: Link, key: bytes, limit: Limit, cost: int, now: int) -> Decision:
        sql = self._sql["mysql"]
        await link.execute(sql["lock"], (key, now))
        rows = await link.fetch(sql["read"], (key,))
        decision, tat = decide(limit, cost, now, int(rows[0][0]))
        if decision.allowed:
            await link.execute(sql["write"], (tat, key))
        return decision


class RedisStore:
    """Arrival times in Redis, by Redis's clock; while it is out of reach the `fallback` counts."""

    def __init__(
        self, url: str, *, fallback: Store, prefix: str = "holdfast:limit:", timeout: float = REDIS_TIMEOUT
    ) -> None:
        self._client, self._failures = open_redis(url, timeout=timeout)
        self._script = self._client.register_script(_REDIS_TAKE)
        self._fallback = fallback
        self._prefix = prefix.encode()
        self._closed_until = 0.0
        self._complain_at = 0.0

    async def take(self, key: bytes, limit: Limit, cost: int) -> Decision:
        """Use `cost` of the key's allowance if it is there."""
        if time.monotonic() < self._closed_until:
            return await self._fallback.take(key, limit, cost)
        try:
            answer = await self._script(keys=[self._prefix + key], args=[cost * limit.interval, limit.tolerance])
        except self._failures as error:
            self._closed_until = time.monotonic() + REDIS_PAUSE
            self._complain(error)
            return await self._fallback.take(key, limit, cost)
        allowed, tat, now = (int(part) for part in answer)
        return decide(limit, 0 if allowed else cost, now, tat)[0]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _complain(self, error: Exception) -> None:
        if time.monotonic() >= self._complain_at:
            self._complain_at = time.monotonic() + REDIS_COMPLAINT_EVERY
            log.error("redis_unreachable", error=type(error).__name__, counted_in=type(self._fallback).__name__)


def throttle_table(metadata: MetaData, name: str = "throttle") -> Table:
    """Return the table of arrival times; it belongs to the installation and holds keyed hashes and times only."""
    return Table(
        name,
        metadata,
        Column("bucket", LargeBinary(32).with_variant(BINARY(32), "mysql", "mariadb"), primary_key=True),
        Column("tat", BigInteger, nullable=False),
        Index(f"ix_{name}_tat", "tat"),
    )


THROTTLE = throttle_table(Base.metadata)


def _statements(dialect: str, table: str) -> dict[str, str]:
    # Ruff's S608: the only thing put in is the table's name, which is ours.
    if dialect == "mysql":
        # INSERT IGNORE would take a shared lock on the row that is there, and two of them would wait for each other.
        return {
            "lock": f"INSERT INTO {table} (bucket, tat) VALUES (%s, %s) ON DUPLICATE KEY UPDATE bucket = bucket",  # noqa: S608
            "read": f"SELECT tat FROM {table} WHERE bucket = %s FOR UPDATE",  # noqa: S608
            "write": f"UPDATE {table} SET tat = %s WHERE bucket = %s",  # noqa: S608
            "purge": f"DELETE FROM {table} WHERE tat < %s",  # noqa: S608
        }
    one, now, step, most, greatest = (
        ("$1", "$2::bigint", "$3::bigint", "$4::bigint", "greatest")
        if dialect == "postgresql"
        else ("?1", "?2", "?3", "?4", "max")
    )
    after = f"{greatest}({table}.tat, {now}) + {step}"
    return {
        "take": f"INSERT INTO {table} (bucket, tat) VALUES ({one}, {now} + {step}) "  # noqa: S608
        f"ON CONFLICT (bucket) DO UPDATE SET tat = {after} WHERE {after} - {now} <= {most} RETURNING tat",
        "read": f"SELECT tat FROM {table} WHERE bucket = {one}",  # noqa: S608
        "purge": f"DELETE FROM {table} WHERE tat < {one}",  # noqa: S608
    }


def _is_deadlock(error: BaseException) -> bool:
    found: BaseException | None = error
    while found is not None:
        if found.args and found.args[0] == 1213:  # ER_LOCK_DEADLOCK
            return True
        found = found.__cause__
    return False
