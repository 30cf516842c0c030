"""Refresh tokens, revocation, and forged credentials."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from forgeries import FORGERIES, opened, signed
from sqlalchemy import select

from callers import Caller, add_caller
from holdfast.core.identity.models import RefreshToken, RoleAssignment, Session
from holdfast.kernel.crypto import decode, encode
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import Tenant
from support import PASSWORD, Org, make_org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
LOGIN, REFRESH, ME = "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/me"


async def sign_in(client: httpx.AsyncClient, caller: Caller, **fields: object) -> httpx.Response:
    return await client.post(LOGIN, json={"email": caller.email, "password": PASSWORD, **fields})


async def renew(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(REFRESH, json={"refresh_token": token})


async def may_enter(client: httpx.AsyncClient, access: str) -> bool:
    answer = await client.get(ME, headers={"Authorization": f"Bearer {access}"})
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def live_tokens(timed, org: Org, session_id: object) -> int:
    """Return how many refresh tokens of a session nobody used."""
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        unused = select(RefreshToken).where(RefreshToken.session_id == session_id, RefreshToken.used_at.is_(None))
        return len((await work.session.scalars(unused)).all())


# ── refresh ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_refresh_gives_new_tokens_of_the_same_session(client, timed, org, ann: Caller) -> None:
    answer = await renew(client, ann.refresh)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert set(told) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert told["refresh_token"] != ann.refresh
    assert await may_enter(client, told["access_token"])
    assert (await renew(client, told["refresh_token"])).status_code == 200
    assert await live_tokens(timed, org, ann.session_id) == 1


async def test_sixteen_parallel_refreshes_give_one_live_successor(client, timed, org, ann: Caller) -> None:
    answers = await asyncio.gather(*(renew(client, ann.refresh) for _ in range(16)))
    assert {each.status_code for each in answers} == {200}, [each.text for each in answers]
    assert len({each.json()["refresh_token"] for each in answers}) == 1
    assert await live_tokens(timed, org, ann.session_id) == 1
    assert (await renew(client, answers[0].json()["refresh_token"])).status_code == 200


async def test_a_retry_within_thirty_seconds_gets_the_same_successor(client, timed, hands, org, ann: Caller) -> None:
    first = (await renew(client, ann.refresh)).json()["refresh_token"]
    hands.forward(seconds=20)  # and what the machine takes
    again = await renew(client, ann.refresh)
    assert (again.status_code, again.json()["refresh_token"]) == (200, first)
    assert (await renew(client, first)).status_code == 200
    assert await live_tokens(timed, org, ann.session_id) == 1


@pytest.mark.parametrize("how", ["late", "successor used"])
async def test_any_other_reuse_ends_the_session(how: str, client, timed, hands, org, ann: Caller) -> None:
    renewed = (await renew(client, ann.refresh)).json()
    if how == "late":
        hands.forward(seconds=31)
    else:
        renewed = (await renew(client, renewed["refresh_token"])).json()
    assert await may_enter(client, renewed["access_token"])
    assert (await renew(client, ann.refresh)).status_code == 401
    assert not await may_enter(client, renewed["access_token"])
    assert (await renew(client, renewed["refresh_token"])).status_code == 401
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        session = (await work.session.scalars(select(Session).where(Session.id == ann.session_id))).one()
    assert session.revoked_reason == "token_reused"


async def test_the_reuse_is_in_the_trail_as_critical(client, hands, org, ann: Caller) -> None:
    await renew(client, ann.refresh)
    hands.forward(seconds=31)
    await renew(client, ann.refresh)
    url = "/api/v1/audit/entries?action=identity.session.token_reused"
    [entry] = (await client.get(url, headers=org.auditor.bearer)).json()["data"]
    assert (entry["severity"], entry["entity_id"]) == ("critical", str(ann.session_id))


async def test_refresh_tokens_end_after_seven_idle_days_and_thirty_days_in_all(client, hands, org, ann) -> None:
    token = ann.refresh
    for _ in range(4):
        hands.forward(days=6)
        answer = await renew(client, token)
        assert answer.status_code == 200, answer.text
        token = answer.json()["refresh_token"]
    hands.forward(days=5, hours=23)
    token = (await renew(client, token)).json()["refresh_token"]
    hands.forward(hours=2)  # thirty days have passed
    assert (await renew(client, token)).status_code == 401
    other = await add_caller(org, "Viewer")
    hands.ahead = timedelta(days=7, seconds=5)
    assert (await renew(client, other.refresh)).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "Q"),
        lambda token: token[4:],
        lambda token: "hfr_" + "A" * 86,
        lambda token: token + "A",
        lambda token: "x",
        lambda token: "hfr_" + encode(decode(token[4:])[:32] + bytes(32)),
        lambda token: "hfr_" + encode(bytes(16) + decode(token[4:])[16:]),
    ],
)
async def test_a_changed_refresh_token_is_refused_and_harms_nobody(change, client, org, ann: Caller) -> None:
    assert (await renew(client, change(ann.refresh))).status_code == 401
    assert (await renew(client, ann.refresh)).status_code == 200


# ── revocation ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_logout_is_refused_on_the_very_next_request(client, org, ann: Caller) -> None:
    assert (await client.post("/api/v1/auth/logout", headers=ann.bearer)).status_code == 204
    assert not await may_enter(client, ann.access)
    assert (await renew(client, ann.refresh)).status_code == 401
    assert (await client.post("/api/v1/auth/logout", headers=ann.bearer)).status_code == 401


async def test_logout_by_cookie_takes_the_cookie_away_and_ends_it(client, org, ann: Caller) -> None:
    signed = await sign_in(client, ann, session="cookie")
    kept = dict(client.cookies)
    headers = {"Origin": "http://127.0.0.1:8000", "X-CSRF-Token": signed.json()["csrf_token"]}
    out = await client.post("/api/v1/auth/logout", headers=headers)
    assert out.status_code == 204
    assert "Max-Age=0" in out.headers["set-cookie"]
    client.cookies.update(kept)
    assert (await client.get(ME)).status_code == 401


async def test_suspension_is_refused_on_the_very_next_request(client, org: Org, ann: Caller) -> None:
    victim = await add_caller(org, "User", password=PASSWORD)
    cookie = (await sign_in(client, victim, session="cookie")).headers["set-cookie"].partition(";")[0]
    client.cookies.clear()
    assert (await client.get(ME, headers={"Cookie": cookie})).status_code == 200
    url = f"/api/v1/users/{victim.id}/status"
    suspended = await client.patch(url, json={"status": "suspended", "reason": "left"}, headers=ann.bearer)
    assert suspended.json()["status"] == "suspended"
    assert not await may_enter(client, victim.access)
    assert (await client.get(ME, headers={"Cookie": cookie})).status_code == 401
    assert (await renew(client, victim.refresh)).status_code == 401
    assert (await sign_in(client, victim)).status_code == 401
    listed = (await client.get("/api/v1/users?status=suspended", headers=ann.bearer)).json()["data"]
    assert [user["id"] for user in listed] == [str(victim.id)]
    active = await client.patch(url, json={"status": "active"}, headers=ann.bearer)
    assert active.json()["status"] == "active"
    assert (await sign_in(client, victim)).status_code == 200


async def test_what_a_suspension_ended_stays_ended_when_the_user_is_active_again(client, org, ann: Caller) -> None:
    victim = await add_caller(org, "User", password=PASSWORD)
    cookie = (await sign_in(client, victim, session="cookie")).headers["set-cookie"].partition(";")[0]
    client.cookies.clear()
    url = f"/api/v1/users/{victim.id}/status"
    for status in ("suspended", "active"):
        changed = await client.patch(url, json={"status": status, "reason": "on leave"}, headers=ann.bearer)
        assert changed.json()["status"] == status
    assert not await may_enter(client, victim.access)
    assert (await client.get(ME, headers={"Cookie": cookie})).status_code == 401
    assert (await renew(client, victim.refresh)).status_code == 401
    assert (await sign_in(client, victim)).status_code == 200
    found = await client.get("/api/v1/audit/entries?action=identity.session.revoked", headers=org.auditor.bearer)
    entries = found.json()["data"]
    assert len(entries) == 2, "one for the cookie's session, one for the tokens'"
    assert str(victim.session_id) in {entry["entity_id"] for entry in entries}
    entry = (await client.get(f"/api/v1/audit/entries/{entries[0]['id']}", headers=org.auditor.bearer)).json()
    assert (entry["reason"], entry["after"]["revoked_reason"]) == ("suspended", "suspended")


async def test_nobody_changes_the_own_status(client, org: Org, ann: Caller) -> None:
    url = f"/api/v1/users/{ann.id}/status"
    assert (await client.patch(url, json={"status": "suspended"}, headers=ann.bearer)).status_code == 409
    assert await may_enter(client, ann.access)


async def test_a_suspended_organisation_is_refused_on_the_very_next_request(client, timed, org, ann: Caller) -> None:
    async with timed.works.begin(org.id, SYSTEM) as work:
        (await work.session.scalars(select(Tenant).where(Tenant.id == org.id))).one().status = "suspended"
    assert not await may_enter(client, ann.access)
    assert (await renew(client, ann.refresh)).status_code == 401
    assert (await sign_in(client, ann)).status_code == 401


async def test_a_removed_role_is_gone_with_the_next_request(client, timed, org, ann: Caller) -> None:
    url = "/api/v1/org/companies"
    assert (await client.post(url, json={"code": "A", "name": "A"}, headers=ann.bearer)).status_code == 201
    async with timed.works.begin(org.id, SYSTEM) as work:
        table = RoleAssignment.__table__
        await work.link.connection.execute(table.delete().where(table.c.tenant_id == org.id, table.c.user_id == ann.id))
    assert (await client.post(url, json={"code": "B", "name": "B"}, headers=ann.bearer)).status_code == 403


async def test_an_access_token_ends_after_fifteen_minutes(client, hands, org, ann: Caller) -> None:
    hands.forward(minutes=14, seconds=50)
    assert await may_enter(client, ann.access)
    hands.forward(seconds=15)
    assert not await may_enter(client, ann.access)


async def test_a_cookie_ends_after_thirty_idle_minutes_and_twelve_hours_in_all(client, timed, hands, org, ann) -> None:
    await sign_in(client, ann, session="cookie")
    for _ in range(26):
        hands.forward(minutes=27)
        assert (await client.get(ME)).status_code == 200
        await timed.tidy()
    hands.forward(minutes=20)  # 12 h 2 min
    assert (await client.get(ME)).status_code == 401
    client.cookies.clear()
    await sign_in(client, ann, session="cookie")
    hands.forward(minutes=31)
    assert (await client.get(ME)).status_code == 401


# ── forged credentials ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.served
async def test_34_forged_access_tokens_are_refused(client, timed, org, ann: Caller) -> None:
    header, claims = opened(ann.access)
    key = timed.works.keys.access
    assert (header["alg"], header["typ"], header["kid"]) == ("HS256", "at+jwt", timed.works.keys.access_id)
    assert set(claims) == {"iss", "aud", "sub", "tid", "sid", "jti", "iat", "exp"}
    assert await may_enter(client, signed(header, claims, key)), "the forger's tools are not right"
    for what, forge in FORGERIES.items():
        assert not await may_enter(client, forge(header, claims, key)), what


async def test_a_session_of_another_organisation_is_not_found_in_ones_own(client, timed, home, org, ann) -> None:
    other = await make_org(home)
    header, claims = opened(ann.access)
    forged = signed(header, {**claims, "tid": str(other.id)}, timed.works.keys.access)
    assert not await may_enter(client, forged)


async def test_a_session_is_good_only_in_the_form_it_was_opened_in(client, timed, org, ann: Caller) -> None:
    refresh = decode(ann.refresh.removeprefix("hfr_"))
    name = timed.desk.cookie.name
    as_cookie = encode(refresh[:16] + ann.session_id.bytes + refresh[32:])
    assert (await client.get(ME, headers={"Cookie": f"{name}={as_cookie}"})).status_code == 401
    await sign_in(client, ann, session="cookie")
    cookie = decode(client.cookies[name])
    header, claims = opened(ann.access)
    as_token = signed(header, {**claims, "sid": str(UUID(bytes=cookie[16:32]))}, timed.works.keys.access)
    client.cookies.clear()
    assert not await may_enter(client, as_token)


async def test_a_cookie_with_another_secret_is_refused(client, timed, org, ann: Caller) -> None:
    await sign_in(client, ann, session="cookie")
    name = timed.desk.cookie.name
    good = client.cookies[name]
    raw = decode(good)
    client.cookies.clear()
    assert (await client.get(ME, headers={"Cookie": f"{name}={good}"})).status_code == 200
    changed = bytes([raw[32] ^ 1])
    for bad in (raw[:32] + bytes(32), raw[:32] + changed + raw[33:], raw[:63] + bytes([raw[63] ^ 1]), bytes(64)):
        assert (await client.get(ME, headers={"Cookie": f"{name}={encode(bad)}"})).status_code == 401
    for text in ("", "x", good[:-1], good + "A", good[:-1] + "!", "A" * 5000):
        assert (await client.get(ME, headers={"Cookie": f"{name}={text}"})).status_code == 401
