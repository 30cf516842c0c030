"""python -m bench.jobs: background jobs beside Procrastinate (PostgreSQL) and Huey (SQLite) that do the same.

--jobs N (1000), --rounds N (3), --concurrency N (8). A job is enqueued in a transaction of its own; its handler inserts
one row; it is finished. Each side runs in a process of its own, which enqueues first and then drains; CPU is that
process's, and `whole` is both together, which is a job. On SQLite both sides wait for the disk at each commit
(synchronous=FULL with a write-ahead log, Huey by `fsync=True`, which is seen to). Huey commits the taking of a job and
its effect apart, in two files: a job that dies between them is lost; it keeps no record of one that is done either.
Start latency: jobs enqueued one by one, from the commit to the handler, with an engine of another process
(`elsewhere`) and of the same one.
"""

import argparse
import asyncio
import json
import logging
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from uuid import uuid4

import asyncpg
import psycopg_pool
from huey import SqliteHuey
from procrastinate import App, PsycopgConnector

from bench.data import POSTGRES
from holdfast.core.identity.public import ensure_system
from holdfast.kernel.jobs import job
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.kernel.telemetry import configure_logging, settle_garbage_collector
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Work
from holdfast.main import Installation, open_installation
from holdfast.migrations import run

TABLE = "CREATE TABLE bench_effect (number integer PRIMARY KEY)"
INSERT = {
    "sqlite": "INSERT INTO bench_effect VALUES (?)",
    "postgresql": "INSERT INTO bench_effect VALUES ($1)",
    "psycopg": "INSERT INTO bench_effect VALUES (%s)",
}
SYNCHRONOUS, FULL = "PRAGMA synchronous", (2,)
LATE = 60  # jobs whose start is timed
Figures = dict[str, float]
_begun: dict[int, float] = {}


@job("bench.effect.add")
async def add_effect(work: Work, *, number: int) -> None:
    """Insert one row."""
    _begun[number] = time.perf_counter()
    await work.link.execute(INSERT[work.link.dialect], (number,))


class Clock:
    """Wall and CPU time of this process since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), self._spent()

    @staticmethod
    def _spent() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    def told(self, count: int, name: str) -> Figures:
        wall, cpu = time.perf_counter() - self._wall, self._spent() - self._cpu
        return {f"{name} jobs/s": count / wall, f"{name} CPU µs": cpu / count * 1e6}


@asynccontextmanager
async def postgres() -> AsyncIterator[str]:
    name = f"holdfast_bench_{os.getpid()}_{uuid4().hex[:8]}"
    admin = await asyncpg.connect(f"{POSTGRES}/postgres")
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


# ── Holdfast ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def holdfast(dialect: str, jobs: int, concurrency: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        if dialect == "sqlite":
            return await _holdfast(f"sqlite:///{folder}/bench.db", folder, jobs, concurrency)
        async with postgres() as url:
            return await _holdfast(url, folder, jobs, concurrency)


async def _holdfast(url: str, folder: str, jobs: int, concurrency: int) -> Figures:
    settings = Settings(
        database_url=url,
        environment="test",
        holdfast_home=Path(folder),
        jobs_concurrency=concurrency,
        log_level="WARNING",
        _env_file=None,
    )
    configure_logging(settings)
    await run.upgrade(settings)
    home, other = open_installation(settings), open_installation(settings)
    await ensure_system(home.works)
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        await work.link.execute(TABLE)
        if work.link.dialect == "sqlite":
            assert await work.link.fetch(SYNCHRONOUS) == [FULL]
    settle_garbage_collector()
    clock = Clock()
    for number in range(jobs):
        async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
            await work.enqueue(add_effect, number=number)
    told = clock.told(jobs, "enqueue")
    clock, engine = Clock(), home.engine()
    engine.start()
    await _drained(home, jobs)
    told |= clock.told(jobs, "run")

    async def enqueue(number: int) -> None:
        async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
            await work.enqueue(add_effect, number=number)

    told |= await _latency("same process", enqueue, jobs)
    await engine.stop(5)
    home.waker.has_room = lambda: False
    home.waker.start()
    other.waker.start()
    engine = other.engine()
    engine.start()
    await asyncio.sleep(0.5)
    told |= await _latency("elsewhere", enqueue, jobs + LATE)
    await engine.stop(5)
    for each in (home, other):
        await each.waker.stop()
        await each.close()
    return told


async def _drained(home: Installation, count: int) -> None:
    found = 0
    while found < count:
        await asyncio.sleep(0.01)
        link = await home.database.acquire(write=False)
        found = (await link.fetch("SELECT count(*) FROM bench_effect"))[0][0]
        await link.close()


async def _latency(name: str, enqueue: Callable[[int], Awaitable[None]], first: int) -> Figures:
    times = []
    for number in range(first, first + LATE):
        await enqueue(number)
        committed = time.perf_counter()
        while number not in _begun:
            await asyncio.sleep(0.0005)
        times.append(max(0.0, _begun[number] - committed))
        await asyncio.sleep(0.03)
    return {f"start p50 ms, {name}": median(times) * 1000}


# ── the others ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def procrastinate(jobs: int, concurrency: int) -> Figures:
    async with postgres() as url:
        owner = await asyncpg.connect(url)
        await owner.execute(TABLE)
        pool = psycopg_pool.AsyncConnectionPool(url, min_size=concurrency, max_size=concurrency, open=False)
        await pool.open()
        app = App(connector=PsycopgConnector(conninfo=url))

        @app.task(name="add_effect")
        async def add(number: int) -> None:
            _begun[number] = time.perf_counter()
            async with pool.connection() as connection:
                await connection.execute(INSERT["psycopg"], (number,))

        async with app.open_async():
            await app.schema_manager.apply_schema_async()
            clock = Clock()
            for number in range(jobs):
                await add.defer_async(number=number)
            told = clock.told(jobs, "enqueue")
            clock = Clock()
            await app.run_worker_async(concurrency=concurrency, wait=False, install_signal_handlers=False)
            told |= clock.told(jobs, "run")
            assert await owner.fetchval("SELECT count(*) FROM bench_effect") == jobs
            worker = asyncio.create_task(app.run_worker_async(concurrency=concurrency, install_signal_handlers=False))
            await asyncio.sleep(0.5)

            async def enqueue(number: int) -> None:
                await add.defer_async(number=number)

            told |= await _latency("elsewhere", enqueue, jobs)
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        await pool.close()
        await owner.close()
    return told


async def huey(jobs: int, concurrency: int) -> Figures:
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        effects = sqlite3.connect(f"{folder}/effects.db", isolation_level=None, check_same_thread=False, timeout=10)
        effects.execute("PRAGMA journal_mode = WAL")
        effects.execute("PRAGMA synchronous = FULL")
        effects.execute(TABLE)
        queue = SqliteHuey(filename=f"{folder}/queue.db", fsync=True, results=False)
        for each in (queue.storage.conn, effects):
            assert each.execute(SYNCHRONOUS).fetchone() == FULL

        @queue.task()
        def add(number: int) -> None:
            _begun[number] = time.perf_counter()
            effects.execute(INSERT["sqlite"], (number,))

        clock = Clock()
        for number in range(jobs):
            add(number)
        told = clock.told(jobs, "enqueue")
        consumer = queue.create_consumer(workers=concurrency, periodic=False)
        clock = Clock()
        consumer.start()
        while len(_begun) < jobs:
            await asyncio.sleep(0.01)
        told |= clock.told(jobs, "run")

        async def enqueue(number: int) -> None:
            add(number)

        told |= await _latency("same process", enqueue, jobs)
        consumer.stop(graceful=True)
        effects.close()
    return told


# ── side by side ─────────────────────────────────────────────────────────────────────────────────────────────────────

SIDES: dict[str, Callable[[int, int], Awaitable[Figures]]] = {
    "Holdfast, PostgreSQL": lambda jobs, concurrency: holdfast("postgresql", jobs, concurrency),
    "Procrastinate, PostgreSQL": procrastinate,
    "Holdfast, SQLite": lambda jobs, concurrency: holdfast("sqlite", jobs, concurrency),
    "Huey, SQLite": huey,
}
PAIRS = (("Holdfast, PostgreSQL", "Procrastinate, PostgreSQL"), ("Holdfast, SQLite", "Huey, SQLite"))


def measured(side: str, jobs: int, concurrency: int) -> Figures:
    """Return what a side's own process measured."""
    command = [sys.executable, "-m", "bench.jobs", "--side", side, "--jobs", str(jobs), "--concurrency"]
    done = subprocess.run([*command, str(concurrency)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told: Figures = json.loads(done.stdout.splitlines()[-1])
    whole = {"whole jobs/s": 1 / (1 / told["enqueue jobs/s"] + 1 / told["run jobs/s"])}
    whole["whole CPU µs"] = told["enqueue CPU µs"] + told["run CPU µs"]
    return whole | told


def main() -> None:
    """Measure and print the figures and their ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--side", default="")
    asked = parser.parse_args()
    if asked.side:
        print(json.dumps(asyncio.run(SIDES[asked.side](asked.jobs, asked.concurrency))))
        return
    rounds: dict[str, list[Figures]] = {side: [] for side in SIDES}
    for _ in range(asked.rounds):
        for side, found in rounds.items():
            found.append(measured(side, asked.jobs, asked.concurrency))
    names = list(dict.fromkeys(name for found in rounds.values() for name in found[0]))
    print(f"| {asked.jobs} jobs, {asked.concurrency} at once | {' | '.join(names)} |")
    print("|---" * (len(names) + 1) + "|")
    for side, found in rounds.items():
        cells = [f"{median(each[name] for each in found):.1f}" if name in found[0] else "–" for name in names]
        print(f"| {side} | {' | '.join(cells)} |")
    for ours, theirs in PAIRS:
        for name in ("whole jobs/s", "whole CPU µs", "enqueue jobs/s", "run jobs/s", "enqueue CPU µs", "run CPU µs"):
            ratios = [ours_[name] / theirs_[name] for ours_, theirs_ in zip(rounds[ours], rounds[theirs], strict=True)]
            print(f"{ours} / {theirs.partition(',')[0]}: {name} {median(ratios):.2f}")


if __name__ == "__main__":
    main()
