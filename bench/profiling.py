"""One process, no network: the application called with raw ASGI scopes, for profiles and for the cost of a change.

python -m bench.profiling list|create|me|login [--place postgresql|sqlite] [--count N] [--profile]

Prints CPU of this process in microseconds a request beside the floor's, the tenth part of short batches that take
turns: what a busy machine moves least.
"""

import argparse
import asyncio
import cProfile
import itertools
import json
import os
import pstats
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

from bench.data import Place, place
from bench.floor import on_postgresql, on_sqlite
from bench.sign_in import EMAIL, PASSWORD, add_who_signs_in, bare
from holdfast.main import app_factory

BATCH = 20
TARGETS = {
    "list": ("GET", "/api/v1/org/companies", b"page_size=50", 200),
    "create": ("POST", "/api/v1/org/companies", b"", 201),
    "me": ("GET", "/api/v1/auth/me", b"", 200),
    "login": ("POST", "/api/v1/auth/login", b"", 200),
}
_numbers = itertools.count(time.time_ns() % 10**12)


def requests(case: str, at: Place) -> Any:
    """Return a function that asks the application once and checks the status."""
    method, path, query, expected = TARGETS[case]
    headers = [
        (b"host", b"127.0.0.1:8000"),
        (b"user-agent", b"bench"),
        (b"accept", b"*/*"),
        (b"authorization", b"Bearer " + at.token.encode()),
    ]
    if method == "POST":
        headers.append((b"content-type", b"application/json"))

    def body_of() -> bytes:
        if case == "login":
            return json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
        return b"" if method == "GET" else b'{"code":"P-%d","name":"Profiled %d"}' % ((next(_numbers),) * 2)

    async def ask(app: Any) -> None:
        body = body_of()
        answered: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answered.append(message["status"])

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "root_path": "",
            "headers": list(headers),
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "state": {},
        }
        await app(scope, receive, send)
        assert answered == [expected], answered

    return ask


async def main() -> None:
    """Measure one case, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.profiling", description=__doc__)
    parser.add_argument("case", choices=sorted(TARGETS))
    parser.add_argument("--place", default="postgresql", choices=["postgresql", "sqlite"])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        async with place(asked.place, Path(folder), synchronous="NORMAL") as at:
            os.environ.update(at.environment)
            floor = on_sqlite(at.floor) if asked.place == "sqlite" else on_postgresql(at.floor)
            if asked.case == "login":
                os.environ.update({"ENVIRONMENT": "staging", "RATE_LIMIT_ENABLED": "false"})
                floor = bare(await add_who_signs_in(at))
            await measure(asked, at, floor)


@asynccontextmanager
async def alive(app: Any) -> AsyncIterator[Any]:
    """Keep an application's lifespan open."""
    stop, started = asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, str]:
        if not started.is_set():
            return {"type": "lifespan.startup"}
        await stop.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: dict[str, str]) -> None:
        assert "failed" not in message["type"], message
        started.set()

    life = asyncio.create_task(app({"type": "lifespan", "state": {}}, receive, send))
    await started.wait()
    yield app
    stop.set()
    await life


async def measure(asked: argparse.Namespace, at: Place, floor_app: Any) -> None:
    """Run batches of the floor and of ours in turns."""
    ask = requests(asked.case, at)
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # the access log is written, but not between the figures
    profile = cProfile.Profile(time.thread_time)  # the time of others on a busy machine is not ours
    async with alive(floor_app) as floor, alive(app_factory()) as ours:
        taken: dict[str, list[float]] = {"floor": [], "ours": []}
        for number in range(-5, asked.count // BATCH):
            for name, app in (("floor", floor), ("ours", ours)):
                begun = time.process_time()
                for _ in range(BATCH):
                    await ask(app)
                if number >= 0:
                    taken[name].append((time.process_time() - begun) / BATCH * 1e6)
        if asked.profile:
            profile.enable()
            for _ in range(asked.count):
                await ask(ours)
            profile.disable()
    os.dup2(kept, 1)
    best = {name: sorted(each)[len(each) // 10] for name, each in taken.items()}
    print(
        f"{asked.case} {asked.place}: {best['ours']:.0f} µs, floor {best['floor']:.0f} µs, "
        f"ratio {best['ours'] / best['floor']:.2f}"
    )
    if asked.profile:
        stats = pstats.Stats(profile)
        print(f"{stats.total_calls / asked.count:.0f} calls a request")  # type: ignore[attr-defined]
        stats.sort_stats("tottime").print_stats(60)
        stats.sort_stats("cumulative").print_stats(130)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
