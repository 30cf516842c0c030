"""Revocation and rotation where several processes serve one database: nothing is remembered but in it."""

import asyncio

import httpx
import pytest
from processes import PROCESSES, Servers
from sqlalchemy import select

from callers import add_caller
from holdfast.core.identity.models import RefreshToken
from holdfast.kernel.permissions import SYSTEM
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.timeout(180)]
ME, REFRESH = "/api/v1/auth/me", "/api/v1/auth/refresh"


async def test_logout_in_one_is_refused_in_all_on_the_next_request(servers: Servers, org: Org) -> None:
    for client in servers.clients:
        caller = await add_caller(org, "Viewer")
        assert await servers.everywhere("GET", ME, headers=caller.bearer) == {200}
        assert (await client.post("/api/v1/auth/logout", headers=caller.bearer)).status_code == 204
        assert await servers.everywhere("GET", ME, headers=caller.bearer) == {401}
        assert await servers.everywhere("POST", REFRESH, json={"refresh_token": caller.refresh}) == {401}


async def test_suspension_in_one_is_refused_in_all_on_the_next_request(servers: Servers, org: Org) -> None:
    caller = await add_caller(org, "Viewer", password=PASSWORD)
    body = {"email": caller.email, "password": PASSWORD}
    assert await servers.everywhere("POST", "/api/v1/auth/login", json=body) == {200}
    assert await servers.everywhere("GET", ME, headers=caller.bearer) == {200}
    url = f"/api/v1/users/{caller.id}/status"
    answer = await servers.clients[0].patch(url, json={"status": "suspended"}, headers=org.admin.bearer)
    assert answer.status_code == 200, answer.text
    assert await servers.everywhere("GET", ME, headers=caller.bearer) == {401}
    assert await servers.everywhere("POST", REFRESH, json={"refresh_token": caller.refresh}) == {401}
    assert await servers.everywhere("POST", "/api/v1/auth/login", json=body) == {401}


async def test_under_load_nothing_is_accepted_after_the_suspension_is_answered(servers: Servers, org: Org) -> None:
    """Eight clients send without pause; whatever begins after the 200 of the suspension is refused."""
    loop = asyncio.get_running_loop()
    caller = await add_caller(org, "Viewer")
    begun: list[tuple[float, int]] = []
    stop = asyncio.Event()

    async def knock(client: httpx.AsyncClient) -> None:
        while not stop.is_set():
            at = loop.time()
            begun.append((at, (await client.get(ME, headers=caller.bearer)).status_code))

    knocking = [asyncio.create_task(knock(client)) for client in servers.clients * 2]
    await asyncio.sleep(0.3)
    url = f"/api/v1/users/{caller.id}/status"
    answer = await servers.clients[0].patch(url, json={"status": "suspended"}, headers=org.admin.bearer)
    answered = loop.time()
    assert answer.status_code == 200, answer.text
    await asyncio.sleep(0.3)
    stop.set()
    await asyncio.gather(*knocking)
    before = [status for at, status in begun if at < answered]
    after = [status for at, status in begun if at >= answered]
    assert len(after) >= 8
    assert set(after) == {401}
    assert 200 in before


async def test_sixteen_refreshes_in_all_processes_give_one_live_successor(servers: Servers, home, org: Org) -> None:
    caller = await add_caller(org, "Viewer")
    token = {"refresh_token": caller.refresh}
    answers = await asyncio.gather(*(client.post(REFRESH, json=token) for client in servers.clients * 4))
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        unused = select(RefreshToken).where(
            RefreshToken.session_id == caller.session_id, RefreshToken.used_at.is_(None)
        )
        assert len((await work.session.scalars(unused)).all()) == 1
    for answer in answers:
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await servers.clients[0].get(ME, headers=bearer)).status_code == 200


async def test_a_refresh_that_races_a_logout_leaves_nothing_alive(servers: Servers, org: Org) -> None:
    for turn in range(8):
        caller = await add_caller(org, "Viewer")
        first, second = servers.clients[turn % PROCESSES], servers.clients[(turn + 1) % PROCESSES]
        renewed, out = await asyncio.gather(
            first.post(REFRESH, json={"refresh_token": caller.refresh}),
            second.post("/api/v1/auth/logout", headers=caller.bearer),
        )
        assert out.status_code == 204, out.text
        assert renewed.status_code in (200, 401), renewed.text
        if renewed.status_code == 200:
            bearer = {"Authorization": f"Bearer {renewed.json()['access_token']}"}
            assert await servers.everywhere("GET", ME, headers=bearer) == {401}
            token = {"refresh_token": renewed.json()["refresh_token"]}
            assert await servers.everywhere("POST", REFRESH, json=token) == {401}
