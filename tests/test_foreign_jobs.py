"""An app that is no part of Holdfast declares jobs without the kernel knowing of them."""

import pytest

from foreigner import run_with_lending

SCRIPT = """
import support
from background import job_of, until, working
from holdfast.kernel.jobs import JOBS
from holdfast_lending import jobs
from holdfast_lending.models import LendingItem
from sqlalchemy import select

async def titles(org):
    async with org.work(write=False) as work:
        return sorted(await work.session.scalars(select(LendingItem.title)))

async def main():
    async with support.installation_on(DIALECT) as home:
        assert "lending.item.count" in JOBS
        org, other = await support.make_org(home), await support.make_org(home)
        async with org.work() as work:
            waiting = await work.enqueue(jobs.add_counted, number=1)
        async with working(home):
            assert (await until(home, org.id, waiting)).state == "done"
            async with org.work() as work:
                one = await work.enqueue(jobs.add_counted, number=2)
                many = await work.enqueue(jobs.add_many, count=3)
            done = await until(home, org.id, one)
            assert (done.state, done.attempts, done.asked_by) == ("done", 1, org.admin.id), done.state
            done = await until(home, org.id, many)
            assert (done.state, done.progress_done, done.progress_total) == ("done", 3, 3)
            assert await titles(org) == ["Many 0", "Many 1", "Many 2", "Thing 1", "Thing 2"], await titles(org)
            assert await titles(other) == []
            try:
                async with org.work() as work:
                    lost = await work.enqueue(jobs.add_counted, number=3)
                    raise RuntimeError("rolled back")
            except RuntimeError:
                pass
            async with org.work("viewer") as work:
                refused = await work.enqueue(jobs.add_counted, number=4)
            failed = await until(home, org.id, refused)
            assert (failed.state, failed.attempts) == ("failed", 1)
        assert await titles(org) == ["Many 0", "Many 1", "Many 2", "Thing 1", "Thing 2"]
"""


@pytest.mark.service
@pytest.mark.portable
def test_a_foreign_app_has_jobs_that_run_once_as_whoever_asked(dialect: str) -> None:
    run_with_lending(SCRIPT, dialect)
