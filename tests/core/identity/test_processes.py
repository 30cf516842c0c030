"""Revocation and rotation where several processes serve one database: nothing is remembered but in it."""

import asyncio

import httpx
import pytest
from processes import Servers
from sqlalchemy import select

from callers import add_caller
from holdfast.core.identity.models import RefreshToken
from holdfast.kernel.permissions import SYSTEM
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable, pytest.mark.timeout(180)]
ME, REFRESH = "/api/v1/auth/me", "/api/v1/auth/refresh"


async def test_25_logout_in_one_is_refused_in_all_on_the_next_request(servers: Servers, org: Org) -> None:
    for client in servers.clients:
        caller = await add_caller(org, "Viewer")
        assert await servers.everywhere("GET", ME, headers=caller.bearer) == {200}
        assert (await client.post("/api/v1/auth/logout", headers=caller.bearer)).status_code == 204
        assert await servers.everywhere("GET", ME, headers=caller.bearer) == {401}
        assert await servers.everywhere("POST", REFRESH, json={"refresh_token": caller.refresh}) == {401}


async def test_20_suspension_in_one_is_refused_in_all_on_the_next_request(servers: Servers, org: Org) -> None:
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


async def test_26_under_load_nothing_is_accepted_after_the_suspension_is_answered(servers: Servers, org: Org) -> None:
    """Eight clients send without pause; whatever begins after the 200 of the suspension is refused."""
    caller = await add_caller(org, "Viewer")
    body = {"status": "suspended"}

    async def suspend() -> httpx.Response:
        url = f"/api/v1/users/{caller.id}/status"
        return await servers.clients[0].patch(url, json=body, headers=org.admin.bearer)

    before, after = await servers.around(ME, caller.bearer, suspend)
    assert 200 in before
    assert after == {401}


async def test_31_sixteen_refreshes_in_all_processes_give_one_live_successor(servers: Servers, home, org: Org) -> None:
    caller = await add_caller(org, "Viewer")
    token = {"refresh_token": caller.refresh}
    answers = await asyncio.gather(*(client.post(REFRESH, json=token) for client in servers.clients * 2))
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
