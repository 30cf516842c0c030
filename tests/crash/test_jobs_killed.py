"""Workers are killed and the database is taken away at any moment: each job has its effect once, and none is lost."""

import os

import pytest

from foreigner import run_with_lending

pytestmark = [pytest.mark.crash, pytest.mark.timeout(3600)]
KILLS = 70 if os.environ.get("PROVE") == "1" else 4  # on each of three databases
RESTARTS = 10 if os.environ.get("PROVE") == "1" else 2

COMMON = """
import collections, os, random, tempfile, time
from pathlib import Path
sys.path.append(next(each for each in sys.argv[2:] if each.endswith("contract")).replace("contract", "crash"))
import support
from working import Worker
from holdfast.core.identity.public import ensure_system
from holdfast.core.jobs.public import retry_job
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import open_installation
from holdfast.migrations import run
from holdfast_lending import jobs
from holdfast_lending.models import LendingItem
from sqlalchemy import func, select

EACH = 4  # things that a long job adds

class Asked:
    def __init__(self, org):
        self.org, self.numbers, self.long = org, 0, 0

    async def more(self, count):
        async with self.org.work() as work:
            for _ in range(count):
                await work.enqueue(jobs.add_counted, number=self.numbers)
                self.numbers += 1
            await work.enqueue(jobs.add_many, count=EACH)
            self.long += 1

    async def states(self):
        async with self.org.home.works.begin(self.org.id, SYSTEM, write=False) as work:
            by = select(JobRow.state, func.count()).where(JobRow.tenant_id == self.org.id).group_by(JobRow.state)
            return {state.value: count for state, count in await work.session.execute(by)}

    async def drained(self, seconds=120):
        end = time.monotonic() + seconds
        while True:
            states = await self.states()
            if states.keys() == {"done"}:
                return
            if "failed" in states:  # the worker was killed three times while it ran: a person has it tried again
                async with self.org.work() as work:
                    failed = (await work.session.scalars(select(JobRow.id).where(JobRow.state == "failed"))).all()
                    assert all([(await work.session.get(JobRow, each)).crashes >= 3 for each in failed]), states
                    for each in failed:
                        await retry_job(work, job_id=each)
            assert time.monotonic() < end, states
            await asyncio.sleep(0.1)

    async def check(self):
        async with self.org.home.works.begin(self.org.id, SYSTEM, write=False) as work:
            found = collections.Counter(await work.session.scalars(select(LendingItem.title)))
        wanted = {f"Thing {number}": 1 for number in range(self.numbers)}
        wanted |= {f"Many {number}": self.long for number in range(EACH)}
        assert found == wanted, (found - collections.Counter(wanted), collections.Counter(wanted) - found)

async def founded(settings):
    await run.upgrade(settings)
    home = open_installation(settings)
    await ensure_system(home.works)
    return home, Asked(await support.make_org(home))
"""

KILLED = (
    COMMON
    + """
async def main():
    kills, seed = int(os.environ["KILLS"]), random.randrange(1 << 30)
    moments = random.Random(seed)
    async with support.fresh_database(DIALECT) as settings:
        home, asked = await founded(settings)
        await asked.more(10)
        workers = [Worker(settings, "0"), Worker(settings, "1")]
        try:
            for number in range(kills):
                await asyncio.to_thread(workers[number % 2].wait_until_ready)
                await asked.more(5)
                await asyncio.sleep(moments.uniform(0.0, 0.15))
                workers[number % 2].kill()
                assert "Traceback" not in workers[number % 2].log, (seed, workers[number % 2].log[-3000:])
                workers[number % 2] = Worker(settings, str(number + 2))
            await asked.drained()
            await asked.check()
            rescued = sum("job.rescued" in log.read_text() for log in settings.holdfast_home.glob("worker-*.log"))
            print(f"{kills} kills, {asked.numbers + asked.long} jobs, {rescued} workers rescued some; seed {seed}")
            for worker in workers:
                await asyncio.to_thread(worker.wait_until_ready)
                assert await asyncio.to_thread(worker.stop) == 0, worker.log[-2000:]
        finally:
            for worker in workers:
                worker.kill()
        await home.close()
"""
)

RESTARTED = (
    COMMON
    + """
from clusters import Mariadb, Postgresql
from holdfast.kernel.errors import Unavailable
from holdfast.kernel.settings import Settings

async def main():
    restarts = int(os.environ["RESTARTS"])
    with tempfile.TemporaryDirectory(prefix="holdfast-cluster-", dir="/tmp", ignore_cleanup_errors=True) as folder, \\
            tempfile.TemporaryDirectory() as place:
        cluster = {"postgresql": Postgresql, "mysql": Mariadb}[DIALECT](Path(folder))
        cluster.start()
        settings = Settings(**await cluster.addresses(), secret_key=support.SECRET, environment="test",
                            holdfast_home=Path(place), pool_size=4, _env_file=None)
        home, asked = await founded(settings)
        worker = Worker(settings, "only")
        try:
            await asyncio.to_thread(worker.wait_until_ready)
            for number in range(restarts):
                await asked.more(10)
                await asyncio.sleep(random.uniform(0, 0.2))
                await asyncio.to_thread(cluster.stop, kill=number % 2 == 0)
                await asyncio.to_thread(cluster.start)
                for _ in range(50):
                    try:
                        await asked.states()
                        break
                    except Unavailable:
                        await asyncio.sleep(0.2)
            await asked.drained()
            await asked.check()
            assert worker.process.poll() is None
            assert "Traceback" not in worker.log, worker.log[-3000:]
            assert await asyncio.to_thread(worker.stop) == 0
        finally:
            worker.kill()
            await home.close()
            cluster.stop(kill=True)
"""
)


@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql"])
def test_killed_workers_do_each_job_once(place: str, record_property) -> None:
    told = run_with_lending(KILLED, place, seconds=3000, KILLS=str(KILLS))
    record_property("kills of workers", KILLS)
    record_property("what was done", told.strip().splitlines()[-2])


@pytest.mark.parametrize("place", ["postgresql", "mysql"])
def test_a_database_that_is_restarted_has_each_effect_once(place: str) -> None:
    run_with_lending(RESTARTED, place, seconds=1200, RESTARTS=str(RESTARTS))
