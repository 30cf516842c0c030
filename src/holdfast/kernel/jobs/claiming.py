"""Choosing what a worker does next: by priority and time, within what a tenant may run at once, no tenant starved."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from holdfast.kernel.clock import Clock
from holdfast.kernel.engines import Database, Link
from holdfast.kernel.ids import new_id
from holdfast.kernel.jobs import statements
from holdfast.kernel.jobs.declaration import JOBS, Priority
from holdfast.kernel.jobs.running import Claimed
from holdfast.kernel.jobs.statements import database_now, fetch, run

T = TypeVar("T")
Pair = tuple[UUID, str]


class _Start(NamedTuple):
    """What is written of every job that a worker takes at once."""

    worker_id: UUID
    lease_token: UUID
    lease_until: datetime
    started_at: datetime


@dataclass(slots=True)
class _Choice:
    """What was chosen so far, what runs already, and what may not be chosen any more."""

    free: int
    share: int
    running: Counter[Pair]
    mine: Counter[UUID]
    chosen: list[Claimed] = field(default_factory=list)
    tenants: set[UUID] = field(default_factory=set)
    pairs: set[Pair] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def take(self, row: Claimed, *, fair: bool) -> bool:
        """Tell whether a job may be taken; note what stands against it: its limit, or its tenant's share."""
        job, pair = JOBS.get(row.name), (row.tenant_id, row.name)
        if job is None:
            self.names.add(row.name)  # a newer version's: its workers do it
        elif job.concurrency is not None and self.running[pair] >= job.concurrency:
            self.pairs.add(pair)
        elif fair and self.mine[row.tenant_id] >= self.share:
            self.tenants.add(row.tenant_id)
        else:
            self.running[pair] += 1
            self.mine[row.tenant_id] += 1
            self.free -= 1
            return True
        return False


async def claim(
    database: Database, clock: Clock, worker_id: UUID, *, free: int, slots: int, mine: Counter[UUID], lease: timedelta
) -> list[Claimed]:
    """Take up to `free` jobs for a worker that has `slots`, of which tenants hold `mine`, and commit that.

    One worker chooses at a time, so that no limit is passed. Half of a worker's slots are for other tenants than the
    one that came first, while they have something to do.
    """
    link = await database.acquire(write=True)
    try:
        await fetch(link, statements.gate, {})
        now = await database_now(link, clock)
        counts = {(tenant_id, name): count for tenant_id, name, count in await fetch(link, statements.running, {})}
        choice = _Choice(free, max(1, slots // 2), Counter(counts), mine)
        start = _Start(worker_id, new_id(), now + lease, now)
        await _choose(link, choice, start, fair=True)
        if choice.tenants:
            choice.tenants.clear()
            await _choose(link, choice, start, fair=False)
        await link.commit()
        return choice.chosen
    finally:
        await link.close()


async def queue_lag(link: Link, clock: Clock) -> float:
    """Return for how many seconds the job that has waited longest has been due."""
    now = await database_now(link, clock)
    firsts = [await fetch(link, statements.oldest, {"priority": each}) for each in Priority]
    due: list[datetime] = [rows[0][0] for rows in firsts if rows]
    return max([0.0, *((now - each).total_seconds() for each in due)])


async def _choose(link: Link, choice: _Choice, start: _Start, *, fair: bool) -> None:
    """Take what goes first until there is no room or nothing left; what may not be taken is left out next time."""
    left_out = True
    while choice.free and left_out:
        wanted = choice.free
        lists = (sorted(choice.tenants), sorted(choice.pairs), sorted(choice.names))
        tenants, pairs, names = (_padded(each) for each in lists)
        values: dict[str, object] = {"now": start.started_at, "limit": wanted}
        values |= {f"tenant{at}": each for at, each in enumerate(tenants)}
        values |= {f"of{at}": each[0] for at, each in enumerate(pairs)}
        values |= {f"pair{at}": each[1] for at, each in enumerate(pairs)}
        values |= {f"name{at}": each for at, each in enumerate(names)}
        sizes = (len(tenants), len(pairs), len(names))
        found = [Claimed(*row) for row in await fetch(link, statements.candidates, values, *sizes)]
        taken = [row for row in found if choice.take(row, fair=fair)]
        left_out = len(taken) < len(found)
        if taken:
            ids = _padded([row.id for row in taken])
            placed = {f"id{at}": each for at, each in enumerate(ids)}
            unique = any(row.unique_key is not None for row in taken)
            await run(link, statements.start, {**start._asdict(), **placed}, len(ids), unique)
            choice.chosen += [row._replace(token=start.lease_token, attempts=row.attempts + 1) for row in taken]


def _padded(values: list[T]) -> list[T]:
    """Return the values, the last one repeated up to a power of two: few forms of a statement are compiled."""
    room = 1 << (len(values) - 1).bit_length() if values else 0
    return values + values[-1:] * (room - len(values))
