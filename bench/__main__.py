"""python -m bench: measure, print, write bench/out/bench.json.

--seconds S (2), --rounds N (5), --only list,create,me,routes,start,demo, --places postgresql,sqlite,mysql, --strict
(exit 1 where a promise is not kept), --write-docs (docs/reference/performance.md).
For profiles: python -m bench.profiling.
"""

import argparse
import asyncio
import contextlib
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import routing
from bench.data import CONNECTIONS, Place, place
from bench.demo import measure_demo
from bench.load import Sample, load, memory, middle
from bench.report import NAMES, OUT, TITLES, Results, judge, table, write, write_page
from bench.servers import Server, get, post, served
from holdfast.kernel.discovery.routing import Alias, IndexedRouter

WARM_SECONDS = 1.0
_numbers = itertools.count(int(time.time() * 1000) % 10**9 * 1000)


def requests_of(case: str, at: Place) -> Iterator[bytes]:
    """Return the requests of a case without end."""
    if case == "list":
        return itertools.repeat(get(at, "/api/v1/org/companies?page_size=50"))
    if case == "me":
        return itertools.repeat(get(at, "/api/v1/auth/me"))
    return (
        post(at, "/api/v1/org/companies", b'{"code":"NEW-%d","name":"New Works %d"}' % (number, number))
        for number in _numbers
    )


async def sample(case: str, server: Server, seconds: float) -> Sample:
    """Return one round of one server."""
    return await load(
        server.port,
        requests_of(case, server.place),
        status=b"201" if case == "create" else b"200",
        seconds=seconds,
        connections=CONNECTIONS,
        server=server.process.pid,
        backends=server.backends,
    )


async def measure(
    cases: list[str], places: list[str], folder: Path, rounds: int, seconds: float
) -> dict[str, dict[str, list[Sample]]]:
    """Return the samples of every case and server, servers taking turns in every round."""
    OUT.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, list[Sample]]] = {case: {} for case in cases}
    async with contextlib.AsyncExitStack() as stack:
        servers: dict[str, Server] = {}

        async def start(name: str, at: Place, *, floor: bool = False) -> None:
            log = OUT / f"{name}.log"
            servers[name] = await stack.enter_async_context(served(at, floor=floor, log=log))

        if "postgresql" in places:
            at = await stack.enter_async_context(place("postgresql", folder))
            await start("floor", at, floor=True)
            await start("postgresql", at)
        if "sqlite" in places:
            for mode in ("NORMAL", "FULL"):
                at = await stack.enter_async_context(place("sqlite", folder, synchronous=mode))
                await start(f"sqlite_{mode.lower()}", at)
                if mode == "NORMAL":
                    await start("floor_sqlite", at, floor=True)
        if "mysql" in places:
            at = await stack.enter_async_context(place("mysql", folder))
            await start("mysql", at)
        for case in cases:
            for server in servers.values():
                await sample(case, server, WARM_SECONDS)
            names = list(servers)
            for number in range(rounds):
                for name in names if number % 2 == 0 else reversed(names):
                    found[case].setdefault(name, []).append(await sample(case, servers[name], seconds))
            show = ", ".join(f"{NAMES[name]} {middle(found[case][name]).rate:.0f}/s" for name in names)
            print(f"{TITLES[case]}: {show}", flush=True)
    return found


async def measure_routes() -> dict[str, float]:
    """Return what the router adds with 800 routes, in microseconds."""
    router = IndexedRouter(routes=routing.table(), alias=Alias())
    last_path = f"/api/v1/app{routing.APPS - 1}/folder{routing.FOLDERS - 1}/7/notes/9"
    first = await routing.microseconds(router, "GET", "/api/v1/app0/folder0")
    last = await routing.microseconds(router, "POST", last_path)
    return {
        "routes_last_adds": last - first,
        "routes_404": await routing.microseconds(router, "GET", last_path + "/nowhere"),
        "routes_405": await routing.microseconds(router, "DELETE", last_path),
    }


async def measure_start(folder: Path) -> dict[str, float]:
    """Return the seconds of import and of start to the first ready, and the memory of a server that has served."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import holdfast.main"], check=True)
    imported = time.perf_counter() - begun
    async with place("sqlite", folder, synchronous="NORMAL") as at:
        best, idle = float("inf"), 0.0
        for _ in range(3):
            async with served(at, floor=False, log=OUT / "start.log") as server:
                best = min(best, server.started)
                await asyncio.sleep(1)
                idle = memory(server.process.pid)
    return {"import_seconds": imported, "start_seconds": best, "idle_megabytes": idle}


async def main() -> int:
    """Measure what was asked for; return 1 with --strict where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="list,create,me,routes,start,demo")
    parser.add_argument("--places", default="postgresql,sqlite,mysql")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--write-docs", action="store_true")
    asked = parser.parse_args()
    only, places = asked.only.split(","), asked.places.split(",")
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        cases = [case for case in TITLES if case in only]
        rounds = await measure(cases, places, folder, asked.rounds, asked.seconds) if cases else {}
        extra = await measure_routes() if "routes" in only else {}
        if "start" in only:
            extra |= await measure_start(folder)
        if "demo" in only:
            extra |= await measure_demo(folder)
    results: Results = {case: {name: middle(each) for name, each in found.items()} for case, found in rounds.items()}
    lines = judge(rounds, extra)
    print("\n".join(table(results)))
    for line in lines:
        print(line.text())
    write(results, rounds, extra, lines)
    if asked.write_docs:
        write_page(results, extra, lines, rounds=asked.rounds, seconds=asked.seconds)
    return int(asked.strict and not all(line.passed for line in lines))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
