"""Codes and links where four processes serve one database: what is used in one is used in all (ASVS 12, 14, 17)."""

import asyncio
from itertools import cycle

import httpx
import pytest
from processes import Servers

from authenticator import give_authenticator, link_sent
from callers import Caller, add_caller
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable, pytest.mark.timeout(180)]
LOGIN, VERIFY, ME = "/api/v1/auth/login", "/api/v1/auth/mfa/verify", "/api/v1/auth/me"
FORGOT, RESET = "/api/v1/auth/password/forgot", "/api/v1/auth/password/reset"


@pytest.fixture
async def bea(org: Org) -> Caller:
    return await add_caller(org, "Viewer", password=PASSWORD)


async def waiting(client: httpx.AsyncClient, caller: Caller) -> str:
    answer = await client.post(LOGIN, json={"email": caller.email, "password": PASSWORD})
    return answer.json()["mfa_token"]


async def in_turn(servers: Servers, url: str, bodies: list[dict[str, str]]) -> list[httpx.Response]:
    """Send the bodies at once, each to the next process."""
    pairs = zip(cycle(servers.clients), bodies, strict=False)
    return await asyncio.gather(*(client.post(url, json=body) for client, body in pairs))


async def test_12_one_code_sent_to_every_process_at_once_opens_one_session(servers, home, org, bea) -> None:
    app, codes = await give_authenticator(home, org, bea.id)
    for shown in ({"recovery_code": codes[0]}, {"code": app.code()}):
        tokens = [await waiting(client, bea) for client in servers.clients]
        answers = await in_turn(servers, VERIFY, [{"mfa_token": token, **shown} for token in tokens])
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7, [a.text for a in answers]
        assert {answer.json()["code"] for answer in answers if answer.status_code == 401} == {"CODE_REFUSED"}


async def test_12_one_sign_in_finished_in_every_process_at_once_opens_one_session(servers, home, org, bea) -> None:
    app, codes = await give_authenticator(home, org, bea.id)
    token = await waiting(servers.clients[0], bea)
    shown = [{"code": app.code()}, *({"recovery_code": code} for code in codes[:3])]
    answers = await in_turn(servers, VERIFY, [{"mfa_token": token, **each} for each in shown])
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401], [a.text for a in answers]
    left = await servers.clients[0].get("/api/v1/auth/mfa", headers=bea.bearer)
    assert left.json()["recovery_codes_left"] >= 9, "the codes that came too late are not used up"


async def test_14_wrong_codes_are_counted_over_all_processes(servers, home, org, bea) -> None:
    app, codes = await give_authenticator(home, org, bea.id)
    token = await waiting(servers.clients[0], bea)
    answers = await in_turn(servers, VERIFY, [{"mfa_token": token, "code": app.wrong()}] * 16)
    assert {answer.status_code for answer in answers} == {401}, [answer.text for answer in answers]
    told = [answer.json()["code"] for answer in answers]
    assert told.count("CODE_REFUSED") == 5
    body = {"mfa_token": token, "recovery_code": codes[0]}
    assert await servers.everywhere("POST", VERIFY, json=body) == {401}


async def test_17_one_link_used_in_every_process_at_once_sets_one_password(servers, home, org, bea) -> None:
    assert (await servers.clients[0].post(FORGOT, json={"email": bea.email})).status_code == 202
    token = await link_sent(home, org)
    new = [f"stone under bridge number {turn}" for turn in range(4)]
    answers = await in_turn(servers, RESET, [{"token": token, "new_password": each} for each in new])
    assert sorted(answer.status_code for answer in answers) == [204, 403, 403, 403], [a.text for a in answers]
    assert await servers.everywhere("GET", ME, headers=bea.bearer) == {401}
    good = [new[turn] for turn, answer in enumerate(answers) if answer.status_code == 204]
    body = {"email": bea.email, "password": good[0]}
    assert await servers.everywhere("POST", LOGIN, json=body) == {200}
    bodies = [{"email": bea.email, "password": each} for each in new if each not in good]
    assert {answer.status_code for answer in await in_turn(servers, LOGIN, bodies)} == {401}
