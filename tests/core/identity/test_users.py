"""Changing, deleting and restoring users; one's own name and address."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from callers import Caller, add_caller
from holdfast.core.identity.facts import SignedIn, UserUpdated
from holdfast.core.identity.models import Session, SignInName, User, UserKind
from holdfast.kernel.permissions import SYSTEM
from posts import last_link, posted
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
USERS, LOGIN, ME = "/api/v1/users", "/api/v1/auth/login", "/api/v1/auth/me"
EMAIL, CONFIRM = "/api/v1/auth/email", "/api/v1/auth/email/confirm"


def address() -> str:
    return f"a{uuid4().hex[:10]}@x.test"


async def sign_in(client, name: str, field: str = "email") -> int:
    return (await client.post(LOGIN, json={field: name, "password": PASSWORD})).status_code


async def known_names(org: Org) -> set[bytes]:
    async with org.home.works.begin(org.id, SYSTEM, write=False) as work:
        statement = select(SignInName.name_hash).where(SignInName.tenant_id == org.id)
        return {bytes(each) for each in await work.session.scalars(statement)}


async def names_of_living(org: Org) -> set[bytes]:
    async with org.home.works.begin(org.id, SYSTEM, write=False) as work:
        users = (await work.session.scalars(select(User).where(User.deleted_at.is_(None)))).all()
    return {org.home.desk.name_hash(name) for user in users for name in (user.email, user.username) if name}


async def stale(org: Org, caller: Caller) -> None:
    """Let it be long ago that the caller showed who they are."""
    async with org.home.works.begin(org.id, SYSTEM) as work:
        session = await work.session.get(Session, (org.id, caller.session_id))
        session.verified_at = session.signed_in_at.replace(year=2020)
        work.record(SignedIn(entity=session))


async def role_of(client, org: Org, *permissions: str) -> Caller:
    """Add a user who holds just these permissions, everywhere."""
    made = {"name": f"R {uuid4().hex[:8]}", "permissions": list(permissions)}
    role = (await client.post("/api/v1/roles", json=made, headers=org.admin.bearer)).json()
    caller = await add_caller(org)
    given = await client.post(f"{USERS}/{caller.id}/roles", json={"role": role["id"]}, headers=org.admin.bearer)
    assert given.status_code == 201, given.text
    return caller


async def test_names_to_sign_in_by_follow_every_change(client, org: Org) -> None:
    email, username = address(), uuid4().hex[:10]
    ben = await add_caller(org, "Viewer", password=PASSWORD, email=email, username=username)
    url = f"{USERS}/{ben.id}"

    async def change(method: str, **fields: object):
        answer = await client.request(method, url, json=fields, headers=org.admin.bearer)
        assert answer.status_code == 200, answer.text
        assert await known_names(org) == await names_of_living(org)
        return answer.json()

    new, other = address(), uuid4().hex[:10]
    await change("PATCH", email=new)
    assert [await sign_in(client, email), await sign_in(client, new)] == [401, 200]
    await change("PATCH", username=other)
    assert [await sign_in(client, username, "username"), await sign_in(client, other, "username")] == [401, 200]
    replaced = await change("PUT", email=new.upper(), name="Ben")
    assert (replaced["username"], replaced["locale"], replaced["person_id"]) == (None, None, None)
    assert [await sign_in(client, other, "username"), await sign_in(client, new)] == [401, 200]
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
    assert await known_names(org) == await names_of_living(org)
    assert await sign_in(client, new) == 401
    assert (await client.post(f"{url}/restore", headers=org.admin.bearer)).status_code == 200
    assert await known_names(org) == await names_of_living(org)
    assert await sign_in(client, new) == 200


async def test_a_deleted_user_is_out_at_once_and_comes_back_with_the_roles(client, org: Org) -> None:
    ben = await add_caller(org, "Viewer", password=PASSWORD)
    url = f"{USERS}/{ben.id}"
    assert (await client.get(ME, headers=ben.bearer)).status_code == 200
    for caller, status in ((None, 401), (org.auditor, 403), (org.admin, 204), (org.admin, 404)):
        answer = await client.delete(url, headers=caller.bearer if caller else {})
        assert answer.status_code == status
    assert (await client.get(ME, headers=ben.bearer)).status_code == 401
    assert (await client.post("/api/v1/auth/refresh", json={"refresh_token": ben.refresh})).status_code == 401
    assert (await client.get(url, headers=org.admin.bearer)).status_code == 404
    trash = (await client.get(USERS, params={"deleted": True}, headers=org.admin.bearer)).json()["data"]
    assert [(each["id"], each["roles"]) for each in trash] == [(str(ben.id), ["Viewer"])]
    back = await client.post(f"{url}/restore", headers=org.admin.bearer)
    assert (back.status_code, back.json()["roles"], back.json()["status"]) == (200, ["Viewer"], "active")
    assert (await client.get(ME, headers=ben.bearer)).status_code == 401, "what was ended stays ended"
    again = await client.post(f"{url}/restore", headers=org.admin.bearer)
    assert (again.status_code, again.json()["code"]) == (409, "USER_NOT_DELETED")
    history = await client.get(f"/api/v1/audit/entities/user_account/{ben.id}/history", headers=org.auditor.bearer)
    told = [each["action"] for each in history.json()["data"]]
    assert told[:2] == ["identity.user.restored", "identity.user.deleted"]


@pytest.mark.parametrize("field", ["email", "username"])
async def test_who_comes_back_finds_their_name_taken(field: str, client, org: Org) -> None:
    ben = await add_caller(org, "Viewer", username="benjamin")
    await client.delete(f"{USERS}/{ben.id}", headers=org.admin.bearer)
    fields = {"email": address(), "name": "New", field: ben.email if field == "email" else "Benjamin"}
    assert (await client.post(USERS, json=fields, headers=org.admin.bearer)).status_code == 201
    answer = await client.post(f"{USERS}/{ben.id}/restore", headers=org.admin.bearer)
    assert answer.status_code == 409, answer.text
    assert [each["location"] for each in answer.json()["errors"]] == [f"body.{field}"]
    assert await known_names(org) == await names_of_living(org)


async def test_nobody_deletes_themselves(client, org: Org) -> None:
    await add_caller(org, "Admin")
    answer = await client.delete(f"{USERS}/{org.admin.id}", headers=org.admin.bearer)
    assert (answer.status_code, answer.json()["code"]) == (409, "OWN_ACCOUNT")


async def test_another_address_needs_its_right_a_step_up_and_is_told_to_the_old_one(client, org: Org) -> None:
    ben = await add_caller(org, "Viewer", password=PASSWORD)
    url, new = f"{USERS}/{ben.id}", address()
    editor = await role_of(client, org, "identity.user.update", "identity.user.read")
    assert (await client.patch(url, json={"name": "Benny"}, headers=editor.bearer)).status_code == 200
    assert (await client.patch(url, json={"email": ben.email}, headers=editor.bearer)).status_code == 200
    assert (await client.patch(url, json={"email": new}, headers=editor.bearer)).status_code == 403
    late = await add_caller(org, "Admin")
    await stale(org, late)
    asked = await client.patch(url, json={"email": new}, headers=late.bearer)
    assert (asked.status_code, asked.json()["code"]) == (403, "STEP_UP_REQUIRED")
    assert await posted(org, ben.email) == []
    assert (await client.patch(url, json={"email": new}, headers=org.admin.bearer)).status_code == 200
    [message] = await posted(org, ben.email)
    assert new in message.text
    history = await client.get(f"/api/v1/audit/entities/user_account/{ben.id}/history", headers=org.auditor.bearer)
    newest = history.json()["data"][0]
    assert (newest["action"], newest["before"]["email"], newest["after"]["email"]) == (
        "identity.email.changed",
        ben.email,
        new,
    )


async def test_who_may_change_addresses_does_not_come_by_more_rights_through_them(client, org: Org) -> None:
    desk = await role_of(client, org, "identity.user.update", "identity.user.change_email")
    answer = await client.patch(f"{USERS}/{org.admin.id}", json={"email": address()}, headers=desk.bearer)
    assert (answer.status_code, answer.json()["code"]) == (403, "MORE_RIGHTS")
    assert (await client.get(ME, headers=org.admin.bearer)).json()["user"]["email"] == org.admin.email
    plain = await add_caller(org)
    assert (
        await client.patch(f"{USERS}/{plain.id}", json={"email": address()}, headers=desk.bearer)
    ).status_code == 200


async def test_an_invited_users_new_address_gets_the_invitation_and_the_old_link_is_dead(client, org: Org) -> None:
    old, new = address(), address()
    user = (await client.post(USERS, json={"email": old, "name": "New"}, headers=org.admin.bearer)).json()
    dead = await last_link(org, old)
    answer = await client.patch(f"{USERS}/{user['id']}", json={"email": new}, headers=org.admin.bearer)
    assert answer.status_code == 200, answer.text
    url = "/api/v1/auth/invitations/accept"
    assert (await client.post(url, json={"token": dead, "password": PASSWORD})).status_code == 403
    accepted = await client.post(url, json={"token": await last_link(org, new), "password": PASSWORD})
    assert accepted.status_code == 200, accepted.text


async def test_a_person_has_an_address_and_a_program_none(client, org: Org) -> None:
    ben, robot = await add_caller(org), await add_caller(org)
    async with org.work() as work:
        row = await work.session.get(User, (org.id, robot.id))
        row.kind, row.email = UserKind.SERVICE, None
        work.record(UserUpdated(entity=row))
    for user_id, email in ((ben.id, None), (robot.id, address())):
        for method in ("PUT", "PATCH"):
            body = {"email": email, "name": "X"}
            answer = await client.request(method, f"{USERS}/{user_id}", json=body, headers=org.admin.bearer)
            assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "body.email"), answer.text


async def test_one_person_has_one_account(client, org: Org, other: Org) -> None:
    made = {"number": "1", "given_name": "Ann", "family_name": "Other"}
    person = (await client.post("/api/v1/org/people", json=made, headers=org.admin.bearer)).json()["id"]
    theirs = (await client.post("/api/v1/org/people", json=made, headers=other.admin.bearer)).json()["id"]
    first, second = await add_caller(org), await add_caller(org)
    link = {"person_id": person}
    assert (await client.patch(f"{USERS}/{first.id}", json=link, headers=org.admin.bearer)).status_code == 200
    taken = await client.patch(f"{USERS}/{second.id}", json=link, headers=org.admin.bearer)
    assert (taken.status_code, taken.json()["errors"][0]["location"]) == (409, "body.person_id")
    found = await client.get(USERS, params={"person_id": person}, headers=org.admin.bearer)
    assert [each["id"] for each in found.json()["data"]] == [str(first.id)]
    for absent in (theirs, str(uuid4())):
        answer = await client.patch(f"{USERS}/{second.id}", json={"person_id": absent}, headers=org.admin.bearer)
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "body.person_id")


# ── one's own ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_ones_own_address_holds_once_the_new_one_is_confirmed(client, org: Org) -> None:
    ben = await add_caller(org, "Viewer", password=PASSWORD)
    first, new = address(), address()
    assert (await client.post(EMAIL, json={"email": new})).status_code == 401
    for email in (first, new):
        assert (await client.post(EMAIL, json={"email": email}, headers=ben.bearer)).status_code == 202
    dead, token = await last_link(org, first), await last_link(org, new)
    assert [await sign_in(client, new), await sign_in(client, ben.email)] == [401, 200]
    assert (await client.post(CONFIRM, json={"token": dead})).status_code == 403, "only the newest link is good"
    done = await client.post(CONFIRM, json={"token": token})
    assert (done.status_code, done.json()["email"]) == (200, new), done.text
    assert (await client.post(CONFIRM, json={"token": token})).status_code == 403
    assert [await sign_in(client, new), await sign_in(client, ben.email)] == [200, 401]
    told = [message.text for message in await posted(org, ben.email) if "was changed to" in message.text]
    assert [new in text for text in told] == [True]
    assert (await client.get(ME, headers=ben.bearer)).status_code == 200
    entries = await client.get("/api/v1/audit/entries?action=identity.email.changed", headers=org.auditor.bearer)
    assert [each["actor_id"] for each in entries.json()["data"]] == [str(ben.id)]


async def test_who_has_an_address_is_told_only_to_who_proves_that_it_is_theirs(client, org: Org) -> None:
    ben = await add_caller(org, "Viewer")
    asked = await client.post(EMAIL, json={"email": org.user.email}, headers=ben.bearer)
    assert asked.status_code == 202
    answer = await client.post(CONFIRM, json={"token": await last_link(org, org.user.email)})
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (409, "body.email")
    assert (await client.post(EMAIL, json={"email": ben.email}, headers=ben.bearer)).status_code == 422


async def test_ones_own_address_needs_a_step_up_and_is_not_changed_as_an_administrator(client, org: Org) -> None:
    late = await add_caller(org, "Viewer")
    await stale(org, late)
    answer = await client.post(EMAIL, json={"email": address()}, headers=late.bearer)
    assert (answer.status_code, answer.json()["code"]) == (403, "STEP_UP_REQUIRED")
    own = await client.patch(f"{USERS}/{org.admin.id}", json={"email": address()}, headers=org.admin.bearer)
    assert (own.status_code, own.json()["code"]) == (409, "OWN_ACCOUNT")


@pytest.mark.parametrize("purpose", ["invitation", "email"])
async def test_a_link_of_one_purpose_is_none_for_the_other(purpose: str, client, org: Org) -> None:
    email = address()
    if purpose == "invitation":
        await client.post(USERS, json={"email": email, "name": "New"}, headers=org.admin.bearer)
        answer = await client.post(CONFIRM, json={"token": await last_link(org, email)})
    else:
        await client.post(EMAIL, json={"email": email}, headers=org.viewer.bearer)
        body = {"token": await last_link(org, email), "password": PASSWORD}
        answer = await client.post("/api/v1/auth/invitations/accept", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "LINK_REFUSED")


async def test_what_everybody_changes_of_themselves(client, org: Org) -> None:
    ben = await add_caller(org)
    done = await client.patch(ME, json={"locale": "de-CH", "time_zone": "Europe/Zurich"}, headers=ben.bearer)
    assert done.status_code == 200, done.text
    user = done.json()["user"]
    assert (user["locale"], user["time_zone"], user["name"]) == ("de-CH", "Europe/Zurich", "Someone")
    assert (await client.get(ME, headers=ben.bearer)).json()["user"] == user
    stale_ = await client.patch(ME, json={"name": "B"}, headers={**ben.bearer, "If-Match": '"1"'})
    assert stale_.status_code == 412
    fresh = {**ben.bearer, "If-Match": f'"{user["version"]}"'}
    assert (await client.patch(ME, json={"name": "B", "locale": None}, headers=fresh)).json()["user"]["name"] == "B"


LOCALES = ["en", "en-GB", "zh-Hant-TW", "de-CH-1996", "sl-rozaj-biske", "de-DE-u-co-phonebk", "es-419", "en-x-twain"]


async def test_languages_and_time_zones_are_those_that_there_are(client, org: Org) -> None:
    for good in LOCALES:
        assert (await client.patch(ME, json={"locale": good}, headers=org.user.bearer)).status_code == 200, good
    for bad in ("e", "en_GB", "en-", "-en", "englishlanguage", "en-GB-", "x" * 36, "a-DE", "de-u"):
        answer = await client.patch(ME, json={"locale": bad}, headers=org.viewer.bearer)
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "body.locale"), bad
    for zone, status in (("UTC", 200), ("America/Argentina/Ushuaia", 200), ("europe/berlin", 422), ("+01:00", 422)):
        answer = await client.patch(ME, json={"time_zone": zone}, headers=org.operator.bearer)
        assert answer.status_code == status, zone


async def test_me_tells_what_is_held_where_and_until_when(client, org: Org) -> None:
    ben = await add_caller(org, "Viewer")
    made = {"code": "N-1", "name": "North"}
    company = (await client.post("/api/v1/org/companies", json=made, headers=org.admin.bearer)).json()["id"]
    body = {"role": "Auditor", "company_id": company, "ends_at": "2099-01-01T00:00:00Z"}
    given = await client.post(f"{USERS}/{ben.id}/roles", json=body, headers=org.admin.bearer)
    assert given.status_code == 201, given.text
    me = (await client.get(ME, headers=ben.bearer)).json()
    assert me["roles"] == ["Auditor", "Viewer"]
    assert me["grants"] == [
        {"role": "Auditor", "unit": {"kind": "company", "id": company}, "ends_at": "2099-01-01T00:00:00Z"},
        {"role": "Viewer", "unit": None, "ends_at": None},
    ]
    assert "audit.entry.read" not in me["permissions"], "what holds in a unit does not hold everywhere"
    assert UUID(me["user"]["id"]) == ben.id
