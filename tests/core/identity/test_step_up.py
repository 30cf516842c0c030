"""Showing anew who one is, and what asks for it."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from authenticator import enrol, give_authenticator
from callers import Caller, add_caller
from holdfast.core.identity.models import Password, Session
from holdfast.kernel.permissions import SYSTEM
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
STEP_UP, ENROL, ME = "/api/v1/auth/step-up", "/api/v1/auth/mfa/totp", "/api/v1/auth/me"
HERE = {"Origin": "http://127.0.0.1:8000"}


@pytest.fixture
async def bea(org: Org) -> Caller:
    return await add_caller(org, "Viewer", password=PASSWORD)


async def step_up(client: httpx.AsyncClient, caller: Caller, **shown: str) -> httpx.Response:
    return await client.post(STEP_UP, json=shown, headers=caller.bearer)


async def actions(client: httpx.AsyncClient, org: Org, caller: Caller) -> list[tuple[str, str, str | None]]:
    found = await client.get(f"/api/v1/audit/entries?entity_id={caller.id}", headers=org.auditor.bearer)
    return [(each["action"], each["outcome"]) for each in found.json()["data"]]


async def failures(home, org: Org, caller: Caller) -> int:
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        return (await work.session.scalars(select(Password.failures).where(Password.id == caller.id))).one()


async def test_after_ten_minutes_what_asks_for_it_is_refused_until_the_password_is_shown(client, hands, bea) -> None:
    assert (await client.post(ENROL, headers=bea.bearer)).status_code == 200
    hands.forward(minutes=10, seconds=1)
    stale = await client.post(ENROL, headers=bea.bearer)
    assert (stale.status_code, stale.json()["code"]) == (403, "STEP_UP_REQUIRED")
    shown = await step_up(client, bea, password=PASSWORD)
    assert shown.status_code == 200, shown.text
    assert shown.json()["second_factor"] is False
    assert shown.json()["expires_in"] == 600
    assert "set-cookie" not in shown.headers
    assert (await client.post(ENROL, headers=bea.bearer)).status_code == 200


async def test_it_holds_for_the_session_that_asked_and_no_other(client, org, hands, bea) -> None:
    body = {"email": bea.email, "password": PASSWORD}
    other = (await client.post("/api/v1/auth/login", json=body)).json()["access_token"]
    hands.forward(minutes=10, seconds=1)
    assert (await step_up(client, bea, password=PASSWORD)).status_code == 200
    refused = await client.post(ENROL, headers={"Authorization": f"Bearer {other}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "STEP_UP_REQUIRED")


async def test_nobody_without_a_session_and_nothing_but_one_thing_shown(client, bea) -> None:
    assert (await client.post(STEP_UP, json={"password": PASSWORD})).status_code == 401
    for shown in ({}, {"password": "x", "code": "123456"}, {"code": "12345"}, {"password": "x", "mfa": "1"}):
        answer = await client.post(STEP_UP, json=shown, headers=bea.bearer)
        assert answer.status_code == 422, answer.text


async def test_a_wrong_password_is_counted_and_recorded_and_the_right_one_begins_anew(client, timed, org, bea) -> None:
    wrong = await step_up(client, bea, password="wrong " + PASSWORD)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "WRONG_PASSWORD")
    assert [each["location"] for each in wrong.json()["errors"]] == ["body.password"]
    assert await failures(timed, org, bea) == 1
    assert ("identity.session.step_up", "failed") in await actions(client, org, bea)
    assert (await step_up(client, bea, password=PASSWORD)).status_code == 200
    assert await failures(timed, org, bea) == 0
    told = await client.get("/api/v1/audit/entries?action=identity.session.verified", headers=org.auditor.bearer)
    assert [each["entity_id"] for each in told.json()["data"]] == [str(bea.session_id)]


async def test_the_second_factor_is_asked_for_where_there_is_one(client, timed, org, hands, bea) -> None:
    none = await step_up(client, bea, code="123456")
    assert (none.status_code, none.json()["code"]) == (409, "NO_SECOND_FACTOR")
    app, codes = await give_authenticator(timed, org, bea.id)
    only = await step_up(client, bea, password=PASSWORD)
    assert (only.status_code, only.json()["code"]) == (403, "SECOND_FACTOR_NEEDED")
    wrong = await step_up(client, bea, code=app.wrong())
    assert (wrong.status_code, wrong.json()["code"]) == (403, "WRONG_CODE")
    assert await failures(timed, org, bea) == 1
    good = await step_up(client, bea, code=app.code())
    assert (good.status_code, good.json()["second_factor"]) == (200, True)
    assert (await step_up(client, bea, code=app.code())).status_code == 403, "the same code again"
    assert (await step_up(client, bea, recovery_code=codes[0].upper().replace("-", " "))).status_code == 200
    used = await step_up(client, bea, recovery_code=codes[0])
    assert [each["location"] for each in used.json()["errors"]] == ["body.recovery_code"]
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        session = (await work.session.scalars(select(Session).where(Session.id == bea.session_id))).one()
        assert session.second_factor
        assert timed.works.clock() - session.verified_at < timedelta(minutes=1)


async def test_a_browser_gets_another_cookie_and_the_old_one_is_dead(client, org, bea) -> None:
    body = {"email": bea.email, "password": PASSWORD, "session": "cookie"}
    signed_in = await client.post("/api/v1/auth/login", json=body)
    old, token = client.cookies["holdfast"], signed_in.json()["csrf_token"]
    refused = await client.post(STEP_UP, json={"password": PASSWORD}, headers=HERE)
    assert refused.status_code == 403, "without the form's token"
    shown = await client.post(STEP_UP, json={"password": PASSWORD}, headers={**HERE, "X-CSRF-Token": token})
    assert shown.status_code == 200, shown.text
    new = client.cookies["holdfast"]
    assert new != old
    client.cookies.clear()
    assert (await client.get(ME, headers={"Cookie": f"holdfast={old}"})).status_code == 401
    assert (await client.get(ME, headers={"Cookie": f"holdfast={new}"})).status_code == 200


async def test_wrong_codes_lock_the_account_at_last_as_wrong_passwords_do(client, timed, org, bea) -> None:
    app, _ = await enrol(client, timed, bea)
    async with timed.works.begin(org.id, SYSTEM) as work:
        (await work.session.scalars(select(Password).where(Password.id == bea.id))).one().failures = 99
    assert (await step_up(client, bea, code=app.wrong())).status_code == 403
    users = (await client.get("/api/v1/users?status=locked", headers=org.admin.bearer)).json()["data"]
    assert [user["id"] for user in users] == [str(bea.id)]
    assert (await client.get(ME, headers=bea.bearer)).status_code == 401
