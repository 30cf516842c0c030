"""Rate limits: arithmetic, the three databases, Redis, and the way down when Redis is gone."""

import asyncio
import subprocess
import sys
import uuid
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from sqlalchemy import MetaData

from holdfast.kernel.engines import Database
from holdfast.kernel.errors import ConfigurationError, RateLimited, Unavailable
from holdfast.kernel.limits import (
    SECOND,
    SENSITIVE_ACCOUNT,
    SENSITIVE_ADDRESS,
    Limit,
    Limiter,
    MemoryStore,
    address_limit,
    api_limit,
    throttle,
)
from holdfast.kernel.limits.throttle import DatabaseStore, RedisStore, open_limiter, throttle_table

pytestmark = pytest.mark.portable
POSTGRESQL = "postgresql://postgres@127.0.0.1:5432/test"
MARIADB = "mysql://root@127.0.0.1:3306/test"
REDIS = "redis://127.0.0.1:6379/0"
NOWHERE = "redis://127.0.0.1:1/0"
TEN = Limit("ten", 10, 60)
ALL = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.service),
    pytest.param("mariadb", marks=[pytest.mark.service, pytest.mark.portable]),
    pytest.param("redis", marks=pytest.mark.service),
    "memory",
]
DATABASES = ALL[:3]


class Clock:
    def __init__(self):
        self.now = 1_800_000_000 * SECOND

    def __call__(self):
        return self.now

    def step(self, seconds):
        self.now += int(seconds * SECOND)


def open_database(url, pool_size=8):
    return Database.open(
        url, pool_size=pool_size, pool_timeout=20, pool_recycle=1800, pool_pre_ping=False, sqlite_synchronous="NORMAL"
    )


@asynccontextmanager
async def database_of(kind, tmp_path):
    """Give a database with a table of our own name, and its address."""
    url = {"sqlite": f"sqlite:///{tmp_path}/limits.db", "postgresql": POSTGRESQL, "mariadb": MARIADB}[kind]
    database = open_database(url)
    metadata = MetaData()
    table = throttle_table(metadata, f"throttle_{uuid.uuid4().hex[:12]}")
    async with database.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    try:
        yield database, table.name, url
    finally:
        async with database.engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)
        await database.engine.dispose()
        await database.dispose()


@asynccontextmanager
async def store_of(kind, tmp_path, clock=None):
    if kind == "memory":
        yield MemoryStore(clock=clock)
    elif kind == "redis":
        store = RedisStore(REDIS, fallback=Broken(), prefix=f"holdfast:test:{uuid.uuid4().hex}:", timeout=30)
        try:
            yield store
        finally:
            await forget(store)
            await store.close()
    else:
        async with database_of(kind, tmp_path) as (database, table, _):
            yield DatabaseStore(database.acquire, table=table, clock=clock)


async def forget(store):
    """Delete the keys that a test made in Redis."""
    async for key in store._client.scan_iter(match=store._prefix + b"*"):
        await store._client.delete(key)


class Broken:
    """A store whose use fails the test."""

    async def take(self, key, limit, cost):
        raise AssertionError("fell back without need")

    async def close(self):
        pass


@pytest.mark.parametrize("kind", ALL)
async def test_a_burst_passes_and_no_more(kind, tmp_path):
    slow = Limit("slow", 5, 3600)
    async with store_of(kind, tmp_path) as store:
        found = [await store.take(b"k" * 32, slow, 1) for _ in range(7)]
        assert [one.allowed for one in found] == [True] * 5 + [False] * 2
        assert [one.remaining for one in found] == [4, 3, 2, 1, 0, 0, 0]
        assert 0 < found[-1].retry_after <= 720
        assert 3590 < found[-1].reset_after <= 3600
        assert found[0].retry_after == 0
        assert (await store.take(b"o" * 32, slow, 1)).allowed, "another key has its own allowance"
        assert (await store.take(b"c" * 32, slow, 5)).remaining == 0
        assert not (await store.take(b"c" * 32, slow, 1)).allowed


@pytest.mark.parametrize("kind", ["memory", *DATABASES])
async def test_the_allowance_comes_back_evenly(kind, tmp_path):
    clock = Clock()
    async with store_of(kind, tmp_path, clock) as store:
        for _ in range(10):
            assert (await store.take(b"k" * 32, TEN, 1)).allowed
        refused = await store.take(b"k" * 32, TEN, 1)
        assert (refused.allowed, refused.retry_after, refused.reset_after) == (False, 6.0, 60.0)
        clock.step(5.9)
        assert not (await store.take(b"k" * 32, TEN, 1)).allowed
        clock.step(0.1)
        assert (await store.take(b"k" * 32, TEN, 1)).allowed
        assert not (await store.take(b"k" * 32, TEN, 1)).allowed
        refused = await store.take(b"k" * 32, TEN, 3)
        assert (refused.allowed, refused.retry_after) == (False, 18.0)
        clock.step(1000)
        assert (await store.take(b"k" * 32, TEN, 1)).remaining == 9


@pytest.mark.parametrize("kind", ALL)
async def test_tasks_at_once_never_get_more_than_allowed(kind, tmp_path):
    slow = Limit("slow", 7, 36000)
    async with store_of(kind, tmp_path) as store:
        found = await asyncio.gather(*(store.take(b"k" * 32, slow, 1) for _ in range(40)))
    assert sum(one.allowed for one in found) == 7


@pytest.mark.parametrize("kind", [*DATABASES, ALL[3]])
async def test_processes_at_once_never_get_more_than_allowed(kind, tmp_path):
    if kind == "redis":
        prefix = f"holdfast:test:{uuid.uuid4().hex}:"
        outcome = await race("redis", REDIS, prefix)
        store = RedisStore(REDIS, fallback=Broken(), prefix=prefix)
        await forget(store)
        await store.close()
    else:
        async with database_of(kind, tmp_path) as (_, table, url):
            outcome = await race("database", url, table)
    assert outcome == [str(RACE_KEYS * 5)], "each of the keys lets five of its 64 requests pass"


RACE_KEYS = 3
RACER = """
import asyncio, sys
from holdfast.kernel.engines import Database
from holdfast.kernel.errors import Unavailable
from holdfast.kernel.limits import Limit
from holdfast.kernel.limits.throttle import DatabaseStore, RedisStore
kind, url, name = sys.argv[1:]
async def main():
    limit = Limit("slow", 5, 36000)
    if kind == "redis":
        store = RedisStore(url, fallback=None, prefix=name, timeout=30)
    else:
        database = Database.open(url, pool_size=4, pool_timeout=30, pool_recycle=1800, pool_pre_ping=False, sqlite_synchronous="NORMAL")
        store = DatabaseStore(database.acquire, table=name)
    print("ready", flush=True)
    sys.stdin.readline()
    keys = [bytes([number]) * 32 for number in range(KEYS)] * 16
    async def take(key):
        while True:
            try:
                return await store.take(key, limit, 1)
            except Unavailable:  # SQLite under four writing processes may be busy for long: nothing was counted
                await asyncio.sleep(0.01)
    found = await asyncio.gather(*(take(key) for key in keys))
    print(sum(one.allowed for one in found), flush=True)
    await (store.close() if kind == "redis" else database.dispose())
asyncio.run(main())
"""


async def race(*arguments):
    """Run four processes that start together; return the sum of what they were allowed, as text."""
    program = RACER.replace("KEYS", str(RACE_KEYS))
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        for racer in racers:
            assert await asyncio.to_thread(racer.stdout.readline) == "ready\n", racer.stderr.read()
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        ends = [await asyncio.to_thread(racer.communicate, timeout=60) for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
    assert [racer.returncode for racer in racers] == [0] * 4, [error for _, error in ends]
    return [str(sum(int(out) for out, _ in ends))]


@pytest.mark.parametrize("kind", DATABASES)
async def test_purge_deletes_only_what_has_passed(kind, tmp_path):
    clock = Clock()
    async with database_of(kind, tmp_path) as (database, table, _):
        store = DatabaseStore(database.acquire, table=table, clock=clock)
        await store.take(b"a" * 32, TEN, 10)
        clock.step(30)
        await store.take(b"b" * 32, TEN, 10)
        clock.step(31)
        assert await store.purge() == 1
        assert not (await store.take(b"b" * 32, TEN, 10)).allowed
        assert (await store.take(b"a" * 32, TEN, 10)).allowed


@pytest.mark.unit
async def test_purge_runs_by_itself(tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(throttle, "PURGE_EVERY", 0.0)
    async with database_of("sqlite", tmp_path) as (database, table, _):
        store = DatabaseStore(database.acquire, table=table, clock=clock)
        await store.take(b"a" * 32, TEN, 1)
        clock.step(61)
        await store.take(b"b" * 32, TEN, 1)
        link = await database.acquire(write=False)
        rows = await link.fetch(f"SELECT count(*) FROM {table}")
        await link.close()
        assert rows[0][0] == 1


@pytest.mark.unit
async def test_memory_is_bounded_and_forgets_the_least_used_first():
    clock = Clock()
    store = MemoryStore(keys=100, clock=clock)
    await store.take(b"attacker", TEN, 10)
    for number in range(5000):
        await store.take(b"%d" % number, TEN, 1)
    assert len(store._times) <= 100
    assert not (await store.take(b"attacker", TEN, 1)).allowed, "filling the memory must not free who is refused"
    clock.step(61)
    for number in range(101):
        await store.take(b"%d" % number, TEN, 1)
    assert b"attacker" not in store._times


@pytest.mark.unit
async def test_headers_tell_the_policy_and_the_state():
    clock = Clock()
    limiter = Limiter(local=MemoryStore(clock=clock), shared=Broken())
    decision = await limiter.check("x", Limit("api", 2, 60))
    assert decision.headers() == {"RateLimit-Policy": '"api";q=2;w=60', "RateLimit": '"api";r=1;t=30'}
    await limiter.check("x", Limit("api", 2, 60))
    clock.step(0.5)
    refused = await limiter.check("x", Limit("api", 2, 60))
    assert refused.headers() == {
        "RateLimit-Policy": '"api";q=2;w=60',
        "RateLimit": '"api";r=0;t=60',
        "Retry-After": "30",
    }
    error = refused.refusal()
    assert isinstance(error, RateLimited)
    assert error.headers == refused.headers()
    assert error.detail == "Too many requests. Try again in 30 s."


@pytest.mark.unit
async def test_limits_do_not_share_a_counter_and_refusals_are_told():
    told = []
    limiter = Limiter(local=MemoryStore(), shared=MemoryStore(), on_refused=told.append)
    one, two = Limit("one", 1), Limit("two", 1, shared=True)
    assert (await limiter.check("k", one)).allowed
    assert (await limiter.check("k", two)).allowed
    assert not (await limiter.check("k", one)).allowed
    assert not (await limiter.check("k", two)).allowed
    assert told == ["one", "two"]


@pytest.mark.unit
async def test_who_has_used_up_his_address_cannot_use_up_an_account():
    limiter = Limiter(local=Broken(), shared=MemoryStore())
    for number in range(30):
        await limiter.require(("10.0.0.1", SENSITIVE_ADDRESS), (f"account-{number}", SENSITIVE_ACCOUNT))
    for _ in range(20):
        with pytest.raises(RateLimited):
            await limiter.require(("10.0.0.1", SENSITIVE_ADDRESS), ("victim", SENSITIVE_ACCOUNT))
    decision = await limiter.require(("10.0.0.2", SENSITIVE_ADDRESS), ("victim", SENSITIVE_ACCOUNT))
    assert (decision.limit.name, decision.remaining) == ("sensitive-account", 9)


@pytest.mark.unit
async def test_switched_off_everything_passes_and_nothing_is_counted():
    limiter = Limiter(local=Broken(), shared=Broken(), enabled=False)
    for _ in range(100):
        assert (await limiter.check("x", SENSITIVE_ACCOUNT)).allowed


@pytest.mark.unit
def test_the_numbers_of_the_design():
    assert (api_limit(60).rate, address_limit(60).per_seconds) == (60, 60)
    assert (SENSITIVE_ACCOUNT.rate, SENSITIVE_ACCOUNT.shared) == (10, True)
    assert (SENSITIVE_ADDRESS.rate, SENSITIVE_ADDRESS.shared) == (30, True)
    with pytest.raises(ConfigurationError):
        Limit("none", 0)


@pytest.mark.unit
async def test_a_cost_that_never_fits_is_a_mistake():
    limiter = Limiter(local=MemoryStore(), shared=Broken())
    with pytest.raises(ValueError):
        await limiter.check("x", TEN, cost=11)
    with pytest.raises(ValueError):
        await limiter.check("x", TEN, cost=0)


@pytest.mark.unit
async def test_the_table_holds_keyed_hashes_only(tmp_path):
    async with database_of("sqlite", tmp_path) as (database, table, _):
        store = DatabaseStore(database.acquire, table=table)
        for secret in (b"one", b"two"):
            await Limiter(local=store, shared=store, secret=secret).check("ada@example.org", TEN)
        link = await database.acquire(write=False)
        rows = await link.fetch(f"SELECT bucket FROM {table}")
        await link.close()
    assert len({bytes(row[0]) for row in rows}) == 2
    assert all(len(row[0]) == 32 for row in rows)


async def test_without_redis_the_next_store_counts_and_the_log_says_so_once(log_lines):
    store = RedisStore(NOWHERE, fallback=MemoryStore())
    found = [await store.take(b"k" * 32, Limit("two", 2), 1) for _ in range(4)]
    store._closed_until = 0.0
    found.append(await store.take(b"k" * 32, Limit("two", 2), 1))
    await store.close()
    assert [one.allowed for one in found] == [True, True, False, False, False]
    (line,) = log_lines
    assert b"redis_unreachable" in line
    assert b"MemoryStore" in line


async def test_a_dead_redis_is_not_asked_at_every_request(monkeypatch):
    store = RedisStore(NOWHERE, fallback=MemoryStore())
    asked = []
    script = store._script

    async def counting(**arguments):
        asked.append(1)
        return await script(**arguments)

    monkeypatch.setattr(store, "_script", counting)
    for _ in range(10):
        await store.take(b"k" * 32, TEN, 1)
    await store.close()
    assert len(asked) == 1


async def test_a_redis_that_does_not_answer_costs_a_moment_only():
    async def swallow(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = RedisStore(f"redis://127.0.0.1:{port}/0", fallback=MemoryStore())
    started = asyncio.get_running_loop().time()
    assert (await store.take(b"k" * 32, TEN, 1)).allowed
    assert asyncio.get_running_loop().time() - started < 3
    await store.close()
    server.close()
    await asyncio.sleep(0.05)


async def test_the_sensitive_class_without_any_database_is_refused_not_passed():
    async def gone(*, write):
        raise Unavailable

    limiter = open_limiter(SimpleNamespace(rate_limit_enabled=True, redis_url=NOWHERE), gone, secret=b"s")
    with pytest.raises(Unavailable):
        await limiter.check("account", SENSITIVE_ACCOUNT)
    assert (await limiter.check("credential", api_limit(60))).allowed
    await limiter.close()


@pytest.mark.service
async def test_two_limiters_share_through_redis():
    settings = SimpleNamespace(rate_limit_enabled=True, redis_url=REDIS)
    one, two = (open_limiter(settings, None, secret=b"s") for _ in range(2))
    key = uuid.uuid4().hex
    limit = Limit("pair", 2)
    found = [(await limiter.check(key, limit)).allowed for limiter in (one, two, one, two)]
    assert found == [True, True, False, False]
    await one.close()
    await two.close()


@pytest.mark.unit
def test_a_redis_address_that_cannot_be_read_stops_the_start():
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        RedisStore("nonsense://x", fallback=MemoryStore())


@pytest.mark.unit
def test_a_missing_redis_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(ConfigurationError, match=r"holdfast\[redis\]"):
        RedisStore(REDIS, fallback=MemoryStore())


@pytest.mark.unit
def test_redis_is_not_imported_without_its_setting():
    program = (
        "import sys; from holdfast.kernel.limits.throttle import open_limiter; from types import SimpleNamespace as S;"
        "open_limiter(S(rate_limit_enabled=True, redis_url=''), None, secret=b''); sys.exit('redis' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
