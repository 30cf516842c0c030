"""What is kept to be faster: room, ends, namespaces, tenants, Redis and the way on without it."""

import asyncio
import sys
import uuid

import pytest

from holdfast.kernel.cache import Cache, MemoryStore, Namespace, RedisStore, open_cache
from holdfast.kernel.errors import ConfigurationError

pytestmark = pytest.mark.unit
REDIS, NOWHERE = "redis://127.0.0.1:6379/0", "redis://127.0.0.1:1/0"
TREES, FACES = Namespace("test.tree", 60), Namespace("test.face", 60)
ONE, TWO = uuid.uuid4(), uuid.uuid4()
STORES = ["memory", pytest.param("redis", marks=pytest.mark.service)]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=STORES)
async def cache(request):
    made = MemoryStore(at_most=10_000)
    if request.param == "redis":
        made = RedisStore(REDIS, prefix=f"holdfast-test:{uuid.uuid4()}:", fallback=made)
    opened = Cache(made)
    yield opened
    await opened.clear()
    await opened.close()


async def test_each_namespace_tenant_and_key_has_its_own_value(cache) -> None:
    values = {
        (kept, tenant, key): f"{kept.name} {tenant} {key}".encode()
        for kept in (TREES, FACES)
        for tenant in (ONE, TWO)
        for key in ("a", "b:c")
    }
    for (kept, tenant, key), value in values.items():
        assert await cache.find(kept, tenant, key) is None
        await cache.keep(kept, tenant, key, value)
    for (kept, tenant, key), value in values.items():
        assert await cache.find(kept, tenant, key) == value
    await cache.keep(TREES, ONE, "a", b"\x00\xff")
    assert await cache.find(TREES, ONE, "a") == b"\x00\xff"
    assert await cache.find(TREES, TWO, "a") == values[TREES, TWO, "a"]


async def test_a_namespace_a_tenant_or_a_pattern_is_cleared_and_nothing_else(cache) -> None:
    async def fill() -> None:
        for kept in (TREES, FACES):
            for tenant in (ONE, TWO):
                for key in ("user-1", "user-2", "group-1"):
                    await cache.keep(kept, tenant, key, b"x")

    async def left() -> int:
        found = [
            await cache.find(kept, tenant, key)
            for kept in (TREES, FACES)
            for tenant in (ONE, TWO)
            for key in ("user-1", "user-2", "group-1")
        ]
        return sum(each is not None for each in found)

    for asked, gone in (
        ({"namespace": "test.tree"}, 6),
        ({"tenant_id": ONE}, 6),
        ({"pattern": "user-*"}, 8),
        ({"namespace": "test.face", "tenant_id": TWO, "pattern": "user-?"}, 2),
        ({"pattern": "nobody*"}, 0),
        ({}, 12),
    ):
        await fill()
        assert await cache.clear(**asked) == gone, asked
        assert await left() == 12 - gone, asked
    assert await cache.clear() == 0


async def test_a_value_ends_after_its_time_in_memory() -> None:
    clock = Clock()
    cache = Cache(MemoryStore(at_most=1000, clock=clock))
    await cache.keep(TREES, ONE, "a", b"x")
    clock.now += 59
    assert await cache.find(TREES, ONE, "a") == b"x"
    clock.now += 1
    assert await cache.find(TREES, ONE, "a") is None


@pytest.mark.service
async def test_a_value_ends_after_its_time_in_redis() -> None:
    store = RedisStore(REDIS, prefix=f"holdfast-test:{uuid.uuid4()}:", fallback=MemoryStore(at_most=1))
    try:
        await store.set("a", b"x", 1)
        assert await store.get("a") == b"x"
        await asyncio.sleep(1.2)
        assert await store.get("a") is None
    finally:
        await store.close()


async def test_so_many_bytes_are_kept_and_no_more_the_last_asked_for_stay() -> None:
    store = MemoryStore(at_most=100)
    for key in "abc":
        await store.set(key, b"x" * 32, 60)
    assert await store.get("a") is not None
    await store.set("d", b"x" * 32, 60)
    assert [await store.get(key) is not None for key in "abcd"] == [True, False, True, True]
    await store.set("a", b"x" * 101, 60)
    assert await store.get("a") is None, "the old value must not stay in the place of one that is too large"
    for number in range(1000):
        await store.set("again", b"x" * (number % 50), 60)
    assert await store.get("d") is None or await store.get("again") is not None
    assert store._held == sum(len(key) + len(value) for key, (_, value) in store._values.items()) <= 100


async def test_without_redis_this_process_keeps_and_nothing_fails(log_lines) -> None:
    cache = open_cache(redis_url=NOWHERE, tag="test", at_most=1000)
    try:
        await cache.keep(TREES, ONE, "a", b"x")
        assert await cache.find(TREES, ONE, "a") == b"x"
        assert await cache.clear(namespace="test.tree") == 1
        assert await cache.find(TREES, ONE, "a") is None
    finally:
        await cache.close()
    assert any(b"cache_unreachable" in line for line in log_lines)


@pytest.mark.service
async def test_processes_of_one_installation_share_through_redis_and_others_do_not() -> None:
    tag = str(uuid.uuid4())
    first, second, stranger = (open_cache(redis_url=REDIS, tag=each, at_most=1000) for each in (tag, tag, f"{tag}x"))
    try:
        await first.keep(TREES, ONE, "a", b"x")
        assert await second.find(TREES, ONE, "a") == b"x"
        assert await stranger.find(TREES, ONE, "a") is None
        assert await stranger.clear() == 0
        assert await second.clear() == 1
        assert await first.find(TREES, ONE, "a") is None
    finally:
        for each in (first, second, stranger):
            await each.close()


async def test_what_was_asked_for_is_counted() -> None:
    asked = []
    cache = Cache(MemoryStore(at_most=100), on_asked=lambda *told: asked.append(told))
    await cache.find(TREES, ONE, "a")
    await cache.keep(TREES, ONE, "a", b"x")
    await cache.find(TREES, ONE, "a")
    assert asked == [("test.tree", False), ("test.tree", True)]


def test_a_redis_that_cannot_be_used_stops_the_start(monkeypatch) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        open_cache(redis_url="no address", tag="t", at_most=1)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ConfigurationError, match=r"holdfast\[redis\]"):
        open_cache(redis_url=REDIS, tag="t", at_most=1)
