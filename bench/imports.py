"""python -m bench.imports: import, change and undo 100,000 people on PostgreSQL, with the trail.

--people N (100000), --place postgresql|sqlite|mysql, --format csv|xlsx. Prints seconds, the process's own processor
seconds, and by how much its memory grew at the most. --strict: exit 1 where adding them takes more than 60 seconds.
"""

import argparse
import asyncio
import io
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from bench.data import SECRET, _database
from holdfast.core.directory.public import plan_of
from holdfast.core.directory.service.imports import import_people
from holdfast.core.directory.service.people_files import read_people
from holdfast.core.directory.service.sheets import SheetWriter
from holdfast.core.directory.service.undoing import undo_import
from holdfast.core.identity.public import ensure_system, found_tenant
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import Installation, open_installation
from holdfast.migrations import run

HEADING = (
    *("number", "given_name", "family_name", "email", "phone"),
    *("job_title", "department", "manager_number", "start_date", "status"),
)
PROMISED = 60.0


def rows(count: int, title: str) -> Iterator[list[str]]:
    """Yield people, ten under each superior."""
    for n in range(count):
        number, leader = f"E-{n:06}", f"E-{n // 10:06}" if n else ""
        names = [f"Given{n % 977}", f"Family{n % 9973}", f"p{n}@example.org", f"+44 20 7946 {n % 10000:04}"]
        yield [number, *names, title, f"Unit {n % 50}", leader, "2024-02-01", "active"]


def content(count: int, title: str, how: str) -> bytes:
    """Return the file."""
    if how == "csv":
        return "\n".join(",".join(row) for row in (HEADING, *rows(count, title))).encode()
    writer, target = SheetWriter(HEADING), io.BytesIO()
    writer.add(rows(count, title))
    writer.save(target)
    return target.getvalue()


def resident() -> float:
    """Return the memory of this process, in megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@contextmanager
def measured(what: str, found: dict[str, float]) -> Iterator[None]:
    """Print and keep how long a step takes and how far memory grows meanwhile."""
    before, highest, running = resident(), resident(), True

    def watch() -> None:
        nonlocal highest
        while running:
            highest = max(highest, resident())
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    wall, own = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        found[what] = time.perf_counter() - wall
        own = time.process_time() - own
        running = False
        watcher.join()
        print(f"{what}: {found[what]:.1f} s, {own:.1f} s of its own, {highest - before:+.0f} MB", flush=True)


async def steps(home: Installation, tenant_id: UUID, count: int, how: str) -> dict[str, float]:
    """Read, add, change, look again, and undo both."""
    found: dict[str, float] = {}
    runs: list[UUID] = []
    for what, title, mode in (
        ("add", "Nurse", "insert"),
        ("change", "Doctor", "upsert"),
        ("again", "Doctor", "upsert"),
    ):
        data = content(count, title, how)
        with measured(f"{what}: read", found):
            file = await read_people(data, file_name=f"people.{how}", plan=plan_of(mode=mode))
        with measured(what, found):
            async with home.works.begin(tenant_id, SYSTEM) as work:
                report = await import_people(work, file)
        assert (report.created, report.updated, report.unchanged).count(count) == 1, report
        if report.id is not None and not report.unchanged:
            runs.append(report.id)
        del data, file
    for what, run_id in zip(("undo the change", "undo the addition"), reversed(runs), strict=True):
        with measured(what, found):
            async with home.works.begin(tenant_id, SYSTEM) as work:
                await undo_import(work, import_id=run_id)
    return found


async def main() -> int:
    """Measure; return 1 with --strict where the promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.imports", description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--place", choices=("postgresql", "sqlite", "mysql"), default="postgresql")
    parser.add_argument("--format", choices=("csv", "xlsx"), default="csv")
    parser.add_argument("--strict", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        async with _database(asked.place, f"holdfast_bench_imports_{new_id().hex[-8:]}", Path(name)) as addresses:
            settings = Settings(_env_file=None, secret_key=SECRET, environment="test", holdfast_home=Path(name),
                                **{key.lower(): value for key, value in addresses.items()})  # type: ignore[arg-type,call-arg]  # fmt: skip
            await run.upgrade(settings)
            home = open_installation(settings)
            try:
                await ensure_system(home.works)
                tenant_id = new_id()
                async with home.works.begin(tenant_id, SYSTEM) as work:
                    await found_tenant(work, slug="bench", name="Bench", country="GB")
                found = await steps(home, tenant_id, asked.people, asked.format)
            finally:
                await home.close()
    taken = found["add: read"] + found["add"]
    print(f"{asked.people} people from {asked.format} on {asked.place}: {taken:.1f} s, at most {PROMISED:.0f}")
    return int(asked.strict and taken > PROMISED)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
