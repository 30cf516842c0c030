"""Messages that wait leave by a real mail server; what became of each is written down, and none leaves twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from test_transports import parsed, scripted

from holdfast.core.audit.public import EntryList
from holdfast.core.audit.service.reading import browse_entries
from holdfast.core.identity import queries
from holdfast.core.identity.public import list_open_organizations
from holdfast.core.identity.service.notices import notify
from holdfast.core.notify.models import Notice, NoticeState
from holdfast.core.notify.service import outbox, sending
from holdfast.core.notify.service.message_keys import message_key
from holdfast.core.notify.service.outbox import take_notices
from holdfast.core.notify.service.transports.smtp import Server, SmtpTransport
from holdfast.core.notify.service.ways import open_transport
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import Installation, open_installation
from mail_server import MailServer, serving
from support import Org, installation_on, make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]
SECRET_LINK = "https://holdfast.test/console/reset-password#token=s3cret"


@pytest.fixture
async def house(dialect: str) -> AsyncIterator[Installation]:
    """Give an installation of the test's own: what sends sends for all organisations."""
    async with installation_on(dialect) as home:
        yield home


@asynccontextmanager
async def transport_to(server: MailServer) -> AsyncIterator[SmtpTransport]:
    transport = SmtpTransport(Server("127.0.0.1", server.port, tls="none", timeout=3.0))
    try:
        yield transport
    finally:
        await transport.close()


async def tell(home: Installation, org: Org, count: int = 1) -> list[UUID]:
    """Let a user be told of something, and return the ids of the messages."""
    async with home.works.begin(org.id, SYSTEM) as work:
        user = await queries.get_user(work, user_id=org.admin.id)
        for _ in range(count):
            await notify(work, user, "password_reset", link=SECRET_LINK)
        await work.flush()
        return list(await work.session.scalars(select(Notice.id).order_by(Notice.id)))


def key_of(home: Installation, org: Org, notice_id: UUID) -> str:
    return message_key(home.works.keys, tenant_id=org.id, notice_id=notice_id)


async def rows(home: Installation, org: Org) -> list[Notice]:
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        return list(await work.session.scalars(select(Notice).order_by(Notice.id)))


async def told(org: Org, action: str):
    async with org.work("auditor", write=False) as work:
        return (await browse_entries(work, EntryList(action=action)))[0]


def later(home: Installation, by: timedelta) -> Installation:
    """Return the same installation some time later."""
    clock = home.works.clock
    return open_installation(home.settings, clock=lambda: clock() + by)


async def test_a_message_arrives_and_is_forgotten(house: Installation) -> None:
    org = await make_org(house)
    [notice_id] = await tell(house, org)
    async with serving() as server, transport_to(server) as transport:
        assert await sending.send_due(house.works, transport) == Counter({NoticeState.SENT: 1})
        assert await sending.send_due(house.works, transport) == Counter()
    [raw] = server.mails
    mail = parsed(raw)
    assert mail["To"].addresses[0].addr_spec == org.admin.email
    assert mail["Message-ID"] == f"<{key_of(house, org, notice_id)}@localhost.localdomain>"
    assert SECRET_LINK in mail.get_body(("plain",)).get_content()
    page = mail.get_body(("html",)).get_content()
    assert f'href="{SECRET_LINK}"' in page
    [row] = await rows(house, org)
    assert (row.state, row.code, row.payload, row.attempts) == (NoticeState.SENT, 250, None, 1)
    assert row.sent_at is not None


@pytest.mark.parametrize("answer", ["450 4.2.1 later", "421 4.3.2 down"])
async def test_what_goes_wrong_for_now_is_tried_again_and_in_the_end_fails(house: Installation, answer: str) -> None:
    org = await make_org(house)
    await tell(house, org)
    async with serving() as server, transport_to(server) as transport:
        server.say("RCPT", org.admin.email, *[answer] * 8)
        done: Counter[NoticeState] = await sending.send_due(house.works, transport)
        assert done == Counter({NoticeState.WAITING: 1})
        [row] = await rows(house, org)
        assert timedelta(minutes=1) <= row.due_at - house.works.clock() + timedelta(seconds=5) <= timedelta(minutes=3)
        assert await sending.send_due(house.works, transport) == Counter(), "not before it is due"
        for attempt in range(2, 9):
            after = later(house, timedelta(hours=3 * attempt))
            try:
                done = await sending.send_due(after.works, transport)
            finally:
                await after.close()
        assert done == Counter({NoticeState.FAILED: 1})
        assert server.mails == []
    [row] = await rows(house, org)
    assert (row.state, row.attempts, row.code) == (NoticeState.FAILED, 8, int(answer[:3]))
    [entry] = await told(org, "notify.notice.failed")
    assert entry.detail == {
        "user_id": str(org.admin.id),
        "message": "identity.password_reset",
        "attempts": 8,
        "code": int(answer[:3]),
    }
    assert org.admin.email not in entry.model_dump_json()


async def test_what_is_refused_is_not_tried_again(house: Installation) -> None:
    org, other = await make_org(house), await make_org(house)
    await tell(house, org)
    await tell(house, other)
    async with serving() as server, transport_to(server) as transport:
        server.say("RCPT", org.admin.email, "550 5.1.1 no such user")
        done = await sending.send_due(house.works, transport)
        assert done == Counter({NoticeState.FAILED: 1, NoticeState.SENT: 1})
        assert server.recipients == [other.admin.email]
    assert len(await told(org, "notify.notice.failed")) == 1
    assert await told(other, "notify.notice.failed") == []


async def test_whoever_loses_the_answer_says_so_and_sends_no_second_time(house: Installation) -> None:
    org = await make_org(house)
    await tell(house, org)
    async with serving() as server, transport_to(server) as transport:
        server.say("DATA", org.admin.email, "drop")
        assert await sending.send_due(house.works, transport) == Counter({NoticeState.UNCERTAIN: 1})
        after = later(house, timedelta(days=1))
        try:
            assert await sending.send_due(after.works, transport) == Counter()
        finally:
            await after.close()
        assert len(server.mails) == 1
    [entry] = await told(org, "notify.notice.uncertain")
    assert entry.severity == "warning"


async def test_whoever_dies_between_the_hand_and_the_word_leaves_uncertain_ones(
    house: Installation, monkeypatch
) -> None:
    monkeypatch.setattr(outbox, "LOST_AT_ONCE", 2)
    org = await make_org(house)
    await tell(house, org, 5)
    async with house.works.begin(org.id, SYSTEM) as work:
        assert len(await take_notices(work, limit=20)) == 5
    async with serving() as server, transport_to(server) as transport:
        assert await sending.send_due(house.works, transport) == Counter(), "another has it in hand"
        assert [row.state for row in await rows(house, org)] == [NoticeState.SENDING] * 5
        after = later(house, outbox.IN_HAND + timedelta(seconds=1))
        try:
            await sending.send_due(after.works, transport)
        finally:
            await after.close()
        assert server.mails == []
    assert [row.state for row in await rows(house, org)] == [NoticeState.UNCERTAIN] * 5
    assert len(await told(org, "notify.notice.uncertain")) == 5


async def test_no_more_are_in_hand_than_a_kill_may_leave_uncertain(house: Installation) -> None:
    org, most, count = await make_org(house), 0, 400
    await tell(house, org, count)
    async with serving() as server, transport_to(server) as transport:
        run = asyncio.create_task(sending.send_of(house.works, transport, org.id))
        while not run.done():
            await asyncio.sleep(0.002)
            most = max(most, [row.state for row in await rows(house, org)].count(NoticeState.SENDING))
        assert await run == Counter({NoticeState.SENT: count})
    assert 0 < most <= 200


async def test_of_a_slow_server_few_are_in_hand(house: Installation) -> None:
    org, most, over = await make_org(house), 0, 0
    await tell(house, org, 120)
    async with scripted(END="hang") as (transport, _):
        run = asyncio.create_task(sending.send_of(house.works, transport, org.id))
        while over < 10:
            await asyncio.sleep(0.02)
            states = [row.state for row in await rows(house, org)]
            most, over = max(most, states.count(NoticeState.SENDING)), states.count(NoticeState.UNCERTAIN)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    assert 25 <= most <= 50


async def test_of_several_who_send_at_once_each_message_has_one(house: Installation) -> None:
    org = await make_org(house)
    wanted = await tell(house, org, 60)
    async with serving() as server, transport_to(server) as transport:
        done = await asyncio.gather(*(sending.send_due(house.works, transport) for _ in range(3)))
        while True:  # one that all others had passed by is still due
            more = await sending.send_due(house.works, transport)
            if not more:
                break
            done.append(more)
    assert sum(done, Counter()) == Counter({NoticeState.SENT: 60})
    arrived = [parsed(raw)["Message-ID"].partition("@")[0].lstrip("<") for raw in server.mails]
    assert sorted(arrived) == sorted(key_of(house, org, each) for each in wanted)


async def test_nothing_leaves_for_an_organisation_that_is_suspended(house: Installation) -> None:
    org = await make_org(house)
    assert org.id in await list_open_organizations(house.works)
    await tell(house, org)
    async with house.works.begin(org.id, SYSTEM) as work:
        (await queries.get_tenant(work)).status = "suspended"
    async with serving() as server, transport_to(server) as transport:
        assert await sending.send_due(house.works, transport) == Counter()
        assert server.mails == []
    assert [row.state for row in await rows(house, org)] == [NoticeState.WAITING]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"smtp_host": "mail.test", "sendgrid_api_key": "SG.x", "mail_from": "a@b.test"}, "mails leave one way"),
        ({"smtp_host": "mail.test"}, "MAIL_FROM is needed"),
        ({"environment": "production"}, "SMTP_HOST or SENDGRID_API_KEY is needed"),
        ({"smtp_host": "m.test", "mail_from": "a@b.test", "dkim_domain": "b.test"}, "go together"),
        (
            {"smtp_host": "m.test", "mail_from": "a@b.test", "smtp_oauth_token_url": "https://t.test/token"},
            "needs SMTP_OAUTH_CLIENT_ID",
        ),
    ],
)
async def test_half_a_way_is_refused_naming_the_setting(home: Installation, given: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        open_transport(home.settings.model_copy(update=given))
