"""Choosing what a worker does next: by priority and time, within what a tenant may run at once, no tenant starved.

What goes first is looked at first. Where some of that may not run now, lanes, which are a tenant's jobs of one kind,
take turns: a step goes from lane to lane by an index and reads nothing of how much waits in one.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from holdfast.kernel.clock import Clock
from holdfast.kernel.db import NOBODY
from holdfast.kernel.engines import Database, Link
from holdfast.kernel.ids import new_id
from holdfast.kernel.jobs import statements
from holdfast.kernel.jobs.declaration import JOBS, Priority
from holdfast.kernel.jobs.outcomes import Observer
from holdfast.kernel.jobs.running import Claimed
from holdfast.kernel.jobs.statements import database_now, fetch, run

T = TypeVar("T")
Pair = tuple[UUID, str]
STEPS = 64  # lanes that one claim looks at, at most; the next one goes on from there


class _Start(NamedTuple):
    """What is written of every job that a worker takes at once."""

    worker_id: UUID
    lease_token: UUID
    lease_until: datetime
    started_at: datetime


@dataclass(slots=True)
class Turn:
    """The lane that was looked at last; a worker keeps it from claim to claim."""

    tenant_id: UUID = NOBODY
    name: str = ""
    beyond: bool = False  # whether the tenant's other lanes are passed over


@dataclass(frozen=True, slots=True)
class Room:
    """What a worker has room for: of `slots`, `free` ones are not taken, and tenants hold `mine`.

    A job takes `each` of them, one of the `short` ones a single one.
    """

    slots: int
    free: int
    mine: Counter[UUID]
    each: int = 1
    short: Collection[str] = ()

    def needed(self, name: str) -> int:
        """Return how many slots a job takes."""
        return 1 if name in self.short else self.each


@dataclass(slots=True)
class _Choice:
    """What was chosen so far, what runs already, and whether something was left out for its limit or its tenant's."""

    room: Room
    free: int
    running: Counter[Pair]
    mine: Counter[UUID]
    chosen: list[Claimed] = field(default_factory=list)
    limited: bool = False
    shared: bool = False

    def take(self, row: Claimed, *, fair: bool) -> bool:
        """Tell whether a job may be taken, and count it; note what stands against it."""
        job, pair = JOBS.get(row.name), (row.tenant_id, row.name)
        if job is None:
            return False  # a newer version's: its workers do it
        if job.concurrency is not None and self.running[pair] >= job.concurrency:
            self.limited = True
            return False
        if fair and self.has_share(row.tenant_id):
            self.shared = True
            return False
        needed = self.room.needed(row.name)
        if needed > self.free:
            self.free = 0  # what comes after it must not overtake it for ever
            return False
        self.running[pair] += 1
        self.mine[row.tenant_id] += needed
        self.free -= needed
        return True

    def has_share(self, tenant_id: UUID) -> bool:
        """Tell whether a tenant has what is its while others have something to do."""
        return self.mine[tenant_id] >= max(1, self.room.slots // 2)


async def claim(
    database: Database,
    clock: Clock,
    worker_id: UUID,
    turn: Turn,
    room: Room,
    *,
    lease: timedelta,
) -> tuple[list[Claimed], bool]:
    """Take the jobs for which a worker has room, and commit that.

    Return them, and whether others are due that wait for room or for a limit. One worker chooses at a time, so that no
    limit is passed. Half of a worker's slots are for other tenants than the one that came first, while they have
    something to do.
    """
    link = await database.acquire(write="together")
    try:
        await fetch(link, statements.gate, {})
        now = await database_now(link, clock)
        counts = {(tenant_id, name): count for tenant_id, name, count in await fetch(link, statements.running, {})}
        choice = _Choice(room, room.free, Counter(counts), Counter(room.mine))
        start = _Start(worker_id, new_id(), now + lease, now)
        await _choose(link, choice, start, turn, fair=True)
        if choice.free and choice.shared:
            await _choose(link, choice, start, turn, fair=False)
        await link.commit()
        return choice.chosen, choice.limited or not choice.free
    finally:
        await link.close()


async def queue_lag(link: Link, clock: Clock) -> float:
    """Return for how many seconds the job that has waited longest has been due."""
    now = await database_now(link, clock)
    firsts = [await fetch(link, statements.oldest, {"priority": each}) for each in Priority]
    due: list[datetime] = [rows[0][0] for rows in firsts if rows]
    return max([0.0, *((now - each).total_seconds() for each in due)])


async def count_queue(database: Database, clock: Clock, seen: Observer) -> None:
    """Tell an observer how many jobs are in each state, and how late the latest one is."""
    link = await database.acquire(write=False)
    try:
        seen.queued(dict(await fetch(link, statements.backlog, {})), await queue_lag(link, clock))
    finally:
        await link.close()


async def _choose(link: Link, choice: _Choice, start: _Start, turn: Turn, *, fair: bool) -> None:
    """Take what goes first, one priority after the other, until there is no room or nothing left."""
    for priority in Priority:
        if not choice.free:
            return
        wanted = choice.free
        values = {"now": start.started_at, "priority": priority, "limit": wanted}
        found = [Claimed(*row) for row in await fetch(link, statements.candidates, values)]
        await _begin(link, choice, start, [row for row in found if choice.take(row, fair=fair)])
        if len(found) == wanted:
            await _take_turns(link, choice, start, turn, priority, fair=fair)


async def _take_turns(
    link: Link, choice: _Choice, start: _Start, turn: Turn, priority: Priority, *, fair: bool
) -> None:
    """Take one job of each lane that may run more, lap after lap, from where the last claim stopped."""
    steps, took = STEPS, True
    while choice.free and took:
        taken: list[Claimed] = []
        seen: set[Pair] = set()
        while choice.free and steps:
            steps -= 1
            row = await _next_lane(link, turn, {"now": start.started_at, "priority": priority})
            if row is None or (row.tenant_id, row.name) in seen:
                break
            seen.add((row.tenant_id, row.name))
            turn.tenant_id, turn.name, turn.beyond = row.tenant_id, row.name, False
            if choice.take(row, fair=fair):
                taken.append(row)
            else:
                turn.beyond = fair and choice.has_share(row.tenant_id)
        await _begin(link, choice, start, taken)
        took = bool(taken)


async def _next_lane(link: Link, turn: Turn, values: dict[str, object]) -> Claimed | None:
    """Lock what goes first in the lane after the last one, after the last of all in the first; None where none is."""
    rows: list[tuple[object, ...]] = []
    if not turn.beyond:
        rows = await fetch(link, statements.lane, values | {"tenant_id": turn.tenant_id, "name": turn.name})
    for tenant_id in (turn.tenant_id, NOBODY):
        rows = rows or await fetch(link, statements.lane_beyond, values | {"tenant_id": tenant_id})
    return Claimed(*rows[0]) if rows else None  # type: ignore[arg-type]


async def _begin(link: Link, choice: _Choice, start: _Start, taken: list[Claimed]) -> None:
    """Give jobs to the worker."""
    if taken:
        ids = padded([row.id for row in taken])
        placed = {f"id{at}": each for at, each in enumerate(ids)}
        unique = any(row.unique_key is not None for row in taken)
        await run(link, statements.start, {**start._asdict(), **placed}, len(ids), unique)
        choice.chosen += [row._replace(token=start.lease_token, attempts=row.attempts + 1) for row in taken]


def padded(values: list[T]) -> list[T]:
    """Return the values, the last one repeated up to a power of two: few forms of a statement are compiled."""
    room = 1 << (len(values) - 1).bit_length() if values else 0
    return values + values[-1:] * (room - len(values))
