"""Revocation and rotation where several processes serve one database: nothing is remembered but in it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy import select

from callers import add_caller
from holdfast.core.identity.models import RefreshToken
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import Installation
from serving import serve
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.timeout(180)]
PROCESSES = 4
ME, REFRESH = "/api/v1/auth/me", "/api/v1/auth/refresh"


@dataclass
class Servers:
    """A client for each of the processes that serve the test's installation."""

    clients: list[httpx.AsyncClient]

    async def everywhere(self, method: str, url: str, **request: object) -> set[int]:
        """Send a request to every process at once and return the statuses."""
        answers = await asyncio.gather(*(client.request(method, url, **request) for client in self.clients))
        return {answer.status_code for answer in answers}


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[Installation], list[str]]]:
    """Give the addresses of an installation's processes, which run until the module's tests are over."""
    running: dict[str, list[str]] = {}
    with ExitStack() as stack, ThreadPoolExecutor(PROCESSES) as pool:

        def addresses(home: Installation) -> list[str]:
            if home.database.dialect not in running:
                contexts = [serve(home.settings, RATE_LIMIT_ENABLED="false", POOL_SIZE="5") for _ in range(PROCESSES)]
                # Entered at once: each waits until its server is ready.
                entered = list(pool.map(lambda context: context.__enter__(), contexts))
                for context in contexts:
                    stack.push(context)
                running[home.database.dialect] = [served.url for served in entered]
            return running[home.database.dialect]

        yield addresses


@pytest.fixture
async def servers(home, start) -> AsyncIterator[Servers]:
    urls = await asyncio.to_thread(start, home)
    async with AsyncExitStack() as stack:
        clients = [httpx.AsyncClient(base_url=url, timeout=30) for url in urls]
        yield Servers([await stack.enter_async_context(client) for client in clients])


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
