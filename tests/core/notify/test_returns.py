"""Word of messages that had left: written down once, for the organisation and the address that they went to."""

from collections import Counter
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from test_sending import key_of, rows, tell, told, transport_to

from holdfast.core.identity import queries
from holdfast.core.identity.service.notices import notify
from holdfast.core.notify.models import NoticeState, Suppression
from holdfast.core.notify.service.returns import take_report
from holdfast.core.notify.service.sending import send_of
from holdfast.kernel.permissions import SYSTEM
from mail_server import serving
from returned_mails import bounce, complaint
from support import Org

pytestmark = [pytest.mark.service, pytest.mark.portable]


async def sent(org: Org, count: int = 1) -> list[str]:
    """Send the administrator some messages and return their names."""
    ids = await tell(org.home, org, count)
    await leave(org)
    return [key_of(org.home, org, each) for each in ids]


async def leave(org: Org) -> None:
    async with serving() as server, transport_to(server) as transport:
        await send_of(org.home.works, transport, org.id)


async def suppressed(org: Org) -> list[tuple[str, str]]:
    async with org.work(write=False) as work:
        ring = await work.keyring()
        found = await work.session.scalars(select(Suppression).order_by(Suppression.id))
        return [(ring.open(Suppression.address, row.id, row.address).decode(), row.reason) for row in found]


async def states(org: Org) -> list[str]:
    return [row.state for row in await rows(org.home, org)]


async def test_a_bounce_counts_once_and_ends_the_address(org: Org, other: Org) -> None:
    [key], works = await sent(org), org.home.works
    raw = bounce(key, to=org.admin.email)
    assert await take_report(works, raw) is NoticeState.BOUNCED
    assert await take_report(works, raw) is None, "the same again"
    assert await take_report(works, complaint(key)) is None, "what came back reached nobody"
    assert await states(org) == ["bounced"]
    assert await suppressed(org) == [(org.admin.email, "bounced")]
    [entry] = await told(org, "notify.notice.bounced")
    assert entry.detail == {"user_id": str(org.admin.id), "message": "identity.password_reset", "status": "5.1.1"}
    assert len(await told(org, "notify.suppression.added")) == 1
    assert await suppressed(other) == []


async def test_a_full_mailbox_comes_back_and_is_written_to_again(org: Org) -> None:
    [key] = await sent(org)
    assert await take_report(org.home.works, bounce(key, status="5.2.2", said="full")) is NoticeState.BOUNCED
    assert await suppressed(org) == []
    await sent(org)
    assert await states(org) == ["bounced", "sent"]


async def test_a_complaint_ends_the_address_though_it_is_not_named(org: Org) -> None:
    [key] = await sent(org)
    assert await take_report(org.home.works, complaint(key, to="hidden@example.com")) is NoticeState.COMPLAINED
    assert await suppressed(org) == [(org.admin.email, "complained")]
    assert len(await told(org, "notify.notice.complained")) == 1


async def test_no_other_address_can_be_named(org: Org) -> None:
    """Whoever got a message knows its name, and could report any address."""
    async with org.home.works.begin(org.id, SYSTEM) as work:
        user = await queries.get_user(work, user_id=org.admin.id)
        await notify(work, user, "email_change", to="New@x.test", link="https://holdfast.test/e#token=1")
    await leave(org)
    [row] = await rows(org.home, org)
    key = key_of(org.home, org, row.id)
    assert await take_report(org.home.works, bounce(key, to=org.auditor.email)) is NoticeState.BOUNCED
    assert await suppressed(org) == [], "neither the named one nor the user's own is where it went"
    async with org.home.works.begin(org.id, SYSTEM) as work:
        await notify(work, user, "email_change", to="New@x.test", link="https://holdfast.test/e#token=1")
    await leave(org)
    key = key_of(org.home, org, (await rows(org.home, org))[-1].id)
    assert await take_report(org.home.works, bounce(key, to="new@X.test")) is NoticeState.BOUNCED
    assert [address.lower() for address, _ in await suppressed(org)] == ["new@x.test"]


async def test_what_never_left_does_not_come_back(org: Org) -> None:
    [waiting] = await tell(org.home, org)
    for notice_id in (waiting, uuid4()):
        assert await take_report(org.home.works, bounce(key_of(org.home, org, notice_id))) is None
    assert await states(org) == ["waiting"]
    nowhere = key_of(org.home, Org(UUID(int=1), "none", org.home), uuid4())
    assert await take_report(org.home.works, bounce(nowhere)) is None


async def test_word_may_be_faster_than_we(org: Org) -> None:
    """A server in the house reports a message before its outcome is written down."""
    [notice_id] = await tell(org.home, org)
    works = org.home.works

    class Fast:
        """A way on which the word of a message comes back before it has answered."""

        def __init__(self, way: object) -> None:
            self.way = way

        async def send(self, mail: object) -> object:
            outcome = await self.way.send(mail)
            assert await take_report(works, bounce(key_of(org.home, org, notice_id))) is NoticeState.BOUNCED
            return outcome

    async with serving() as server, transport_to(server) as transport:
        assert await send_of(works, Fast(transport), org.id) == Counter({NoticeState.BOUNCED: 1})
    assert await states(org) == ["bounced"]
