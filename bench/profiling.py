"""One process, no network: the application called with raw ASGI scopes, for profiles and for the cost of a change.

python -m bench.profiling list|create|me [--place postgresql|sqlite|mysql] [--count N] [--floor] [--profile]

Prints CPU of this process in microseconds a request, the best and the median of ten batches, which a busy machine
moves less than a rate.
"""

import argparse
import asyncio
import cProfile
import itertools
import os
import pstats
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from bench.data import Place, place
from bench.floor import on_postgresql, on_sqlite

BATCHES = 10
TARGETS = {
    "list": ("GET", "/api/v1/org/companies", b"page_size=50", 200),
    "create": ("POST", "/api/v1/org/companies", b"", 201),
    "me": ("GET", "/api/v1/auth/me", b"", 200),
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

    async def ask(app: Any) -> None:
        body = b"" if method == "GET" else b'{"code":"P-%d","name":"Profiled %d"}' % ((next(_numbers),) * 2)
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
    parser.add_argument("--place", default="postgresql", choices=["postgresql", "sqlite", "mysql"])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        async with place(asked.place, Path(folder), synchronous="NORMAL") as at:
            os.environ.update(at.environment)
            await measure(asked, at)


async def measure(asked: argparse.Namespace, at: Place) -> None:
    """Run the batches inside the application's lifespan."""
    if asked.floor:
        app: Any = on_sqlite(at.floor) if asked.place == "sqlite" else on_postgresql(at.floor)
    else:
        from holdfast.main import app_factory  # noqa: PLC0415  it reads the environment of the place

        sys.stdout.flush()
        kept = os.dup(1)
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)  # the access log is written, but not between the figures
        app = app_factory()
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
    ask = requests(asked.case, at)
    for _ in range(300):
        await ask(app)
    taken = []
    for _ in range(BATCHES):
        begun = time.process_time()
        for _ in range(asked.count // BATCHES):
            await ask(app)
        taken.append((time.process_time() - begun) / (asked.count // BATCHES) * 1e6)
    print(
        f"{asked.case} {asked.place}{' floor' if asked.floor else ''}: best {min(taken):.0f} µs, "
        f"median {median(taken):.0f} µs of CPU a request",
        file=sys.stderr,
    )
    if asked.profile:
        profile = cProfile.Profile()
        profile.enable()
        for _ in range(asked.count):
            await ask(app)
        profile.disable()
    stop.set()
    await life
    if asked.profile:
        if not asked.floor:
            os.dup2(kept, 1)
        stats = pstats.Stats(profile)
        stats.sort_stats("tottime").print_stats(60)
        stats.sort_stats("cumulative").print_stats(110)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
