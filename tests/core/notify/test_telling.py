"""People are told in the transaction of what they are told of: each once for a key, as they want it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from messages import lending, rows_of
from sqlalchemy import event, select
from test_transports import parsed

from background import quick, until, working
from callers import add_caller
from holdfast.core.audit.public import EntryList
from holdfast.core.audit.service.reading import browse_entries
from holdfast.core.directory.facts import PersonImported
from holdfast.core.directory.models import Person
from holdfast.core.directory.schemas import OrganizationUpdate
from holdfast.core.directory.service.organizations import update_organization
from holdfast.core.identity.facts import UserUpdated
from holdfast.core.identity.public import Audience
from holdfast.core.identity.queries import get_user
from holdfast.core.notify.facts import PreferencesChosen, TemplateWritten
from holdfast.core.notify.models import Announcement, Digest, MessageTemplate, Notice, NoticeState, NotifyPreference
from holdfast.core.notify.public import read_outbox, tell_audience
from holdfast.core.notify.queries import InboxList
from holdfast.core.notify.service import announcing
from holdfast.core.notify.service.announcing import tell_next
from holdfast.core.notify.service.digests import merge_due
from holdfast.core.notify.service.inbox import browse_inbox, remove_old
from holdfast.core.notify.service.outbox import Settled, settle_notices, take_notices
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.work import Work
from holdfast.main import Installation
from support import Member, Org, installation_on, make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]


@pytest.fixture(autouse=True)
def _lending(home: Installation):
    with lending(home):
        yield


async def tell(
    home: Installation, org: Org, *user_ids: UUID, message: str = "lend.due", key: str | None = None
) -> None:
    async with home.works.begin(org.id, SYSTEM) as work:
        await work.tell(message, user_ids or [org.admin.id], key=key, title="Drill")


class Killed(Exception):
    """The process died before the commit."""


@asynccontextmanager
async def killed(home: Installation, org: Org) -> AsyncIterator[Work]:
    """Open a unit of work that never gets to its commit."""
    with suppress(Killed):
        async with home.works.begin(org.id, SYSTEM) as work:
            yield work
            await work.flush()
            raise Killed


async def choose(home: Installation, org: Org, user_id: UUID, **fields: object) -> None:
    async with home.works.begin(org.id, SYSTEM) as work:
        row = NotifyPreference(id=user_id, **{"channels": {}, "digest": Digest.OFF, "digest_hour": 8, **fields})
        work.session.add(row)
        work.record(PreferencesChosen(entity=row))


async def change(home: Installation, org: Org, user_id: UUID, **fields: object) -> None:
    async with home.works.begin(org.id, SYSTEM) as work:
        user = await get_user(work, user_id=user_id, lock=True)
        for name, value in fields.items():
            setattr(user, name, value)
        work.record(UserUpdated(entity=user))


async def speak(org: Org, locale: str | None) -> None:
    """Let the organisation's administrator choose the language of messages to whoever chose none."""
    async with org.work() as work:
        await update_organization(work, OrganizationUpdate(locale=locale))


async def test_who_rolls_back_has_told_nobody_and_a_key_counts_once(home: Installation, org: Org, other: Org) -> None:
    async with killed(home, org) as work:
        await work.tell("lend.due", [org.admin.id], title="Drill")
    assert await rows_of(home, org) == []
    everyone = [member.id for member in org.members.values()]
    await tell(home, org, org.admin.id, key="drill:1")
    await tell(home, org, *everyone, key="drill:1")
    await tell(home, org, key="drill:2")
    await tell(home, other, key="drill:1")
    told = [(row.user_id, row.key) for row in await rows_of(home, org)]
    assert sorted(told) == sorted([*((each, "drill:1") for each in everyone), (org.admin.id, "drill:2")])
    assert len(await rows_of(home, other)) == 1


async def test_of_several_who_tell_the_same_at_once_one_does(home: Installation, org: Org) -> None:
    everyone = [member.id for member in org.members.values()]
    await asyncio.gather(*(tell(home, org, *everyone, key="drill:1") for _ in range(6)))
    assert sorted(row.user_id for row in await rows_of(home, org)) == sorted(everyone)


async def statements(home: Installation, org: Org, users: list[UUID]) -> int:
    """Tell users and return how many statements that took."""
    seen: list[str] = []

    def listen(*given: object) -> None:
        seen.append(str(given[2]))

    async with home.works.begin(org.id, SYSTEM) as work:
        engine = work.link.connection.sync_connection.engine
        event.listen(engine, "before_cursor_execute", listen)
        await work.tell("lend.due", users, key="all", title="Drill")
        await work.flush()
        event.remove(engine, "before_cursor_execute", listen)
    return len(seen)


async def test_telling_many_asks_the_database_as_often_as_telling_few(home: Installation, org: Org) -> None:
    many = [(await add_caller(org, "Viewer")).id for _ in range(12)]
    counts = [await statements(home, org, users) for users in (many[:1], many)]
    assert counts[0] == counts[1] > 0
    assert len(await rows_of(home, org)) == 12


async def test_what_nobody_declares_is_a_fault_of_the_code(home: Installation, org: Org) -> None:
    for message, told in (("lend.lost", {}), ("lend.due", {}), ("lend.due", {"title": "a", "more": "b"})):
        async with home.works.begin(org.id, SYSTEM) as work:
            with pytest.raises(TypeError, match=r"lend\."):
                await work.tell(message, [org.admin.id], **told)
    async with home.works.begin(org.id, SYSTEM) as work:
        with pytest.raises(TypeError, match="at most 4000 bytes"):
            await work.tell("lend.due", [org.admin.id], title="x" * 4000)


async def test_programs_who_left_and_strangers_are_not_told(home: Installation, org: Org, other: Org) -> None:
    program, gone = await add_caller(org, "Viewer"), await add_caller(org, "Viewer")
    nameless = await add_caller(org, "Viewer", username=f"n{uuid4().hex[:8]}")
    await change(home, org, program.id, kind="service")
    await change(home, org, gone.id, status="suspended")
    await change(home, org, nameless.id, email=None)
    await tell(home, org, program.id, gone.id, other.admin.id, nameless.id)
    [row] = await rows_of(home, org)
    assert (row.user_id, row.inbox, row.state) == (nameless.id, True, NoticeState.OFF)
    assert await rows_of(home, other) == []


async def test_everybody_is_told_as_they_want_it(home: Installation, org: Org) -> None:
    await choose(home, org, org.admin.id, channels={"lend.due": []})
    await choose(home, org, org.user.id, channels={"lend.due": ["inbox"]})
    # In Kiritimati it is always another hour than in UTC; the quiet hours hold now, whenever that is.
    local = (home.works.clock() + timedelta(hours=14)).replace(minute=0)
    quiet = {"quiet_from": f"{local - timedelta(hours=1):%H:%M}", "quiet_until": f"{local + timedelta(hours=2):%H:%M}"}
    await change(home, org, org.viewer.id, time_zone="Pacific/Kiritimati")
    await choose(home, org, org.viewer.id, **quiet)
    await choose(home, org, org.auditor.id, digest=Digest.DAILY, **quiet)
    everyone = [member.id for member in org.members.values()]
    await tell(home, org, *everyone)
    found = {row.user_id: row for row in await rows_of(home, org)}
    assert org.admin.id not in found
    assert (found[org.user.id].inbox, found[org.user.id].state) == (True, NoticeState.OFF)
    waits = found[org.viewer.id]
    assert waits.state is NoticeState.WAITING
    assert timedelta(hours=1) <= waits.due_at - waits.created_at <= timedelta(hours=2)
    assert found[org.auditor.id].state is NoticeState.HELD
    async with home.works.begin(org.id, SYSTEM) as work:
        taken = await take_notices(work, limit=20)
        assert [each.letter.to for each in taken] == [org.operator.email]


async def test_what_is_fixed_asks_no_preference(home: Installation, org: Org) -> None:
    await choose(home, org, org.admin.id, digest=Digest.DAILY, quiet_from="00:00", quiet_until="23:59")
    async with home.works.begin(org.id, SYSTEM) as work:
        await work.tell("identity.new_sign_in", [org.admin.id])
    [row] = await rows_of(home, org)
    assert (row.state, row.inbox, row.due_at) == (NoticeState.WAITING, True, row.created_at)


@pytest.mark.parametrize(
    ("locale", "of_all", "subject"),
    [
        ("de", None, "Drill ist fällig"),
        ("de-CH", None, "Drill ist fällig"),
        ("DE-ch", None, "Drill ist fällig"),
        ("fr", None, "Drill is due"),
        (None, None, "Drill is due"),
        (None, "de", "Drill ist fällig"),
        (None, "de-AT", "Drill ist fällig"),
        ("en-GB", "de", "Drill is due"),
        ("de", "en", "Drill ist fällig"),
        ("fr", "de", "Drill ist fällig"),
        (None, "fr", "Drill is due"),
    ],
)
async def test_people_are_told_in_their_language_else_in_the_organisations(
    home: Installation, org: Org, other: Org, locale: str | None, of_all: str | None, subject: str
) -> None:
    await change(home, org, org.admin.id, locale=locale)
    await speak(org, of_all)
    await speak(other, "de")
    await tell(home, org)
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        [letter] = await read_outbox(work)
    assert (letter.subject, letter.to) == (subject, org.admin.email)
    async with org.work(write=False) as work:
        [item], _ = await browse_inbox(work, InboxList())
    assert item.subject == subject


async def test_a_text_that_fails_is_replaced_by_ours_and_said_once(home: Installation, org: Org) -> None:
    async with home.works.begin(org.id, SYSTEM) as work:
        own = MessageTemplate(
            message="lend.due", locale="en", subject="{{ gone }}", text="x", failed=False, id=work.new_id()
        )
        work.session.add(own)
        work.record(TemplateWritten(entity=own, message="lend.due", locale="en"))
    await tell(home, org, org.admin.id, org.user.id)
    await tell(home, org)
    async with home.works.begin(org.id, SYSTEM) as work:
        taken = await take_notices(work, limit=2)
    async with home.works.begin(org.id, SYSTEM) as work:
        taken = [*taken, *await take_notices(work, limit=2)]
    assert [each.letter.subject for each in taken] == ["Drill is due"] * 3
    async with org.work("auditor", write=False) as work:
        [entry] = (await browse_entries(work, EntryList(action="notify.template.failed")))[0]
    assert entry.detail == {"message": "lend.due", "locale": "en", "fault": "'gone' is undefined"}


async def fall_due(home: Installation, org: Org) -> None:
    async with home.works.begin(org.id, SYSTEM) as work:
        assert await merge_due(work) == 0, "not before it is due"
        for row in await work.session.scalars(select(Notice)):
            row.due_at = work.now()


async def test_who_dies_between_two_digests_leaves_nobody_out(home: Installation, org: Org) -> None:
    people = [org.admin, org.user, org.viewer]
    for each in people:
        await choose(home, org, each.id, digest=Digest.DAILY)
    await tell(home, org, *(each.id for each in people))
    await fall_due(home, org)
    while True:
        async with killed(home, org) as work:
            await merge_due(work)
        async with home.works.begin(org.id, SYSTEM) as work:
            if not await merge_due(work):
                break
    async with home.works.begin(org.id, SYSTEM) as work:
        taken = await take_notices(work, limit=20)
    assert sorted(each.letter.to for each in taken) == sorted(each.email for each in people)
    assert all(each.letter.text.count("bring back Drill") == 1 for each in taken)


async def test_a_digest_holds_what_waited_and_is_one_mail(home: Installation, org: Org) -> None:
    await choose(home, org, org.admin.id, digest=Digest.DAILY, channels={"lend.due": ["mail"]})
    await tell(home, org)
    await tell(home, org)
    await fall_due(home, org)
    async with killed(home, org) as work:
        assert await merge_due(work) == 2
    for count in (2, 0):
        async with home.works.begin(org.id, SYSTEM) as work:
            assert await merge_due(work) == count
    async with home.works.begin(org.id, SYSTEM) as work:
        [taken] = await take_notices(work, limit=20)
        assert taken.letter.subject.startswith("2 messages")
        assert taken.letter.text.count("bring back Drill") == 2
    async with home.works.begin(org.id, SYSTEM) as work:
        await settle_notices(work, [Settled(taken.id, NoticeState.SENT, code=250)])
    found = await rows_of(home, org)
    assert [(row.state, row.payload) for row in found] == [(NoticeState.MERGED, None)] * 2 + [(NoticeState.SENT, None)]


async def test_a_digest_is_in_the_organisations_language(home: Installation, org: Org) -> None:
    await speak(org, "de")
    await choose(home, org, org.admin.id, digest=Digest.DAILY)
    await tell(home, org)
    async with home.works.begin(org.id, SYSTEM) as work:
        for row in await work.session.scalars(select(Notice)):
            row.due_at = work.now()
    async with home.works.begin(org.id, SYSTEM) as work:
        assert await merge_due(work) == 1
    async with home.works.begin(org.id, SYSTEM) as work:
        [taken] = await take_notices(work, limit=20)
    assert taken.letter.subject.startswith("Eine Nachricht")
    assert "bringen Sie Drill zurück" in taken.letter.text
    assert taken.letter.locale == "de"


async def employ(home: Installation, org: Org, callers: Sequence[Member]) -> list[UUID]:
    """Make employees whose accounts these are: whom an audience can hold."""
    people = []
    async with home.works.begin(org.id, SYSTEM) as work:
        for caller in callers:
            person = Person(id=work.new_id(), number=uuid4().hex[:8], given_name="Ann", family_name="Other")
            work.session.add(person)
            work.record(PersonImported(entity=person, line=2))
            await work.flush()
            user = await get_user(work, user_id=caller.id, lock=True)
            user.person_id = person.id
            work.record(UserUpdated(entity=user))
            people.append(person.id)
    return people


async def test_an_audience_is_told_once_whatever_happens_meanwhile(home: Installation, org: Org, other: Org) -> None:
    callers = [await add_caller(org, "Viewer") for _ in range(3)]
    people = await employ(home, org, callers)
    without = Audience.model_validate({"exclude": [{"kind": "person", "id": str(people[2])}]})
    async with home.works.begin(org.id, SYSTEM) as work:
        await tell_audience(work, "lend.due", without, key="news:1", told={"title": "Drill"})
    async with home.works.begin(org.id, SYSTEM) as work:
        [row] = await work.session.scalars(select(Announcement))
    async with killed(home, org) as work:
        assert await tell_next(work, announcement_id=row.id) == 2
    await tell(home, org, callers[0].id, key="news:1")
    for count in (2, 0, 0):
        async with home.works.begin(org.id, SYSTEM) as work:
            assert await tell_next(work, announcement_id=row.id) == count
    assert sorted(each.user_id for each in await rows_of(home, org)) == sorted(each.id for each in callers[:2])
    async with home.works.begin(org.id, SYSTEM) as work:
        assert (await work.session.scalars(select(Announcement))).all() == []
        with pytest.raises(TypeError):
            await tell_audience(work, "lend.due", without, key="news:2", told={})


async def test_who_dies_at_any_moment_tells_the_rest_of_an_audience(
    home: Installation, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "BATCH", 2)
    everyone = list(org.members.values())
    await employ(home, org, everyone)
    async with home.works.begin(org.id, SYSTEM) as work:
        await tell_audience(work, "lend.due", Audience(), key="news:1", told={"title": "Drill"})
    async with home.works.begin(org.id, SYSTEM) as work:
        [row] = await work.session.scalars(select(Announcement))
    counts = []
    while not counts or counts[-1]:
        async with killed(home, org) as work:
            await tell_next(work, announcement_id=row.id)
        async with home.works.begin(org.id, SYSTEM) as work:
            counts.append(await tell_next(work, announcement_id=row.id))
    assert counts == [2, 2, 1, 0]
    assert sorted(each.user_id for each in await rows_of(home, org)) == sorted(each.id for each in everyone)


async def test_what_is_old_goes_and_what_waits_stays(home: Installation, org: Org) -> None:
    await tell(home, org)
    await tell(home, org, message="lend.news")
    async with home.works.begin(org.id, SYSTEM) as work:
        assert await remove_old(work, before=work.now() - timedelta(days=180)) == 0
        assert await remove_old(work, before=work.now() + timedelta(seconds=1)) == 1
    assert [row.message for row in await rows_of(home, org)] == ["lend.due"]


async def test_a_mail_leaves_at_once_by_a_job_of_its_organisation(dialect: str) -> None:
    async with installation_on(dialect) as home:
        with lending(home):
            quick(home, demo=True)
            org = await make_org(home)
            await tell(home, org)
            await tell(home, org)
            async with home.works.begin(org.id, SYSTEM, write=False) as work:
                [job] = await work.session.scalars(select(JobRow).where(JobRow.name == "notify.message.send"))
            async with working(home):
                assert (await until(home, org.id, job.id)).state == "done"
            mails = [parsed(mail.read_bytes()) for mail in (home.settings.holdfast_home / "mail").iterdir()]
            assert [mail["Subject"] for mail in mails] == ["Drill is due"] * 2
            # It stays readable in the inbox.
            assert all(row.payload is not None and row.state == "sent" for row in await rows_of(home, org))
