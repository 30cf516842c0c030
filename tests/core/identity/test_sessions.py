"""Where somebody is signed in: seen and ended by oneself and by an administrator."""

import httpx
import pytest

from callers import Caller, add_caller
from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.public import open_session
from holdfast.core.identity.queries import get_user
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
OWN, ME = "/api/v1/auth/sessions", "/api/v1/auth/me"


async def again(org: Org, caller: Caller, count: int) -> list[str]:
    """Open more sessions of a user and return their access tokens."""
    tokens = []
    for _ in range(count):
        async with org.work() as work:
            user = await get_user(work, user_id=caller.id)
            opened = open_session(work, org.home.desk, user=user, kind=SessionKind.TOKEN)
            work.record(SignedIn(entity=opened.session))
        tokens.append(opened.access_token)
    return tokens


async def answers(client: httpx.AsyncClient, tokens: list[str]) -> list[int]:
    return [(await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code for token in tokens]


async def test_the_own_live_sessions_are_listed_latest_first(client, hands, org: Org) -> None:
    ann = await add_caller(org, "Viewer", password=PASSWORD)
    gone = (await again(org, ann, 1))[0]
    await client.post("/api/v1/auth/logout", headers={"Authorization": f"Bearer {gone}"})
    signed = await client.post(
        "/api/v1/auth/login",
        json={"email": ann.email, "password": PASSWORD, "session": "cookie"},
        headers={"User-Agent": "Browser/1"},
    )
    client.cookies.clear()
    assert signed.status_code == 200, signed.text
    listed = (await client.get(OWN, headers=ann.bearer)).json()
    assert [each["kind"] for each in listed["data"]] == ["cookie", "token"]
    assert [each["current"] for each in listed["data"]] == [False, True]
    assert listed["data"][0]["user_agent"] == "Browser/1"
    assert listed["data"][1]["id"] == str(ann.session_id)
    assert "hash" not in str(listed)
    hands.forward(minutes=31)
    renewed = (await client.post("/api/v1/auth/refresh", json={"refresh_token": ann.refresh})).json()
    bearer = {"Authorization": f"Bearer {renewed['access_token']}"}
    listed = (await client.get(OWN, headers=bearer)).json()["data"]
    assert [each["kind"] for each in listed] == ["token"], "what is over is not shown"


async def test_one_of_the_own_sessions_ends_on_the_next_request_and_only_once(client, org: Org) -> None:
    ann = await add_caller(org, "Viewer")
    [other] = await again(org, ann, 1)
    listed = (await client.get(OWN, headers=ann.bearer)).json()["data"]
    [other_id] = [each["id"] for each in listed if not each["current"]]
    assert (await client.delete(f"{OWN}/{other_id}", headers=ann.bearer)).status_code == 204
    assert await answers(client, [other, ann.access]) == [401, 200]
    again_ended = await client.delete(f"{OWN}/{other_id}", headers=ann.bearer)
    assert (again_ended.status_code, again_ended.json()["code"]) == (404, "SESSION_NOT_FOUND")
    found = f"/api/v1/audit/entries?action=identity.session.revoked&entity_id={other_id}"
    [entry] = (await client.get(found, headers=org.auditor.bearer)).json()["data"]
    assert entry["actor_id"] == str(ann.id)


async def test_a_colleagues_session_cannot_be_ended_as_ones_own(client, org: Org) -> None:
    ann, ben = await add_caller(org, "Viewer"), await add_caller(org, "Viewer")
    assert (await client.delete(f"{OWN}/{ben.session_id}", headers=ann.bearer)).status_code == 404
    assert await answers(client, [ben.access]) == [200]


async def test_all_other_sessions_end_and_the_present_one_goes_on(client, org: Org) -> None:
    ann = await add_caller(org, "Viewer")
    others = await again(org, ann, 3)
    ended = await client.delete(OWN, headers=ann.bearer)
    assert (ended.status_code, ended.json()) == (200, {"ended": 3})
    assert await answers(client, [ann.access, *others]) == [200, 401, 401, 401]
    assert (await client.delete(OWN, headers=ann.bearer)).json() == {"ended": 0}


async def test_an_administrator_sees_and_ends_a_users_sessions_and_both_are_in_the_trail(client, org: Org) -> None:
    ben = await add_caller(org, "Viewer")
    others = await again(org, ben, 2)
    url = f"/api/v1/users/{ben.id}/sessions"
    listed = await client.get(url, headers=org.admin.bearer)
    assert listed.status_code == 200, listed.text
    assert len(listed.json()["data"]) == 3
    one = await client.delete(f"{url}/{ben.session_id}", headers=org.admin.bearer)
    assert one.status_code == 204, one.text
    assert await answers(client, [ben.access, *others]) == [401, 200, 200]
    assert (await client.delete(url, headers=org.admin.bearer)).json() == {"ended": 2}
    assert await answers(client, others) == [401, 401]
    entries = (await client.get("/api/v1/audit/entries?page_size=4", headers=org.auditor.bearer)).json()["data"]
    told = [(each["action"], each["actor_id"]) for each in entries]
    revoked = ("identity.session.revoked", str(org.admin.id))
    assert told == [revoked, revoked, revoked, ("identity.session.read", str(org.admin.id))]
    assert (entries[3]["entity_type"], entries[3]["entity_id"]) == ("user_account", str(ben.id))


async def test_a_session_under_another_users_path_is_not_found(client, org: Org) -> None:
    ann, ben = await add_caller(org, "Viewer"), await add_caller(org, "Viewer")
    url = f"/api/v1/users/{ann.id}/sessions/{ben.session_id}"
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 404
    assert await answers(client, [ben.access]) == [200]


async def test_each_export_leaves_an_entry_with_what_was_asked_for(client, org: Org) -> None:
    for _ in range(2):
        answer = await client.get("/api/v1/org/people/exports?status=active", headers=org.admin.bearer)
        assert answer.status_code == 200, answer.text
    url = "/api/v1/audit/entries?action=directory.person.export&outcome=success"
    entries = (await client.get(url, headers=org.auditor.bearer)).json()["data"]
    assert len(entries) == 2
    entry = (await client.get(f"/api/v1/audit/entries/{entries[0]['id']}", headers=org.auditor.bearer)).json()
    assert entry["detail"]["status"] == "active"
