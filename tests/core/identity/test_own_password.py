"""Changing one's own password."""

import asyncio

import pytest
from sqlalchemy import select

from callers import Caller, add_caller
from holdfast.core.identity.models import Password
from holdfast.kernel.permissions import SYSTEM
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
LOGIN, CHANGE, ME = "/api/v1/auth/login", "/api/v1/auth/password", "/api/v1/auth/me"
NEW = "stone under the seventh bridge"


@pytest.fixture
async def bea(org: Org) -> Caller:
    return await add_caller(org, "Viewer", password=PASSWORD)


async def sign_in(client, caller: Caller, password: str):
    answer = await client.post(LOGIN, json={"email": caller.email, "password": password})
    return answer.status_code, answer.json()


async def change(client, caller: Caller, current: str = PASSWORD, new: str = NEW):
    return await client.post(CHANGE, json={"current_password": current, "new_password": new}, headers=caller.bearer)


async def test_the_new_password_signs_in_the_old_one_does_not_and_every_other_session_ends(client, org, bea) -> None:
    _, other = await sign_in(client, bea, PASSWORD)
    answer = await change(client, bea)
    assert answer.status_code == 204, answer.text
    assert (await client.get(ME, headers=bea.bearer)).status_code == 200, "the present session goes on"
    bearer = {"Authorization": f"Bearer {other['access_token']}"}
    assert (await client.get(ME, headers=bearer)).status_code == 401
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": other["refresh_token"]})
    assert refreshed.status_code == 401
    assert (await sign_in(client, bea, PASSWORD))[0] == 401
    assert (await sign_in(client, bea, NEW))[0] == 200
    found = await client.get(f"/api/v1/audit/entries?actor_id={bea.id}&category=security", headers=org.auditor.bearer)
    told = [entry["action"] for entry in found.json()["data"][:2]]
    assert sorted(told) == ["identity.password.set", "identity.session.revoked"]


async def test_a_wrong_present_password_changes_nothing_and_is_counted_and_recorded(client, timed, org, bea) -> None:
    answer = await change(client, bea, current="wrong " + PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (403, "WRONG_PASSWORD")
    assert [each["location"] for each in answer.json()["errors"]] == ["body.current_password"]
    async with timed.works.begin(org.id, SYSTEM) as work:
        password = (await work.session.scalars(select(Password).where(Password.id == bea.id))).one()
        assert password.failures == 1
    found = await client.get("/api/v1/audit/entries?action=identity.password.change", headers=org.auditor.bearer)
    [entry] = found.json()["data"]
    assert (entry["outcome"], entry["entity_id"]) == ("failed", str(bea.id))
    assert (await sign_in(client, bea, PASSWORD))[0] == 200


@pytest.mark.parametrize(
    "new", ["short", "x" * 40, PASSWORD, "{email} and more words", "{slug} holds this together", "é" * 513]
)
async def test_a_new_password_against_the_rule_is_refused_naming_the_field(new: str, client, org, bea) -> None:
    answer = await change(client, bea, new=new.format(email=bea.email, slug=org.slug))
    assert answer.status_code == 422, answer.text
    assert [each["location"] for each in answer.json()["errors"]] == ["body.new_password"]
    assert (await sign_in(client, bea, PASSWORD))[0] == 200


@pytest.mark.parametrize(
    "new", ["pass with spaces at the end   ", "эта фраза длинная и своя 🦔", "x1!" + "abcdefgh" * 120]
)
async def test_long_passwords_of_any_characters_are_kept_exactly(new: str, client, bea) -> None:
    assert (await change(client, bea, new=new)).status_code == 204
    assert (await sign_in(client, bea, new))[0] == 200
    for close in (new[:-1], new.strip() + "x", new.upper(), new[:-1] + "z"):
        assert (await sign_in(client, bea, close))[0] == 401, close


async def test_of_two_changes_at_once_one_is_made(client, bea) -> None:
    answers = await asyncio.gather(*(change(client, bea, new=f"{NEW} {turn}") for turn in range(2)))
    made = sorted(answer.status_code for answer in answers)
    assert made in ([204, 409], [204, 403]), [answer.text for answer in answers]


async def test_a_sign_in_that_began_with_the_old_password_opens_nothing_after_the_change(
    client, timed, bea, monkeypatch
) -> None:
    verify = type(timed.desk.passwords).verify

    async def slow(self, stored, password):
        good = await verify(self, stored, password)
        monkeypatch.undo()
        assert (await change(client, bea)).status_code == 204
        return good

    monkeypatch.setattr(type(timed.desk.passwords), "verify", slow)
    assert (await sign_in(client, bea, PASSWORD))[0] == 401
    assert (await sign_in(client, bea, NEW))[0] == 200
