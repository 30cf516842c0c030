"""Who asked for a job is looked up again when it starts: what they may then is what it may."""

from datetime import timedelta
from uuid import UUID

import pytest
import samples_of_jobs as samples
from sqlalchemy import delete, select, update

from background import troubles_of, until, working
from callers import Caller, add_caller
from clients import client_of
from holdfast.core.directory.models import Company
from holdfast.core.identity.models import RoleAssignment, Session, SessionKind, User
from holdfast.kernel.clock import rfc3339, system_clock
from holdfast.kernel.permissions import SYSTEM, Actor
from holdfast.kernel.tenancy import Tenant
from support import Org, make_org

pytestmark = [pytest.mark.service, pytest.mark.portable]


@pytest.fixture
async def ours(alone) -> Org:
    return await make_org(alone)


async def asked(org: Org, who: UUID, session_id: UUID | None, number: int) -> UUID:
    """Ask for a company as a user may who holds every right at that moment."""
    actor = Actor("user", who, session_id, permissions=frozenset({"directory.company.create"}))
    async with org.home.works.begin(org.id, actor) as work:
        return await work.enqueue(samples.add_company, number=number)


async def outcome(org: Org, job_id: UUID) -> tuple[str, list[str]]:
    async with working(org.home):
        job = await until(org.home, org.id, job_id)
    return job.state.value, [each.error for each in await troubles_of(org.home, org.id, job_id)]


async def edit(org: Org, statement) -> None:
    async with org.home.works.begin(org.id, SYSTEM) as work:
        await work.link.connection.execute(statement)


async def test_a_user_with_the_right_has_it_done_in_their_name(ours) -> None:
    user = await add_caller(ours, "Admin")
    assert await outcome(ours, await asked(ours, user.id, user.session_id, 1)) == ("done", [])
    async with ours.work(write=False) as work:
        assert await work.session.scalar(select(Company.created_by)) == user.id


@pytest.mark.parametrize("how", ["suspended", "deleted", "no role any more", "organisation suspended"])
async def test_a_user_who_may_not_any_more_is_refused(ours, how) -> None:
    user: Caller = await add_caller(ours, "Admin")
    made = await asked(ours, user.id, user.session_id, 1)
    users, roles = User.__table__, RoleAssignment.__table__
    match how:
        case "suspended":
            await edit(ours, update(users).where(users.c.id == user.id).values(status="suspended"))
        case "deleted":
            gone = {"deleted_at": system_clock(), "deleted_key": user.id}
            await edit(ours, update(users).where(users.c.id == user.id).values(**gone))
        case "no role any more":
            await edit(ours, delete(roles).where(roles.c.user_id == user.id))
        case _:
            tenants = Tenant.__table__
            await edit(ours, update(tenants).where(tenants.c.id == ours.id).values(status="suspended"))
    wanted = "FORBIDDEN" if how == "no role any more" else "JOB_PRINCIPAL_GONE"
    assert await outcome(ours, made) == ("failed", [wanted])


async def test_an_ended_session_does_not_end_what_was_asked_for(ours) -> None:
    user = await add_caller(ours, "Admin")
    made = await asked(ours, user.id, user.session_id, 1)
    sessions = Session.__table__
    await edit(ours, update(sessions).where(sessions.c.id == user.session_id).values(revoked_at=system_clock()))
    assert await outcome(ours, made) == ("done", [])


@pytest.mark.parametrize(
    ("scopes", "revoked", "wanted"),
    [
        (["directory.company.create"], False, ("done", [])),
        (["directory.company.read"], False, ("failed", ["FORBIDDEN"])),
        (["directory.company.create"], True, ("failed", ["JOB_PRINCIPAL_GONE"])),
    ],
)
async def test_what_a_key_asked_for_has_the_keys_rights_and_end(ours, scopes, revoked, wanted) -> None:
    user = await add_caller(ours, "Admin")
    async with client_of(ours.home) as client:
        ends = rfc3339(system_clock() + timedelta(days=1))
        body = {"label": "Nightly", "expires_at": ends, "scopes": scopes}
        key = await client.post("/api/v1/api-keys", json=body, headers=user.bearer)
        assert key.status_code == 201, key.text
        key_id = UUID(key.json()["id"])
        made = await asked(ours, user.id, key_id, 1)
        if revoked:
            ended = await client.delete(f"/api/v1/api-keys/{key_id}", headers=user.bearer)
            assert ended.status_code == 204, ended.text
    assert await outcome(ours, made) == wanted


async def test_what_somebody_asked_in_anothers_place_ends_with_that(ours) -> None:
    user = await add_caller(ours, "Viewer")
    async with ours.home.works.begin(ours.id, SYSTEM) as work:
        row = (await work.session.scalars(select(Session).where(Session.id == user.session_id))).one()
        assert row.kind is SessionKind.TOKEN
    async with client_of(ours.home) as client:
        body = {"reason": "Ticket 4711: sees an empty page", "minutes": 5}
        url = f"/api/v1/users/{user.id}/impersonate"
        begun = await client.post(url, json=body, headers=ours.admin.bearer)
        assert begun.is_success, begun.text
    async with ours.home.works.begin(ours.id, SYSTEM) as work:
        session = (await work.session.scalars(select(Session).where(Session.impersonator_id == ours.admin.id))).one()
    made = await asked(ours, user.id, session.id, 1)
    assert await outcome(ours, made) == ("failed", ["FORBIDDEN"]), "no more rights than the user whom it shows"
    sessions = Session.__table__
    made = await asked(ours, user.id, session.id, 2)
    await edit(ours, update(sessions).where(sessions.c.id == session.id).values(revoked_at=system_clock()))
    assert await outcome(ours, made) == ("failed", ["JOB_PRINCIPAL_GONE"])


async def test_a_session_of_nobodys_is_no_credential(ours) -> None:
    user = await add_caller(ours, "Admin")
    other = await make_org(ours.home)
    made = await asked(ours, user.id, other.admin.session_id, 1)
    assert await outcome(ours, made) == ("failed", ["JOB_PRINCIPAL_GONE"])
