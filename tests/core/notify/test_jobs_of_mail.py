"""Mails leave by a job, each minute, where the settings name a way."""

import pytest
from sqlalchemy import select
from test_transports import parsed

from background import quick, until, working
from holdfast.core.identity import queries
from holdfast.core.identity.service.notices import notify
from holdfast.core.notify.app import APP
from holdfast.core.notify.models import Notice
from holdfast.core.notify.service.ways import SLOT, close_transport, transport_of
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from support import installation_on, make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]


async def test_a_job_sends_what_waits_and_keeps_its_way(dialect) -> None:
    async with installation_on(dialect) as home:
        quick(home, demo=True)
        org = await make_org(home)
        async with home.works.begin(org.id, SYSTEM) as work:
            await notify(work, await queries.get_user(work, user_id=org.admin.id), "new_sign_in")
        async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
            job_id = await work.enqueue(JOBS["notify.message.send_due"])
        async with working(home):
            assert (await until(home, SYSTEM_TENANT, job_id)).state == "done"
        [mail] = (home.settings.holdfast_home / "mail").iterdir()
        assert parsed(mail.read_bytes())["To"].addresses[0].addr_spec == org.admin.email
        assert transport_of(home.works) is home.works.state[SLOT]
        await close_transport(home.works)
        assert SLOT not in home.works.state
        async with home.works.begin(org.id, SYSTEM, write=False) as work:
            assert [row.state for row in await work.session.scalars(select(Notice))] == ["sent"]


async def test_without_a_way_what_waits_can_be_read(home) -> None:
    assert transport_of(home.works) is None
    assert SLOT not in home.works.state


def test_it_is_due_each_minute_and_missed_minutes_are_not_made_up_for() -> None:
    schedule = APP.schedules[0]
    assert (schedule.cron, schedule.catch_up, schedule.each_organization) == ("* * * * *", "skip", False)
