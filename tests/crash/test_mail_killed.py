"""A worker is killed while it sends: no mail leaves a second time, and where nobody knows, that is said."""

import asyncio
import os
import random
import time
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from working import Worker

from background import quick
from holdfast.core.audit.public import EntryList
from holdfast.core.audit.service.reading import browse_entries
from holdfast.core.notify.models import Notice, NoticeState
from holdfast.core.notify.service import outbox, sending
from holdfast.core.notify.service.message_keys import message_key
from holdfast.core.notify.service.transports.smtp import Server, SmtpTransport
from holdfast.kernel.clock import system_clock
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import open_installation
from mail_server import MailServer, serving
from support import Org, installation_on, make_org

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1800)]
KILLS = 30 if os.environ.get("PROVE") == "1" else 1  # on each of three databases
EACH = 2 * sending.AT_ONCE  # messages told before each kill: more than are in hand at once
OVER = {NoticeState.SENT, NoticeState.UNCERTAIN, NoticeState.SENDING}


async def tell(org: Org, told: set[UUID]) -> None:
    async with org.home.works.begin(org.id, SYSTEM) as work:
        for _ in range(EACH):
            await work.tell("identity.new_sign_in", [org.admin.id])
        await work.flush()
        told.update(await work.session.scalars(select(Notice.id)))


async def states_of(org: Org) -> dict[UUID, NoticeState]:
    async with org.home.works.begin(org.id, SYSTEM, write=False) as work:
        return {row.id: row.state for row in await work.session.execute(select(Notice.id, Notice.state))}


async def drained(org: Org, seconds: float = 600) -> None:
    """Wait until nothing waits any more; what a dead worker had in hand stays there."""
    end = time.monotonic() + seconds
    while not set((await states_of(org)).values()) <= OVER:
        assert time.monotonic() < end, Counter((await states_of(org)).values())
        await asyncio.sleep(0.05)


async def much_later(settings: Settings, server: MailServer) -> None:
    """Let what sends look again, when nobody can have anything in hand any more."""
    later = open_installation(settings, clock=lambda: system_clock() + outbox.IN_HAND + timedelta(seconds=1))
    transport = SmtpTransport(Server("127.0.0.1", server.port, tls="none", timeout=3.0))
    try:
        await sending.send_due(later.works, transport)
    finally:
        await transport.close()
        await later.close()


@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql"])
async def test_a_worker_that_is_killed_while_it_sends_sends_nothing_twice(place: str, record_property) -> None:
    seed, told = random.randrange(1 << 30), set[UUID]()
    moments = random.Random(seed)
    async with installation_on(place) as home, serving() as server:
        server.pause, settings = 0.01, home.settings
        ways = {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(server.port), "SMTP_TLS": "none", "MAIL_FROM": "a@b.test"}
        quick(home, smtp_host="127.0.0.1")  # whoever tells asks for the job only where there is a way
        org = await make_org(home)
        worker = Worker(settings, "0", **ways)
        try:
            for number in range(KILLS):
                before = len(server.mails)
                await tell(org, told)
                await asyncio.to_thread(worker.wait_until_ready)
                end = time.monotonic() + 60
                enough = before + moments.randint(1, EACH * 4 // 5)  # so that some are in hand
                while len(server.mails) < enough:
                    assert time.monotonic() < end, worker.log[-2000:]
                    await asyncio.sleep(0.005)
                worker.kill()
                assert "Traceback" not in worker.log, (seed, worker.log[-3000:])
                worker = Worker(settings, str(number + 1), **ways)
            await asyncio.to_thread(worker.wait_until_ready)
            await drained(org)
            assert await asyncio.to_thread(worker.stop) == 0, worker.log[-2000:]
        finally:
            worker.kill()
        await much_later(settings, server)
        await check(org, server, told, seed, record_property)


async def check(org: Org, server: MailServer, told: set[UUID], seed: int, record_property) -> None:
    states = await states_of(org)
    assert states.keys() == told
    assert set(states.values()) <= {NoticeState.SENT, NoticeState.UNCERTAIN}, (seed, Counter(states.values()))
    names = {message_key(org.home.works.keys, tenant_id=org.id, notice_id=each): each for each in told}
    arrived = Counter(names[raw.partition(b"Message-ID: <")[2].partition(b"@")[0].decode()] for raw in server.mails)
    assert set(arrived.values()) == {1}, (seed, [each for each in arrived if arrived[each] > 1])
    missing = {each for each, state in states.items() if state is NoticeState.SENT} - arrived.keys()
    assert not missing, (seed, missing)
    uncertain = [each for each, state in states.items() if state is NoticeState.UNCERTAIN]
    assert 0 < len(uncertain) <= 2 * sending.AT_ONCE * KILLS, (seed, len(uncertain))
    async with org.work("auditor", write=False) as work:
        wanted = EntryList(action="notify.notice.uncertain", page_size=1, count="exact")
        assert (await browse_entries(work, wanted))[1]["total"] == len(uncertain)
    record_property("kills while mails were sent", KILLS)
    record_property("uncertain of messages", f"{len(uncertain)} of {len(told)}")
