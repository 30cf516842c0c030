"""Sign-in, token and refresh: ten a minute an account, thirty a minute an address, counted for all processes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import httpx
import pytest

from callers import Caller, add_caller
from clients import address, client_of
from holdfast.main import create_app, open_installation
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
LOGIN, TOKEN, REFRESH = "/api/v1/auth/login", "/api/v1/auth/token", "/api/v1/auth/refresh"


@pytest.fixture
async def clients(home) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two processes' worth of the installation, reached from one address, with the default limits."""
    place = address()
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            process = open_installation(home.settings)
            stack.push_async_callback(process.close)
            transport = httpx.ASGITransport(app=create_app(home.settings, process), client=place)
            client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
            made.append(await stack.enter_async_context(client))
        yield made


def assert_limited(answer: httpx.Response) -> None:
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_the_eleventh_sign_in_of_an_account_waits_in_every_process_and_form(clients, org: Org, ann) -> None:
    for turn in range(10):
        client = clients[turn % 2]
        name, password = ann.email.upper() if turn % 3 else ann.email, "wrong" if turn else PASSWORD
        if turn % 2:
            answer = await client.post(TOKEN, data={"username": name, "password": password})
        else:
            answer = await client.post(LOGIN, json={"email": name, "password": password})
        assert answer.status_code == (401 if turn else 200), answer.text
    for client in clients:
        assert_limited(await client.post(LOGIN, json={"email": ann.email, "password": PASSWORD}))
        assert_limited(await client.post(TOKEN, data={"username": ann.email, "password": PASSWORD}))


async def test_an_unknown_account_is_limited_alike(clients) -> None:
    body = {"email": f"nobody-{uuid4().hex}@nowhere.test", "password": PASSWORD}
    answers = [await clients[turn % 2].post(LOGIN, json=body) for turn in range(10)]
    assert [answer.status_code for answer in answers] == [401] * 10
    assert_limited(await clients[0].post(LOGIN, json=body))


async def test_the_thirty_first_attempt_of_an_address_waits_whatever_the_account(clients, home, org: Org) -> None:
    callers = [await add_caller(org, "Viewer") for _ in range(10)]
    for turn in range(30):
        client = clients[turn % 2]
        if turn % 3 == 2:
            answer = await client.post(REFRESH, json={"refresh_token": callers[turn // 3].refresh})
            assert answer.status_code == 200, answer.text
        else:
            answer = await client.post(LOGIN, json={"email": f"x{turn}@{org.slug}.test", "password": "wrong"})
            assert answer.status_code == 401, answer.text
    assert_limited(await clients[0].post(LOGIN, json={"email": f"y@{org.slug}.test", "password": "wrong"}))
    assert_limited(await clients[1].post(REFRESH, json={"refresh_token": callers[0].refresh}))
    async with client_of(home) as elsewhere:
        answer = await elsewhere.post(LOGIN, json={"email": f"y@{org.slug}.test", "password": "wrong"})
        assert answer.status_code == 401, "another address waits too"


async def test_the_limit_of_an_account_does_not_end_its_open_sessions(clients, org: Org, ann: Caller) -> None:
    for _ in range(12):
        await clients[0].post(LOGIN, json={"email": ann.email, "password": "wrong"})
    assert (await clients[0].get("/api/v1/auth/me", headers=ann.bearer)).status_code == 200
    assert (await clients[1].post(REFRESH, json={"refresh_token": ann.refresh})).status_code == 200
