"""Addresses that an organisation does not write to: who may say so, and what becomes of messages."""

from collections import Counter
from uuid import UUID

import httpx
import pytest
from messages import lending
from sqlalchemy import select
from test_sending import rows, tell, told, transport_to

from holdfast.core.identity import queries
from holdfast.core.identity.facts import UserUpdated
from holdfast.core.notify.guards import is_dead, may_write, status_in
from holdfast.core.notify.models import Notice, NoticeState, Reason, Suppression
from holdfast.core.notify.queries import InboxList
from holdfast.core.notify.service.inbox import browse_inbox
from holdfast.core.notify.service.sending import send_of
from holdfast.core.notify.service.suppressions import suppress
from holdfast.kernel.permissions import SYSTEM
from mail_server import serving
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/notify/suppressions"
DEAD = "550 5.1.1 <ann@x.test>: no such user"


async def close_to(org: Org, reason: Reason) -> None:
    """Suppress the address of the organisation's administrator."""
    async with org.home.works.begin(org.id, SYSTEM) as work:
        await suppress(work, org.admin.email, reason=reason, said="as the test says")


async def test_who_may_says_which_addresses_are_not_written_to(client: httpx.AsyncClient, org: Org, other: Org) -> None:
    asked = {"address": "Ann@Example.org", "said": "Asked by telephone"}
    assert (await client.post(URL, json=asked)).status_code == 401
    assert (await client.post(URL, json=asked, headers=org.viewer.bearer)).status_code == 403
    made = await client.post(URL, json=asked, headers=org.admin.bearer)
    assert made.status_code == 201, made.text
    shown, where = made.json(), made.headers["location"]
    assert (shown["address"], shown["reason"], shown["said"]) == ("Ann@Example.org", "manual", "Asked by telephone")
    assert shown["created_by"] == str(org.admin.id)
    again = await client.post(URL, json={"address": "ann@example.ORG"}, headers=org.admin.bearer)
    assert (again.status_code, again.json()["errors"][0]["location"]) == (409, "body.address")
    wrong = await client.post(URL, json={"address": "ann"}, headers=org.admin.bearer)
    assert (wrong.status_code, wrong.json()["errors"][0]["location"]) == (422, "body.address")

    for caller, status in ((None, 401), (org.viewer.bearer, 403), (other.admin.bearer, 404), (org.admin.bearer, 200)):
        assert (await client.get(where, headers=caller)).status_code == status, status
    listed = (await client.get(URL, params={"address": "ANN@example.org"}, headers=org.admin.bearer)).json()
    assert [each["id"] for each in listed["data"]] == [shown["id"]]
    assert (await client.get(URL, headers=other.admin.bearer)).json()["data"] == []
    assert (await client.get(URL, params={"address": "a@b.c"}, headers=org.admin.bearer)).json()["data"] == []

    for caller, status in ((None, 401), (org.viewer.bearer, 403), (other.admin.bearer, 404), (org.admin.bearer, 204)):
        assert (await client.delete(where, headers=caller)).status_code == status, status
    assert (await client.get(where, headers=org.admin.bearer)).status_code == 404
    entries = await client.get(f"/api/v1/audit/entries?entity_id={shown['id']}", headers=org.auditor.bearer)
    kinds = Counter(row["action"] for row in entries.json()["data"])
    assert kinds["notify.suppression.added"] == kinds["notify.suppression.lifted"] == 1
    assert kinds["notify.suppression.read"] >= 1, "who reads addresses leaves an entry"
    assert "example.org" not in entries.text.lower(), "the trail does not hold the address"


async def test_the_database_cannot_read_an_address(org: Org) -> None:
    await close_to(org, Reason.BOUNCED)
    async with org.work(write=False) as work:
        row = (await work.session.scalars(select(Suppression))).one()
        assert org.admin.email.encode() not in row.address.raw + row.address_key
        key = row.address_key
    async with org.home.works.begin(org.id, SYSTEM) as work:
        await suppress(work, org.admin.email.upper(), reason=Reason.COMPLAINED, said="")
        assert [each.address_key for each in await work.session.scalars(select(Suppression))] == [key]


async def test_an_address_where_nobody_is_gets_nothing_more(client: httpx.AsyncClient, org: Org) -> None:
    await tell(org.home, org, 2)
    async with serving() as server, transport_to(server) as transport:
        server.say("RCPT", org.admin.email, DEAD, DEAD)
        assert await send_of(org.home.works, transport, org.id) == Counter({NoticeState.FAILED: 2})
        [row] = (await client.get(URL, headers=org.admin.bearer)).json()["data"]
        assert (row["address"], row["reason"]) == (org.admin.email, "bounced")
        assert row["said"] == "550 5.1.1 <…>: no such user"
        assert row["created_by"] is None
        await tell(org.home, org)
        assert await send_of(org.home.works, transport, org.id) == Counter({NoticeState.SUPPRESSED: 1})
        [entry] = await told(org, "notify.notice.suppressed")
        assert entry.detail == {
            "user_id": str(org.admin.id),
            "message": "identity.password_reset",
            "because": "bounced",
        }
        assert [each.payload for each in await rows(org.home, org)][-1] is None

        where = f"{URL}/{row['id']}"
        assert (await client.delete(where, headers=org.admin.bearer)).status_code == 204
        await tell(org.home, org)
        assert await send_of(org.home.works, transport, org.id) == Counter({NoticeState.SENT: 1})
        assert server.recipients == [org.admin.email]


async def test_what_is_said_of_a_policy_or_a_full_mailbox_suppresses_nothing(org: Org) -> None:
    answers = ("550 5.7.1 policy", "552 5.2.2 full", "550 no code", "450 4.1.1 greylisted")
    await tell(org.home, org, len(answers))
    async with serving() as server, transport_to(server) as transport:
        server.say("RCPT", org.admin.email, *answers)
        assert sum((await send_of(org.home.works, transport, org.id)).values()) == len(answers)
    async with org.work(write=False) as work:
        assert (await work.session.scalars(select(Suppression))).all() == []


async def test_another_address_heals(org: Org) -> None:
    await close_to(org, Reason.BOUNCED)
    async with org.work() as work:
        user = await queries.get_user(work, user_id=org.admin.id)
        user.email = user.email_key = f"new-{user.email}"
        work.record(UserUpdated(entity=user))
    await tell(org.home, org)
    async with serving() as server, transport_to(server) as transport:
        assert await send_of(org.home.works, transport, org.id) == Counter({NoticeState.SENT: 1})
        assert server.recipients == [f"new-{org.admin.email}"]


@pytest.mark.parametrize("reason", [Reason.MANUAL, Reason.COMPLAINED])
async def test_what_cannot_be_declined_goes_to_whoever_wants_no_mail(org: Org, other: Org, reason: Reason) -> None:
    await close_to(org, reason)
    await close_to(other, Reason.BOUNCED)
    await tell(org.home, org)
    async with serving() as server, transport_to(server) as transport:
        assert await send_of(org.home.works, transport, org.id) == Counter({NoticeState.SENT: 1})


@pytest.mark.parametrize("reason", list(Reason))
async def test_what_can_be_declined_goes_to_no_address_that_is_not_written_to(org: Org, reason: Reason) -> None:
    with lending(org.home):
        await close_to(org, reason)
        async with org.home.works.begin(org.id, SYSTEM) as work:
            await work.tell("lend.due", [org.admin.id, org.user.id], title="Drill")
        async with serving() as server, transport_to(server) as transport:
            done = await send_of(org.home.works, transport, org.id)
            assert done == Counter({NoticeState.SUPPRESSED: 1, NoticeState.SENT: 1})
            assert server.recipients == [org.user.email]
        found = {row.user_id: row for row in await rows(org.home, org)}
        row = found[org.admin.id]
        assert (row.state, row.said, row.code) == (NoticeState.SUPPRESSED, reason, 0)
        assert row.payload is not None, "it stays in the inbox"
        [entry] = await told(org, "notify.notice.suppressed")
        assert entry.detail == {"user_id": str(org.admin.id), "message": "lend.due", "because": reason}
        async with org.work(write=False) as work:
            [item], _ = await browse_inbox(work, InboxList())
        assert item.subject == "Drill is due"


async def test_a_bounce_counts_for_more_than_a_word(org: Org) -> None:
    for reason in (Reason.MANUAL, Reason.BOUNCED, Reason.MANUAL):
        await close_to(org, reason)
    async with org.work(write=False) as work:
        assert [each.reason for each in await work.session.scalars(select(Suppression))] == [Reason.BOUNCED]
    assert len(await told(org, "notify.suppression.added")) == 2


async def test_the_index_of_an_address_stays_with_the_message(org: Org, other: Org) -> None:
    ids: list[UUID] = [*await tell(org.home, org), *await tell(other.home, other)]
    async with serving() as server, transport_to(server) as transport:
        for each in (org, other):
            await send_of(org.home.works, transport, each.id)
    keys = set()
    for each in (org, other):
        async with each.work(write=False) as work:
            keys |= {row.to_key for row in await work.session.scalars(select(Notice).where(Notice.id.in_(ids)))}
    assert len(keys) == 2
    assert all(len(key) == 32 for key in keys)


@pytest.mark.parametrize(
    ("said", "status", "dead"),
    [
        ("5.1.1 no such user", "5.1.1", True),
        ("<a@b>: 550 5.1.10 null mx", "5.1.10", True),
        ("smtp; 550 5.2.1 disabled", "5.2.1", True),
        ("552 5.2.2 full", "5.2.2", False),
        ("5.1.8 your own address", "5.1.8", False),
        ("4.1.1 not now", "4.1.1", False),
        ("5.7.1 policy", "5.7.1", False),
        ("from 192.5.1.1 refused", "", False),
        ("nothing", "", False),
    ],
)
def test_only_what_is_said_of_the_address_ends_it(said: str, status: str, dead: bool) -> None:
    assert status_in(said) == status
    assert is_dead(status) is dead


def test_who_may_be_written_to() -> None:
    table = {(None, False): True, (None, True): True, (Reason.BOUNCED, True): False, (Reason.BOUNCED, False): False}
    table |= {(reason, fixed): fixed for reason in (Reason.MANUAL, Reason.COMPLAINED) for fixed in (False, True)}
    for (reason, fixed), wanted in table.items():
        assert may_write(reason, fixed=fixed) is wanted, (reason, fixed)
