"""What is dear to make and may be forgotten at any time: kept in this process, or in Redis for all.

Never for what decides on access: a session, a right or a limit is read where it stands. Whoever keeps something writes
into its key or its head what it was made of (an epoch, a version), so that an old copy is known for one.
"""

import fnmatch
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import structlog

from holdfast.kernel.errors import ConfigurationError

REDIS_TIMEOUT = 0.5
REDIS_PAUSE = 5.0
SCAN = 500
log = structlog.get_logger("holdfast.cache")


@dataclass(frozen=True, slots=True)
class Namespace:
    """One kind of thing that is kept: its name, as `slice.thing`, and for how many seconds at most."""

    name: str
    seconds: int


class Store(Protocol):
    """Where values are kept by key, each for so long."""

    async def get(self, key: str) -> bytes | None:
        """Return a value that is still there."""
        ...

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a value, in the place of the one before."""
        ...

    async def clear(self, pattern: str) -> int:
        """Forget the keys that match (`*`, `?` and `[…]` as in a shell) and return how many they were."""
        ...

    async def close(self) -> None:
        """Give back what the store holds open."""
        ...


class Cache:
    """The one entrance: namespaces, tenants, and a count of what was found.

    `on_asked` is called with the namespace's name and whether the value was there.
    """

    def __init__(self, store: Store, *, on_asked: Callable[[str, bool], object] | None = None) -> None:
        self._store = store
        self._on_asked = on_asked

    async def find(self, kept: Namespace, tenant_id: UUID, key: str) -> bytes | None:
        """Return what was kept for a tenant under a key."""
        found = await self._store.get(f"{kept.name}:{tenant_id}:{key}")
        if self._on_asked is not None:
            self._on_asked(kept.name, found is not None)
        return found

    async def keep(self, kept: Namespace, tenant_id: UUID, key: str, value: bytes) -> None:
        """Keep a value for a tenant."""
        await self._store.set(f"{kept.name}:{tenant_id}:{key}", value, kept.seconds)

    async def clear(self, *, namespace: str = "*", tenant_id: UUID | None = None, pattern: str = "*") -> int:
        """Forget what was kept, by namespace, tenant and a pattern of keys; return how many values they were.

        Without Redis it is this process that forgets.
        """
        return await self._store.clear(f"{namespace}:{tenant_id or '*'}:{pattern}")

    async def close(self) -> None:
        """Close what the store holds open."""
        await self._store.close()


class MemoryStore:
    """Values in this process, at most so many bytes in all: those not asked for longest go first."""

    def __init__(self, *, at_most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_most = at_most
        self._clock = clock
        self._held = 0
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def get(self, key: str) -> bytes | None:
        """Return a value that is still there."""
        end, value = self._values.get(key, (0.0, b""))
        if end <= self._clock():
            self._drop(key)
            return None
        self._values.move_to_end(key)
        return value

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a value, in the place of the one before; one that is larger than all the room is not kept."""
        self._drop(key)
        if len(key) + len(value) > self._at_most:
            return
        self._values[key] = self._clock() + seconds, value
        self._held += len(key) + len(value)
        while self._held > self._at_most:
            self._drop(next(iter(self._values)))

    async def clear(self, pattern: str) -> int:
        """Forget the keys that match and return how many they were."""
        wanted = fnmatch.filter(self._values, pattern)
        for key in wanted:
            self._drop(key)
        return len(wanted)

    async def close(self) -> None:
        """Do nothing: there is nothing open."""

    def _drop(self, key: str) -> None:
        found = self._values.pop(key, None)
        if found is not None:
            self._held -= len(key) + len(found[1])


class RedisStore:
    """Values in Redis under a prefix; while it is out of reach the `fallback` keeps them, and nothing fails."""

    def __init__(self, url: str, *, prefix: str, fallback: Store, timeout: float = REDIS_TIMEOUT) -> None:
        self._client, self._failures = open_redis(url, timeout=timeout)
        self._prefix = prefix
        self._fallback = fallback
        self._closed_until = 0.0

    async def get(self, key: str) -> bytes | None:
        """Return a value that is still there."""
        if self._reachable():
            try:
                found: bytes | None = await self._client.get(self._prefix + key)
            except self._failures as error:
                self._give_up(error)
            else:
                return found
        return await self._fallback.get(key)

    async def set(self, key: str, value: bytes, seconds: int) -> None:
        """Keep a value, in the place of the one before."""
        if self._reachable():
            try:
                await self._client.set(self._prefix + key, value, ex=seconds)
            except self._failures as error:
                self._give_up(error)
            else:
                return
        await self._fallback.set(key, value, seconds)

    async def clear(self, pattern: str) -> int:
        """Forget the keys that match, in Redis and here, and return how many they were."""
        count = await self._fallback.clear(pattern)
        try:
            keys = [key async for key in self._client.scan_iter(match=self._prefix + pattern, count=SCAN)]
            for start in range(0, len(keys), SCAN):
                count += await self._client.unlink(*keys[start : start + SCAN])
        except self._failures as error:
            self._give_up(error)
        return count

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _reachable(self) -> bool:
        return time.monotonic() >= self._closed_until

    def _give_up(self, error: Exception) -> None:
        self._closed_until = time.monotonic() + REDIS_PAUSE
        log.warning("cache_unreachable", error=type(error).__name__, kept_in=type(self._fallback).__name__)


def open_redis(url: str, *, timeout: float) -> tuple[Any, tuple[type[Exception], ...]]:
    """Return a client of Redis that waits so many seconds at most, and the errors of one that is out of reach.

    Raises ConfigurationError without the extra, or for an address that cannot be read.
    """
    try:
        from redis.asyncio import Redis  # noqa: PLC0415 - an extra, not imported unless switched on
        from redis.exceptions import RedisError  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError("REDIS_URL needs the extra `redis`: pip install 'holdfast[redis]'.") from error
    try:
        client = Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, protocol=2)
    except ValueError as error:
        raise ConfigurationError(f"REDIS_URL cannot be read: {error}.") from error
    return client, (RedisError, OSError, TimeoutError)


def open_cache(
    *, redis_url: str, tag: str, at_most: int, on_asked: Callable[[str, bool], object] | None = None
) -> Cache:
    """Return the cache of an installation; `tag` keeps apart those that share a Redis, `at_most` is in bytes.

    Raises ConfigurationError when REDIS_URL is given without the extra, or cannot be read.
    """
    store: Store = MemoryStore(at_most=at_most)
    if redis_url:
        store = RedisStore(redis_url, prefix=f"holdfast:cache:{tag}:", fallback=store)
    return Cache(store, on_asked=on_asked)
