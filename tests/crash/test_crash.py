"""Power cuts: the served program is killed at any moment, and what it acknowledged is there."""

import asyncio
import contextlib
import os
import random
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from holdfast.core.identity.public import ensure_system
from holdfast.kernel.settings import Settings
from holdfast.main import open_installation
from holdfast.migrations import run
from serving import Served, serve
from support import PASSWORD, SECRET, Org, fresh_database, make_org, owner_database

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1800)]

ROUNDS = 50 if os.environ.get("PROVE") == "1" else 3
CLIENTS = 4
COMPANIES = "/api/v1/org/companies"
UNLIMITED = {"RATE_LIMIT_ENABLED": "false"}
STORED = (
    "SELECT code, id FROM company",
    "SELECT entity_id FROM audit_entry WHERE action = 'directory.company.created'",
    "SELECT (SELECT count(*) FROM audit_entry) - (SELECT count(*) FROM ledger_queue)",
)


@dataclass
class Outcome:
    """What clients were told: ids by code of acknowledged creations, and every code that was sent."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    unexpected: list[str] = field(default_factory=list)


@asynccontextmanager
async def founded(dialect: str, **settings_of_test: str) -> AsyncIterator[tuple[Settings, Org]]:
    async with fresh_database(dialect) as made:
        settings = made.model_copy(update=settings_of_test)
        await run.upgrade(settings)
        home = open_installation(settings)
        await ensure_system(home.works)
        org = await make_org(home, password=True)
        await home.close()
        yield settings, org


def create_until_it_dies(url: str, bearer: dict[str, str], outcome: Outcome, stop: threading.Event) -> None:
    with httpx.Client(base_url=url, headers=bearer, timeout=20) as client, contextlib.suppress(httpx.TransportError):
        while not stop.is_set():
            code = uuid4().hex[:16]
            outcome.sent.add(code)
            answer = client.post(COMPANIES, json={"code": code, "name": f"Company {code}"})
            if answer.status_code == 201:
                outcome.acknowledged[code] = answer.json()["id"]
            else:
                outcome.unexpected.append(answer.text)


def kill_while_clients_write(served: Served, org: Org, outcome: Outcome, *, after: float) -> None:
    stop = threading.Event()
    arguments = (served.url, org.admin.bearer, outcome, stop)
    clients = [threading.Thread(target=create_until_it_dies, args=arguments) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(after)
    served.kill()
    stop.set()
    for client in clients:
        client.join()


async def stored(settings: Settings) -> tuple[dict[str, str], list[str], int]:
    """Return the companies (id by code), the ids that creation entries name, and how many entries are not queued."""
    if settings.database_url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(settings.database_url.removeprefix("sqlite:///"))) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert database.execute("PRAGMA foreign_key_check").fetchall() == []
            companies, entries, queued = (database.execute(statement).fetchall() for statement in STORED)
    else:
        async with owner_database(settings) as owner, owner.engine.connect() as connection:
            companies, entries, queued = [(await connection.execute(text(each))).all() for each in STORED]
    plain = {row[0]: str(row[1]).replace("-", "") for row in companies}
    return plain, [str(row[0]).replace("-", "") for row in entries], queued[0][0]


@pytest.mark.parametrize(
    ("database", "synchronous"),
    [("sqlite", "FULL"), ("sqlite", "NORMAL"), ("postgresql", "NORMAL"), ("mysql", "NORMAL")],
)
async def test_no_acknowledged_write_is_lost_by_a_kill(database, synchronous, record_property):
    seed = random.randrange(1 << 30)
    moments = random.Random(seed)
    outcome = Outcome()
    async with founded(database, sqlite_synchronous=synchronous) as (settings, org):
        for number in range(ROUNDS):
            # Each start after the first is one after a crash: `serve` waits until it is ready, and fails if it ends.
            with serve(settings, **UNLIMITED) as served:
                before = len(outcome.acknowledged)
                after = moments.uniform(0.05, 1.0)
                await asyncio.to_thread(kill_while_clients_write, served, org, outcome, after=after)
                assert "Traceback" not in served.log, (seed, number, served.log[-3000:])
            companies, entries, unqueued = await stored(settings)
            where = f"seed {seed}, round {number}, {len(outcome.acknowledged) - before} acknowledged"
            lost = {code for code, id_ in outcome.acknowledged.items() if companies.get(code) != id_.replace("-", "")}
            assert not lost, f"{where}: {len(lost)} acknowledged writes are lost"
            assert set(companies) <= outcome.sent, where
            # Whole or not at all: every company has exactly one entry, also those whose answer never arrived.
            assert sorted(entries) == sorted(companies.values()), where
            assert unqueued == 0, where
            assert not outcome.unexpected, (where, outcome.unexpected[:3])
        record_property("kills", ROUNDS)
        record_property("acknowledged writes", len(outcome.acknowledged))
        record_property("lost", len(lost))
        assert len(outcome.acknowledged) >= ROUNDS, "the clients hardly wrote: the test has shown nothing"
        with serve(settings, **UNLIMITED) as served:
            answer = httpx.post(
                f"{served.url}{COMPANIES}", json={"code": "LAST", "name": "Last"}, headers=org.admin.bearer
            )
            assert answer.status_code == 201, answer.text
            listed = httpx.get(f"{served.url}{COMPANIES}?page_size=1&count=exact", headers=org.admin.bearer)
            assert listed.json()["meta"]["total"] == len(companies) + 1


@pytest.mark.parametrize("workers", [1, 2])
async def test_interrupt_answers_what_it_has_begun_and_ends_well(workers):
    async with founded("sqlite") as (settings, org):
        # A password whose new hash takes its time: the interrupt meets a request that is being answered.
        slow = {"ARGON2_TIME_COST": "80"}
        with serve(settings, workers=workers, by_command=True, **UNLIMITED, **slow) as served:
            body = {"email": org.user.email, "password": PASSWORD}
            async with httpx.AsyncClient(base_url=served.url, timeout=60) as client:
                begun = asyncio.create_task(client.post("/api/v1/auth/login", json=body))
                await asyncio.sleep(0.3)
                assert not begun.done(), "the request was too quick to be in flight"
                code = await asyncio.to_thread(served.stop)
                answer = await begun
            assert code == 0, served.log[-2000:]
            assert answer.status_code == 200, answer.text
            assert "Traceback" not in served.log, served.log[-3000:]
            with pytest.raises(httpx.ConnectError):
                httpx.get(f"{served.url}/health/live")


async def test_a_start_that_is_killed_leaves_a_database_that_starts(tmp_path, record_property):
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/holdfast.db",
        secret_key=SECRET,
        environment="test",
        holdfast_home=tmp_path,
        _env_file=None,
    )
    moments = random.Random(random.randrange(1 << 30))
    for _ in range(ROUNDS):
        with serve(settings, wait=False) as served:
            await asyncio.sleep(moments.uniform(0.5, 4.0))
            served.kill()
            assert "Traceback" not in served.log, served.log[-3000:]
    record_property("kills", ROUNDS)
    with serve(settings) as served:
        assert httpx.get(f"{served.url}{COMPANIES}").status_code == 401
