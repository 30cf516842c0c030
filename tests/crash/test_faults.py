"""What the program needs is taken away while it runs: databases, connections, disk, Redis. It says so, and recovers."""

import asyncio
import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from clusters import CLUSTERS, Cluster, missing
from redis_servers import redis_keys, redis_server

from holdfast.core.identity.public import ensure_system
from holdfast.kernel.settings import Settings
from holdfast.main import open_installation
from holdfast.migrations import run
from serving import COMMAND, environment, free_port, serve
from support import PASSWORD, SECRET, Org, make_org, owner_database

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

COMPANIES = "/api/v1/org/companies"
UNLIMITED = {"RATE_LIMIT_ENABLED": "false"}


def unavailable(answer: httpx.Response) -> None:
    """Check that an answer says, as a problem, that it can be tried again, and tells nothing of our inside."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    problem = answer.json()
    assert problem["code"] == "UNAVAILABLE"
    for word in ("asyncpg", "asyncmy", "sqlite", "connect call", "127.0.0.1", "traceback"):
        assert word not in answer.text.lower()


@pytest.fixture(params=CLUSTERS)
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    # Not below pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="holdfast-cluster-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        made = CLUSTERS[request.param](Path(folder))
        try:
            made.start()
            yield made
        finally:
            made.thaw()
            with contextlib.suppress(AssertionError):
                made.stop(kill=True)


async def on_cluster(cluster: Cluster, home: Path) -> tuple[Settings, Org]:
    settings = Settings(
        **await cluster.addresses(),
        secret_key=SECRET,
        environment="test",
        holdfast_home=home,
        pool_size=4,
        _env_file=None,
    )
    return settings, await founded(settings)


async def founded(settings: Settings) -> Org:
    await run.upgrade(settings)
    home = open_installation(settings)
    await ensure_system(home.works)
    org = await make_org(home, password=True)
    await home.close()
    return org


@asynccontextmanager
async def served(settings: Settings, **more: str) -> AsyncIterator[tuple[httpx.AsyncClient, object]]:
    context = serve(settings, **more)
    process = await asyncio.to_thread(context.__enter__)
    try:
        async with httpx.AsyncClient(base_url=process.url, timeout=30) as client:
            yield client, process
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


async def create(client: httpx.AsyncClient, org: Org, code: str) -> httpx.Response:
    return await client.post(COMPANIES, json={"code": code, "name": code}, headers=org.admin.bearer)


async def test_the_database_goes_and_comes_back(cluster, tmp_path):
    settings, org = await on_cluster(cluster, tmp_path)
    async with served(settings, **UNLIMITED) as (client, process):
        assert (await create(client, org, "BEFORE")).status_code == 201
        await asyncio.gather(*(client.get(COMPANIES, headers=org.admin.bearer) for _ in range(20)))

        await asyncio.to_thread(cluster.stop, kill=True)
        for answer in [
            await client.get(COMPANIES, headers=org.admin.bearer),
            await create(client, org, "DURING"),
            await client.post("/api/v1/auth/login", json={"email": org.user.email, "password": PASSWORD}),
            *await asyncio.gather(*(client.get(COMPANIES, headers=org.admin.bearer) for _ in range(20))),
        ]:
            unavailable(answer)
        page = await client.get("/console/companies", headers={"Accept": "text/html", "Cookie": "holdfast=x.y.z"})
        assert page.status_code in {303, 503}, page.text
        await asyncio.sleep(1.1)  # readiness is looked up once a second
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200
        components = await client.get("/api/health")
        assert (components.status_code, components.json()["components"]) == (
            503,
            {"database": "down", "jobs": "unknown"},
        )

        await asyncio.to_thread(cluster.start)
        await asyncio.sleep(1.1)
        answers = await asyncio.gather(*(client.get(COMPANIES, headers=org.admin.bearer) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
        assert [row["code"] for row in answers[0].json()["data"]] == ["BEFORE"]
        assert (await create(client, org, "AFTER")).status_code == 201
        assert (await client.get("/health/ready")).status_code == 200

        # Between two requests a restart goes unnoticed.
        await asyncio.to_thread(cluster.stop)
        await asyncio.to_thread(cluster.start)
        answers = await asyncio.gather(*(client.get(COMPANIES, headers=org.admin.bearer) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
        assert process.process.poll() is None
        assert "Traceback" not in process.log, process.log


async def test_the_database_hangs_and_goes_on(cluster, tmp_path):
    settings, org = await on_cluster(cluster, tmp_path)
    more = {"DATABASE_TIMEOUT_SECONDS": "2", "POOL_SIZE": "8", **UNLIMITED}
    async with served(settings, **more) as (client, process):
        assert (await create(client, org, "BEFORE")).status_code == 201
        await asyncio.gather(*(client.get(COMPANIES, headers=org.admin.bearer) for _ in range(20)))

        async def timed(answer: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
            began = time.monotonic()
            return await answer, time.monotonic() - began

        cluster.freeze()
        await asyncio.sleep(1.1)  # readiness is looked up once a second
        sign_in = {"email": org.user.email, "password": PASSWORD}
        for _ in range(2):  # on connections that were open, and on new ones
            *answers, ready, live = await asyncio.gather(
                timed(client.get(COMPANIES, headers=org.admin.bearer)),
                timed(create(client, org, "DURING")),
                timed(client.post("/api/v1/auth/login", json=sign_in)),
                timed(client.get("/health/ready")),
                timed(client.get("/health/live")),
            )
            for answer, seconds in answers:
                unavailable(answer)
                assert seconds < 12, seconds
            assert ready[0].status_code == 503
            assert ready[1] < 6, ready
            assert (live[0].status_code, live[1] < 2) == (200, True)

        cluster.thaw()
        await asyncio.sleep(1.1)
        assert (await client.get("/health/ready")).status_code == 200
        answers = await asyncio.gather(*(client.get(COMPANIES, headers=org.admin.bearer) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
        assert (await create(client, org, "AFTER")).status_code == 201
        assert process.process.poll() is None
        assert "Traceback" not in process.log, process.log


@pytest.mark.parametrize("cluster", ["postgresql"], indirect=True)
async def test_a_statement_that_takes_too_long_is_given_up(cluster, tmp_path):
    settings, org = await on_cluster(cluster, tmp_path)
    async with served(settings, DATABASE_TIMEOUT_SECONDS="1", **UNLIMITED) as (client, _):
        company = (await create(client, org, "HELD")).json()["id"]
        holder = await asyncpg.connect(settings.migration_database_url)
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("SELECT id FROM company FOR UPDATE")
        began = time.monotonic()
        unavailable(await client.patch(f"{COMPANIES}/{company}", json={"name": "New"}, headers=org.admin.bearer))
        assert time.monotonic() - began < 5
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        assert await holder.fetchval(waiting) == 0, "the server still works on it"
        await transaction.rollback()
        await holder.close()
        changed = await client.patch(f"{COMPANIES}/{company}", json={"name": "New"}, headers=org.admin.bearer)
        assert changed.status_code == 200, changed.text


async def test_the_database_restarts_under_load(cluster, tmp_path):
    settings, org = await on_cluster(cluster, tmp_path)
    async with served(settings, **UNLIMITED) as (client, process):
        acknowledged: list[str] = []
        seen: Counter[int] = Counter()
        end = asyncio.Event()

        async def write(who: int) -> None:
            number = 0
            while not end.is_set():
                number += 1
                answer = await create(client, org, f"W{who}-{number}")
                seen[answer.status_code] += 1
                if answer.status_code == 201:
                    acknowledged.append(f"W{who}-{number}")
                else:
                    unavailable(answer)
                    await asyncio.sleep(0.05)

        writers = [asyncio.create_task(write(who)) for who in range(4)]
        for kill in (True, False):
            await asyncio.sleep(0.7)
            await asyncio.to_thread(cluster.stop, kill=kill)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(cluster.start)
        await asyncio.sleep(1)
        end.set()
        await asyncio.gather(*writers, return_exceptions=True)
        assert "Traceback" not in process.log, process.log
        await asyncio.gather(*writers)
        assert seen[201] > 10, seen
        assert seen[503] > 0, seen
        found: set[str] = set()
        cursor = ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            page = await client.get(f"{COMPANIES}?page_size=200&sort=code{more}", headers=org.admin.bearer)
            assert page.status_code == 200, page.text
            found |= {row["code"] for row in page.json()["data"]}
            cursor = page.json()["meta"]["next_cursor"]
        assert set(acknowledged) <= found


async def test_all_connections_in_use(cluster, tmp_path):
    settings, org = await on_cluster(cluster, tmp_path)
    small = {"POOL_SIZE": "2", "POOL_TIMEOUT": "0.5"}
    async with owner_database(settings) as owner, served(settings, **small, **UNLIMITED) as (client, _):
        company = (await create(client, org, "HELD")).json()["id"]
        # Somebody holds the row: two changes wait for it in the database, and with them both connections.
        holder = await owner.acquire(write=True)
        await holder.fetch("SELECT id FROM company FOR UPDATE")
        change = {"json": {"name": "Changed"}, "headers": org.admin.bearer}
        waiting = [asyncio.create_task(client.patch(f"{COMPANIES}/{company}", **change)) for _ in range(2)]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        refused = await asyncio.gather(*(client.get(COMPANIES, headers=org.admin.bearer) for _ in range(6)))
        assert time.monotonic() - began < 5
        for answer in refused:
            unavailable(answer)
        await holder.close()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}
        assert (await client.get(COMPANIES, headers=org.admin.bearer)).status_code == 200


# ── SQLite's disk ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def embedded(tmp_path: Path) -> tuple[Settings, Org]:
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/holdfast.db",
        secret_key=SECRET,
        environment="test",
        holdfast_home=tmp_path,
        sqlite_synchronous="NORMAL",
        _env_file=None,
    )
    return settings, await founded(settings)


def rows(path: Path) -> tuple[int, int]:
    """Return how many companies there are, and how many entries of their creation."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        companies = database.execute("SELECT count(*) FROM company").fetchone()[0]
        created = "SELECT count(*) FROM audit_entry WHERE action = 'directory.company.created'"
        return companies, database.execute(created).fetchone()[0]


def allow_files_of(process: int, size: int) -> None:
    """Let no file of a running process grow beyond so many bytes, which is a full disk to it; -1: no limit."""
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))


async def test_the_disk_is_full(embedded, tmp_path):
    settings, org = embedded
    async with served(settings, **UNLIMITED) as (client, process):
        assert (await create(client, org, "BEFORE")).status_code == 201
        wal = tmp_path / "holdfast.db-wal"
        allow_files_of(process.process.pid, wal.stat().st_size + 20_000)
        answers = [await create(client, org, f"FULL-{number}") for number in range(40)]
        refused = [answer for answer in answers if answer.status_code != 201]
        assert refused, "the disk was never full"
        for answer in refused:
            unavailable(answer)
        assert answers[-1].status_code == 503
        created = 1 + len(answers) - len(refused)
        # What is there can be read, and is whole.
        listed = await client.get(COMPANIES, headers=org.admin.bearer)
        assert (listed.status_code, listed.json()["meta"]["total"]) == (200, created)
        assert rows(tmp_path / "holdfast.db") == (created, created)
        assert (await client.get("/health/live")).status_code == 200
        # Space is made: it goes on without a restart.
        allow_files_of(process.process.pid, resource.RLIM_INFINITY)
        again = await create(client, org, "AFTER")
        assert again.status_code == 201, again.text
        assert rows(tmp_path / "holdfast.db") == (created + 1, created + 1)


def bound_by_modes() -> tuple[str, ...]:
    """Return what to start a program with so that it obeys file modes, which root does not."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        missing("setpriv")
    return ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


async def test_the_file_cannot_be_written(embedded, tmp_path):
    settings, org = embedded
    path = tmp_path / "holdfast.db"
    before = rows(path)
    content = path.read_bytes()
    logs = tmp_path / "logs"
    logs.mkdir()
    path.chmod(0o444)
    for file in tmp_path.glob("holdfast.db-*"):
        file.unlink()
    tmp_path.chmod(0o555)
    try:
        done = await asyncio.to_thread(
            subprocess.run,
            [*bound_by_modes(), *COMMAND, "--port", str(free_port())],
            env=environment(settings),
            cwd=logs,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        tmp_path.chmod(0o755)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("holdfast: "), done.stderr
    assert "cannot be" in last, last
    assert path.read_bytes() == content
    path.chmod(0o644)
    assert rows(path) == before
    async with served(settings, **UNLIMITED) as (client, _):
        assert (await create(client, org, "AFTER")).status_code == 201


# ── Redis ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_redis_goes_and_the_limits_hold(embedded, tmp_path):
    settings, org = embedded
    port = free_port()
    folder = tmp_path / "redis"
    folder.mkdir()
    more = {
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "TRUSTED_PROXIES": "127.0.0.1",
        "ARGON2_MEMORY_KIB": "64",
        "ARGON2_TIME_COST": "1",
    }

    async def sign_in(client: httpx.AsyncClient, number: int, email: str) -> int:
        body = {"email": email, "password": PASSWORD}
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        return (await client.post("/api/v1/auth/login", json=body, headers=headers)).status_code

    async with served(settings, **more) as (client, process):
        with redis_server(folder, port) as redis:
            counted = redis_keys(port)
            me = [(await client.get("/api/v1/auth/me", headers=org.user.bearer)).status_code for _ in range(30)]
            assert set(me) == {200}
            assert redis_keys(port) > counted, "Redis did not count"
            redis.kill()
            redis.wait()
            began = time.monotonic()
            after = [await client.get("/api/v1/auth/me", headers=org.user.bearer) for _ in range(75)]
            codes = Counter(answer.status_code for answer in after)
            assert set(codes) == {200, 429}, codes
            assert time.monotonic() - began < 20
            # Counting goes on in the process: a fresh minute's worth at most, then the limit holds.
            assert codes[200] <= 60 + int(time.monotonic() - began) + 1, codes
            # What is shared is counted in the database.
            signed_in = Counter([await sign_in(client, number, org.viewer.email) for number in range(1, 15)])
            assert set(signed_in) == {200, 429}, signed_in
            assert 10 <= signed_in[200] <= 12, signed_in
        with redis_server(folder, port):
            await asyncio.sleep(5.5)  # a Redis that failed is asked again after five seconds
            assert (await client.get("/api/v1/auth/me", headers=org.auditor.bearer)).status_code == 200
            assert redis_keys(port) > 0, "Redis is not used again"
        assert process.log.count("redis_unreachable") <= 3, process.log
        assert "Traceback" not in process.log, process.log[-3000:]
