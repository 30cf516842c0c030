"""A new password by a link: asked for, sent by an administrator, used."""

import asyncio

import httpx
import pytest
from sqlalchemy import select

from authenticator import give_authenticator, link_sent, outbox, set_policy
from callers import Caller, add_caller
from clients import client_of
from holdfast.core.identity.facts import UserStatusChanged
from holdfast.core.identity.models import User, UserStatus, UserToken
from holdfast.core.identity.service import password_reset
from holdfast.core.notify.models import Notice
from holdfast.kernel.permissions import SYSTEM
from support import PASSWORD, Org, make_org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
LOGIN, ME = "/api/v1/auth/login", "/api/v1/auth/me"
FORGOT, RESET = "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset"
NEW = "stone under the seventh bridge"


@pytest.fixture
async def bea(org: Org) -> Caller:
    return await add_caller(org, "Viewer", password=PASSWORD)


async def sign_in(client: httpx.AsyncClient, caller: Caller, password: str) -> httpx.Response:
    return await client.post(LOGIN, json={"email": caller.email, "password": password})


async def forget(client: httpx.AsyncClient, caller: Caller, **more: str) -> httpx.Response:
    answer = await client.post(FORGOT, json={"email": caller.email, **more})
    assert (answer.status_code, set(answer.json())) == (202, {"message"}), answer.text
    return answer


async def reset(client: httpx.AsyncClient, token: str, new: str = NEW) -> httpx.Response:
    return await client.post(RESET, json={"token": token, "new_password": new})


async def test_the_link_sets_a_password_once_and_ends_every_session(client, timed, org, bea) -> None:
    other = (await sign_in(client, bea, PASSWORD)).json()
    await forget(client, bea)
    [message] = [each for each in await outbox(timed, org) if "#token=" in each.text]
    assert message.to == bea.email
    assert "http://127.0.0.1:8000/console/reset-password#token=hfl_" in message.text
    assert (await sign_in(client, bea, PASSWORD)).status_code == 200, "the old password is good until then"
    answer = await reset(client, await link_sent(timed, org))
    assert (answer.status_code, answer.content) == (204, b""), answer.text
    assert "set-cookie" not in answer.headers
    for bearer in (bea.bearer, {"Authorization": f"Bearer {other['access_token']}"}):
        assert (await client.get(ME, headers=bearer)).status_code == 401
    assert (await sign_in(client, bea, PASSWORD)).status_code == 401
    assert (await sign_in(client, bea, NEW)).status_code == 200
    again = await reset(client, await link_sent(timed, org), NEW + "!")
    assert (again.status_code, again.json()["code"]) == (403, "RESET_REFUSED")
    assert [each["location"] for each in again.json()["errors"]] == ["body.token"]
    assert [each.subject for each in await outbox(timed, org)].count("Your password was changed") == 1
    found = await client.get("/api/v1/audit/entries?category=security&page_size=50", headers=org.auditor.bearer)
    assert {"identity.password.reset_sent", "identity.password.set", "identity.session.revoked"} <= {
        each["action"] for each in found.json()["data"]
    }


async def test_a_newer_link_half_an_hour_or_another_password_ends_it(client, timed, org, hands, bea) -> None:
    await forget(client, bea)
    first = await link_sent(timed, org)
    hands.forward(seconds=1)
    await forget(client, bea)
    second = await link_sent(timed, org)
    assert first != second
    assert (await reset(client, first)).status_code == 403
    hands.forward(minutes=30, seconds=1)
    assert (await reset(client, second)).status_code == 403
    await forget(client, bea)
    third = await link_sent(timed, org)
    fresh = (await sign_in(client, bea, PASSWORD)).json()["access_token"]
    body = {"current_password": PASSWORD, "new_password": NEW}
    changed = await client.post("/api/v1/auth/password", json=body, headers={"Authorization": f"Bearer {fresh}"})
    assert changed.status_code == 204, changed.text
    assert (await reset(client, third, "another " + NEW)).status_code == 403
    assert (await sign_in(client, bea, NEW)).status_code == 200
    assert [each.subject for each in await outbox(timed, org)].count("Your password was changed") == 1


@pytest.mark.parametrize("new", ["short", "x" * 40, "Holdfast forever and on", "{email} and more", "name {org} in it"])
async def test_a_password_against_the_rule_is_refused_and_the_link_stays_good(new, client, timed, org, bea) -> None:
    await forget(client, bea)
    token = await link_sent(timed, org)
    weak = await reset(client, token, new.format(email=bea.email, org=f"Org {org.slug}"))
    assert (weak.status_code, weak.json()["code"]) == (422, "WEAK_PASSWORD"), weak.text
    assert [each["location"] for each in weak.json()["errors"]] == ["body.new_password"]
    assert (await reset(client, token)).status_code == 204


async def test_of_uses_at_once_one_wins(client, timed, org, bea) -> None:
    await forget(client, bea)
    token = await link_sent(timed, org)
    answers = await asyncio.gather(*(reset(client, token, f"{NEW} {turn}") for turn in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 403, 403, 403]
    good = [(await sign_in(client, bea, f"{NEW} {turn}")).status_code for turn in range(4)]
    assert sorted(good) == [200, 401, 401, 401]


async def test_it_does_not_go_around_the_second_factor(client, timed, org, bea) -> None:
    app, _ = await give_authenticator(timed, org, bea.id)
    waits = (await sign_in(client, bea, PASSWORD)).json()["mfa_token"]
    await forget(client, bea)
    token = await link_sent(timed, org)
    assert (await reset(client, token, "eightie!")).status_code == 204, "eight characters beside a second factor"
    over = await client.post("/api/v1/auth/mfa/verify", json={"mfa_token": waits, "code": app.code()})
    assert over.json()["code"] == "SIGN_IN_OVER"
    answer = (await sign_in(client, bea, "eightie!")).json()
    assert answer["mfa_required"] is True


async def test_a_user_who_may_not_enter_any_more_sets_no_password(client, timed, org, bea) -> None:
    await forget(client, bea)
    token = await link_sent(timed, org)
    async with timed.works.begin(org.id, SYSTEM) as work:
        user = (await work.session.scalars(select(User).where(User.id == bea.id))).one()
        user.status = UserStatus.SUSPENDED
        work.record(UserStatusChanged(entity=user))
    assert (await reset(client, token)).status_code == 403


async def test_links_that_are_none_are_refused_alike(client, timed, org, bea) -> None:
    await forget(client, bea)
    token = await link_sent(timed, org)
    for wrong in ("x", "hfl_x", "hfl_" + "A" * 86, token[:-1], token[:-2] + "AA", token.removeprefix("hfl_")):
        answer = await reset(client, wrong)
        assert (answer.status_code, answer.json()["code"]) == (403, "RESET_REFUSED"), wrong
        assert PASSWORD not in answer.text
    for body in ({}, {"token": token}, {"token": token, "new_password": NEW, "email": "x"}):
        assert (await client.post(RESET, json=body)).status_code == 422


async def test_nothing_is_sent_to_who_is_unknown_known_twice_suspended_or_elsewhere(client, home, timed, org) -> None:
    other = await make_org(home)
    twin = await add_caller(org, "Viewer", password=PASSWORD)
    await add_caller(other, "Viewer", password=PASSWORD, email=twin.email)
    gone = await add_caller(org, "Viewer", password=PASSWORD)
    async with timed.works.begin(org.id, SYSTEM) as work:
        user = (await work.session.scalars(select(User).where(User.id == gone.id))).one()
        user.status = UserStatus.SUSPENDED
        work.record(UserStatusChanged(entity=user))
    named = await add_caller(org, "Viewer", password=PASSWORD, username="somebody@nowhere.test")
    answers = [
        await client.post(FORGOT, json=body)
        for body in (
            {"email": "nobody@nowhere.test"},
            {"email": "nobody@nowhere.test", "organization": org.slug},
            {"email": twin.email},
            {"email": gone.email},
            {"email": named.email, "organization": other.slug},
            {"email": "somebody@nowhere.test"},
            {"email": "no address at all"},
        )
    ]
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert answers[0].status_code == 202
    for each in (org, other):
        async with timed.works.begin(each.id, SYSTEM, write=False) as work:
            assert (await work.session.scalars(select(Notice))).all() == []
            assert (await work.session.scalars(select(UserToken))).all() == []
    await forget(client, twin, organization=org.slug)
    assert [message.to for message in await outbox(timed, org)] == [twin.email]
    assert await outbox(timed, other) == []


async def test_an_administrator_sends_a_link_and_sees_no_password(client, timed, org, other, bea) -> None:
    url = f"/api/v1/users/{bea.id}/password"
    assert (await client.patch(url, json={})).status_code == 401
    assert (await client.patch(url, json={}, headers=org.viewer.bearer)).status_code == 403
    assert (await client.patch(url, json={}, headers=other.admin.bearer)).status_code == 404
    for body in ({"new_password": NEW}, {"current_password": PASSWORD, "new_password": NEW}, {"password": NEW}):
        refused = await client.patch(url, json=body, headers=org.admin.bearer)
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["location"] in {
            "body.new_password",
            "body.current_password",
            "body.password",
        }
    assert (await sign_in(client, bea, PASSWORD)).status_code == 200
    for body in ({"json": {}}, {}):
        sent = await client.patch(url, headers=org.admin.bearer, **body)
        assert (sent.status_code, set(sent.json())) == (202, {"message"}), sent.text
    found = await client.get("/api/v1/audit/entries?action=identity.password.reset_sent", headers=org.auditor.bearer)
    told = [(each["actor_id"], each["entity_id"]) for each in found.json()["data"]]
    assert told == [(str(org.admin.id), str(bea.id))] * 2
    assert (await sign_in(client, bea, PASSWORD)).status_code == 200, "the old one is good until the link is used"
    assert (await reset(client, await link_sent(timed, org))).status_code == 204
    suspended = f"/api/v1/users/{bea.id}/status"
    assert (await client.patch(suspended, json={"status": "suspended"}, headers=org.admin.bearer)).status_code == 200
    impossible = await client.patch(url, json={}, headers=org.admin.bearer)
    assert (impossible.status_code, impossible.json()["code"]) == (409, "CANNOT_RESET")


async def test_ones_own_password_is_changed_there_too(client, org, bea) -> None:
    url = f"/api/v1/users/{bea.id}/password"
    for body in ({}, {"new_password": NEW}):
        assert (await client.patch(url, json=body, headers=bea.bearer)).status_code == 422
    wrong = {"current_password": "wrong", "new_password": NEW}
    assert (await client.patch(url, json=wrong, headers=bea.bearer)).json()["code"] == "WRONG_PASSWORD"
    done = await client.patch(url, json={"current_password": PASSWORD, "new_password": NEW}, headers=bea.bearer)
    assert (done.status_code, done.content) == (204, b""), done.text
    assert (await sign_in(client, bea, NEW)).status_code == 200


async def test_an_organisations_own_lengths_hold(client, timed, org, bea) -> None:
    await set_policy(timed, org, password_min_length=20, password_min_length_with_mfa=12)
    body = {"current_password": PASSWORD, "new_password": "nineteen characters"}
    assert (await client.post("/api/v1/auth/password", json=body, headers=bea.bearer)).status_code == 422
    await give_authenticator(timed, org, bea.id)
    for new, status in (("elevenchars", 422), ("twelve chars", 204)):
        body["new_password"] = new
        assert (await client.post("/api/v1/auth/password", json=body, headers=bea.bearer)).status_code == status


async def test_a_link_used_while_the_password_is_being_hashed_is_used_once(
    client, timed, org, bea, monkeypatch
) -> None:
    await forget(client, bea)
    token = await link_sent(timed, org)
    hash_ = type(timed.desk.passwords).hash

    async def slow(self, password):
        monkeypatch.undo()
        async with client_of(timed) as second:
            assert (await reset(second, token, NEW)).status_code == 204
        return await hash_(self, password)

    monkeypatch.setattr(type(timed.desk.passwords), "hash", slow)
    assert (await reset(client, token, "another " + NEW)).status_code == 403
    assert (await sign_in(client, bea, NEW)).status_code == 200
    assert password_reset.PAGE == "reset-password"
