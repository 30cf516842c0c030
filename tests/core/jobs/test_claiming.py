"""Which job goes next: none hidden by what waits before it, each tenant and each kind in its turn."""

from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import samples_of_jobs as samples
from sqlalchemy import insert, update

from background import until, working
from holdfast.kernel.ids import new_id
from holdfast.kernel.jobs import Priority
from holdfast.kernel.jobs.claiming import STEPS, Room, Turn, claim
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from support import make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]
LIMITED, FREE, NEWER = "tests.company.many", "tests.company.wait", "tests.of.tomorrow"


async def put(alone, tenant_id: UUID, name: str, count: int, *, minutes: float = 0, state: str = "ready") -> None:
    """Insert jobs that have been due for so long."""
    now = alone.works.clock()
    fixed = {"ids": {"number": 1}, "priority": Priority.NORMAL, "attempts": 0, "failures": 0, "crashes": 0}
    row = {"tenant_id": tenant_id, "name": name, "state": state, "cancel_asked": False, "created_at": now, **fixed}
    rows = [{**row, "id": new_id(), "run_at": now - timedelta(minutes=minutes)} for _ in range(count)]
    async with alone.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        await work.link.connection.execute(insert(JobRow.__table__), rows)


async def claimed(alone, turn: Turn | None = None, *, free: int = 4, slots: int = 4, mine=None):
    found, more = await claim(
        *(alone.database, alone.works.clock, uuid4(), turn or Turn(), Room(slots, free, Counter(mine or {}))),
        lease=timedelta(seconds=30),
    )
    return [(each.tenant_id, each.name) for each in found], more


def steps_of(alone) -> list[int]:
    """Count what SQLite does from now on, in hundreds of steps of its machine."""
    count = [0]

    def step() -> None:
        count[0] += 1

    [physical] = alone.database._writing._idle
    physical.driver._raw.set_progress_handler(step, 100)
    return count


async def test_what_waits_behind_a_limit_hides_nobody_and_is_not_read(alone) -> None:
    full, other, third = uuid4(), uuid4(), uuid4()
    await put(alone, full, LIMITED, 2, minutes=60, state="running")
    await put(alone, full, LIMITED, 10_000, minutes=60)
    await put(alone, other, LIMITED, 1, minutes=2)
    await put(alone, third, FREE, 1, minutes=1)
    count = steps_of(alone) if alone.database.dialect == "sqlite" else [0]
    assert sorted((await claimed(alone))[0]) == sorted([(other, LIMITED), (third, FREE)])
    assert count[0] < 100, "10,000 jobs that may not run are some 50,000 steps"
    assert await claimed(alone) == ([], True)


async def test_what_waits_behind_a_tenants_share_hides_nobody_and_is_not_read(alone) -> None:
    busy, other = uuid4(), uuid4()
    await put(alone, busy, FREE, 10_000, minutes=60)
    await put(alone, other, FREE, 3, minutes=1)
    count = steps_of(alone) if alone.database.dialect == "sqlite" else [0]
    assert Counter((await claimed(alone))[0]) == {(busy, FREE): 2, (other, FREE): 2}
    assert count[0] < 100
    assert Counter((await claimed(alone))[0]) == {(busy, FREE): 3, (other, FREE): 1}, "nobody else has anything to do"


async def test_the_many_kinds_of_a_tenant_that_has_its_share_are_passed_over(alone) -> None:
    busy, other = UUID(int=10), UUID(int=20)
    for number in range(STEPS + 10):
        await put(alone, busy, f"{NEWER}.{number}", 1, minutes=60)
    await put(alone, other, FREE, 1)
    assert await claimed(alone, mine={busy: 2}, free=2) == ([(other, FREE)], False)


async def test_jobs_of_later_times_and_newer_versions_hide_nobody(alone) -> None:
    tenant = uuid4()
    await put(alone, tenant, FREE, 50, minutes=-60)
    await put(alone, tenant, NEWER, 50, minutes=60)
    await put(alone, tenant, LIMITED, 3, minutes=1)
    assert await claimed(alone) == ([(tenant, LIMITED)] * 2, True)


async def test_lanes_take_turns_from_claim_to_claim(alone) -> None:
    tenants = [uuid4() for _ in range(4)]
    await put(alone, SYSTEM_TENANT, FREE, 20, minutes=60)
    for each in tenants:
        await put(alone, each, FREE, 5)
    turn, seen = Turn(), Counter()
    for _ in range(4):
        found, more = await claimed(alone, turn, free=1, slots=1, mine={SYSTEM_TENANT: 1})
        seen.update(tenant for tenant, _ in found)
        assert more
    assert seen == dict.fromkeys(tenants, 1)


async def test_a_limited_job_is_followed_by_the_next_without_waiting_for_a_look(alone) -> None:
    org = await make_org(alone)
    alone.works.settings = alone.works.settings.model_copy(update={"jobs_poll_seconds": 30.0})
    async with org.work() as work:
        made = [await work.enqueue(samples.one_of_many, number=at) for at in range(6)]
    async with working(alone):
        for each in made:
            await until(alone, org.id, each, seconds=5)


async def test_a_lane_ends_with_what_runs_of_it(alone) -> None:
    """Counts are of the whole installation: what another worker runs counts against the limit."""
    tenant = uuid4()
    await put(alone, tenant, LIMITED, 1, state="running")
    await put(alone, tenant, LIMITED, 3)
    assert await claimed(alone) == ([(tenant, LIMITED)], True)
    async with alone.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        table = JobRow.__table__
        await work.link.connection.execute(update(table).where(table.c.state == "running").values(state="done"))
    assert await claimed(alone) == ([(tenant, LIMITED)] * 2, False)
