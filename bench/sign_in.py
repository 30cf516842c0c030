"""python -m bench.sign_in: signing in against bare Argon2, `auth/me` beside a flood of sign-ins, the query at the door.

--seconds S (3), --rounds N (3), --users N (1000000), --only rate,flood,door. On PostgreSQL. The floor of signing in is
bare Starlette that verifies the same hash in a pool of as many threads. The query's time is that of a round trip with
it less that of one with `SELECT 1`, medians of 2,000 each, taking turns.
"""

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

import asyncpg
import uvicorn
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.data import POSTGRES, Place, place
from bench.load import Sample, load
from bench.report import OUT
from bench.servers import Server, free_port, get, post, ready, served
from holdfast.core.identity.public import add_user
from holdfast.kernel.clock import system_clock
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import open_installation

PASSWORD = "a password of the benchmarks"
EMAIL = "signing.in@bench.test"
CONNECTIONS, TURNS = 8, 2_000
DOOR = "SELECT * FROM holdfast_authenticate($1, $2, $3)"
USERS = """
INSERT INTO user_account (tenant_id, id, email, email_key, name, name_key, kind, status, demo, version, created_at,
                          updated_at, deleted_key)
SELECT $1, gen_random_uuid(), 'u' || n || '@many.test', 'u' || n || '@many.test', 'User ' || n, 'user ' || n, 'person',
       'active', false, 1, now(), now(), '00000000-0000-0000-0000-000000000000'
FROM generate_series(1, $2) n
"""
SESSIONS = """
INSERT INTO session (tenant_id, id, user_id, kind, secret_hash, signed_in_at, verified_at, second_factor, last_seen_at,
                     idle_expires_at, expires_at)
SELECT u.tenant_id, gen_random_uuid(), u.id, 'token', '\\x00', now(), now(), false, now(), now() + interval '1 day',
       now() + interval '1 day'
FROM user_account u WHERE u.tenant_id = $1
"""
ROLES = """
INSERT INTO role_assignment (tenant_id, id, user_id, role, role_key, scope_key, given_at, ended_key)
SELECT u.tenant_id, gen_random_uuid(), u.id, 'Viewer', 'Viewer', '00000000-0000-0000-0000-000000000000', now(),
       '00000000-0000-0000-0000-000000000000'
FROM user_account u WHERE u.tenant_id = $1 AND u.email LIKE '%@many.test'
"""


def bare(stored: str) -> Starlette:
    """Return an application that only verifies a password against a hash."""
    hasher, pool = PasswordHasher(), ThreadPoolExecutor(os.cpu_count() or 1)

    async def login(request: Request) -> Response:
        sent = json.loads(await request.body())
        await asyncio.get_running_loop().run_in_executor(pool, hasher.verify, stored, sent["password"])
        return Response(b"{}", media_type="application/json")

    async def good(_: Request) -> Response:
        return Response(b"ok")

    routes = [Route("/api/v1/auth/login", login, methods=["POST"]), Route("/health/ready", good)]
    return Starlette(routes=routes)


def serve_floor() -> None:
    """Serve the handler that only verifies: what `--floor PORT HASH` starts."""
    port, stored = int(sys.argv[2]), sys.argv[3]
    uvicorn.run(bare(stored), host="127.0.0.1", port=port, log_level="error", access_log=False)


async def sample(
    port: int, process: int, requests: Iterator[bytes], seconds: float, *, backends: Callable[[], list[int]] = list
) -> Sample:
    """Return one round of a server."""
    return await load(
        port,
        requests,
        status=b"200",
        seconds=seconds,
        connections=CONNECTIONS,
        server=process,
        backends=backends,
    )


def signing_in(at: Place) -> Iterator[bytes]:
    """Return sign-ins without end."""
    body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
    return itertools.repeat(post(at, "/api/v1/auth/login", body))


async def rate(server: Server, at: Place, stored: str, asked: argparse.Namespace) -> None:
    """Print how many sign-ins a second there are beside the floor's."""
    port = free_port()
    command = [sys.executable, "-m", "bench.sign_in", "--floor", str(port), stored]
    log = OUT / "sign_in_floor.log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as floor:
        try:
            await ready(port, floor, log)
            ratios = []
            for _ in range(asked.rounds):
                bare = await sample(port, floor.pid, signing_in(at), asked.seconds)
                ours = await sample(server.port, server.process.pid, signing_in(at), asked.seconds)
                assert not bare.failures
                assert not ours.failures
                ratios.append(ours.rate / bare.rate)
                print(f"sign-ins a second: bare Argon2 {bare.rate:.1f}, Holdfast {ours.rate:.1f}", flush=True)
        finally:
            floor.terminate()
    print(f"sign-in: rate / bare Argon2's   {median(ratios):.2f}   ≥ 0.9", flush=True)


async def flood(server: Server, at: Place, asked: argparse.Namespace) -> None:
    """Print the 99th percentile of `auth/me` with and without a flood of sign-ins beside it."""
    me = itertools.repeat(get(at, "/api/v1/auth/me"))
    ratios = []
    for _ in range(asked.rounds):
        quiet = await sample(server.port, server.process.pid, me, asked.seconds)
        flooding = asyncio.create_task(sample(server.port, server.process.pid, signing_in(at), asked.seconds + 1))
        await asyncio.sleep(0.5)
        beside = await sample(server.port, server.process.pid, me, asked.seconds)
        await flooding
        ratios.append(beside.p99 / quiet.p99)
        print(f"auth/me p99: quiet {quiet.p99:.1f} ms, beside a flood {beside.p99:.1f} ms", flush=True)
    print(f"auth/me: p99 beside a flood of sign-ins / quiet   {median(ratios):.2f}   ≤ 3", flush=True)


async def door(at: Place, users: int) -> None:
    """Print what the query at the door takes of the database's time among very many users."""
    owner = await asyncpg.connect(f"{POSTGRES}/{at.name}")
    await owner.execute(USERS.replace("$1", f"'{at.floor.tenant_id}'").replace("$2", str(users)))
    for statement in (SESSIONS, ROLES):
        # A foreign key is checked by a plan made from what is known of the table, which was empty a moment ago.
        await owner.execute("ANALYZE user_account")
        await owner.execute(statement.replace("$1", f"'{at.floor.tenant_id}'"))
    await owner.execute("VACUUM ANALYZE")
    some = await owner.fetch("SELECT id FROM session ORDER BY id LIMIT 2000 OFFSET 1000")
    await owner.close()
    link = await asyncpg.connect(at.environment["DATABASE_URL"])
    query, nothing = await link.prepare(DOOR), await link.prepare("SELECT 1")
    times: dict[str, list[float]] = {"door": [], "nothing": []}
    for row in some[:TURNS]:
        async with link.transaction():
            begun = time.perf_counter()
            found = await query.fetch(at.floor.tenant_id, row["id"], system_clock())
            times["door"].append(time.perf_counter() - begun)
            assert found
            begun = time.perf_counter()
            await nothing.fetch()
            times["nothing"].append(time.perf_counter() - begun)
    await link.close()
    taken = (median(times["door"]) - median(times["nothing"])) * 1e6
    print(f"query at the door among {users:,} users   {taken:.0f} µs of database time   ≤ 150 µs", flush=True)


async def add_who_signs_in(at: Place) -> str:
    """Add the user who signs in; return the hash of the password."""
    home = open_installation(Settings(_env_file=None, **{k.lower(): v for k, v in at.environment.items()}))  # type: ignore[arg-type,call-arg]
    stored = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1).hash(PASSWORD)
    async with home.works.begin(at.floor.tenant_id, SYSTEM) as work:
        await add_user(work, email=EMAIL, name="Signing In", password_hash=stored, roles=["Viewer"])
    await home.close()
    return stored


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.sign_in", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--only", default="rate,flood,door")
    asked = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        async with place("postgresql", Path(folder)) as made:
            # Its limits would stop what is measured, and only production insists on them.
            at = replace(
                made, environment={**made.environment, "ENVIRONMENT": "staging", "RATE_LIMIT_ENABLED": "false"}
            )
            stored = await add_who_signs_in(at)
            wanted = asked.only.split(",")
            if {"rate", "flood"} & set(wanted):
                async with served(at, floor=False, log=OUT / "sign_in.log") as server:
                    if "rate" in wanted:
                        await rate(server, at, stored, asked)
                    if "flood" in wanted:
                        await flood(server, at, asked)
            if "door" in wanted:
                await door(at, asked.users)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--floor"]:
        serve_floor()
    else:
        asyncio.run(main())
