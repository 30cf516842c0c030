"""Sign-in, token and refresh: ten a minute an account, thirty a minute an address, counted for all processes."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
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


Attempt = Callable[[int], Awaitable[httpx.Response]]


async def until_limited(attempt: Attempt, *, limit: int, expected: Callable[[int], int]) -> None:
    """Try until it is refused: not before `limit` attempts, and after that only as many as the time gave back."""
    started = time.monotonic()
    for turn in range(limit * 3):
        answer = await attempt(turn)
        if answer.status_code == 429:
            break
        assert answer.status_code == expected(turn), answer.text
    given_back = (time.monotonic() - started) * limit / 60
    assert limit <= turn <= limit + given_back + 1
    assert answer.headers["content-type"] == "application/problem+json"
    assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_ten_sign_ins_of_an_account_in_every_process_form_and_spelling(clients, org: Org, ann: Caller) -> None:
    async def attempt(turn: int) -> httpx.Response:
        client = clients[turn % 2]
        name, password = ann.email.upper() if turn % 3 else ann.email, "wrong" if turn else PASSWORD
        if turn % 4 < 2:
            return await client.post(TOKEN, data={"username": name, "password": password})
        return await client.post(LOGIN, json={"email": name, "password": password})

    await until_limited(attempt, limit=10, expected=lambda turn: 401 if turn else 200)


async def test_ten_refreshes_of_an_account_whatever_its_tokens(clients, org: Org, ann: Caller) -> None:
    token = ann.refresh

    async def attempt(turn: int) -> httpx.Response:
        nonlocal token
        answer = await clients[turn % 2].post(REFRESH, json={"refresh_token": token})
        token = answer.json().get("refresh_token", token)
        return answer

    await until_limited(attempt, limit=10, expected=lambda _: 200)


async def test_ten_changes_of_password_of_an_account(clients, org: Org) -> None:
    bea = await add_caller(org, "Viewer", password=PASSWORD)

    async def attempt(turn: int) -> httpx.Response:
        body = {"current_password": f"wrong {turn}", "new_password": "stone under the seventh bridge"}
        return await clients[turn % 2].post("/api/v1/auth/password", json=body, headers=bea.bearer)

    await until_limited(attempt, limit=10, expected=lambda _: 403)


async def test_a_token_that_only_looks_like_an_accounts_counts_against_nobody(clients, org: Org, ann: Caller) -> None:
    forged = ann.refresh[:-4] + ("AAAA" if not ann.refresh.endswith("AAAA") else "BBBA")
    for turn in range(12):
        assert (await clients[turn % 2].post(REFRESH, json={"refresh_token": forged})).status_code in (401, 429)
    assert (await clients[0].post(REFRESH, json={"refresh_token": ann.refresh})).status_code == 200


async def test_an_unknown_account_is_limited_alike(clients) -> None:
    body = {"email": f"nobody-{uuid4().hex}@nowhere.test", "password": PASSWORD}

    async def attempt(turn: int) -> httpx.Response:
        return await clients[turn % 2].post(LOGIN, json=body)

    await until_limited(attempt, limit=10, expected=lambda _: 401)


async def test_thirty_attempts_of_an_address_whatever_the_account(clients, home, org: Org) -> None:
    callers = [await add_caller(org, "Viewer") for _ in range(30)]

    async def attempt(turn: int) -> httpx.Response:
        client = clients[turn % 2]
        if turn % 3 == 2:
            return await client.post(REFRESH, json={"refresh_token": callers[turn // 3].refresh})
        return await client.post(LOGIN, json={"email": f"x{turn}@{org.slug}.test", "password": "wrong"})

    await until_limited(attempt, limit=30, expected=lambda turn: 200 if turn % 3 == 2 else 401)
    async with client_of(home) as elsewhere:
        answer = await elsewhere.post(LOGIN, json={"email": f"y@{org.slug}.test", "password": "wrong"})
        assert answer.status_code == 401, "another address waits too"


async def test_the_limit_of_an_account_does_not_end_its_open_sessions(clients, org: Org, ann: Caller) -> None:
    async def attempt(_: int) -> httpx.Response:
        return await clients[0].post(LOGIN, json={"email": ann.email, "password": "wrong"})

    await until_limited(attempt, limit=10, expected=lambda _: 401)
    assert (await clients[0].get("/api/v1/auth/me", headers=ann.bearer)).status_code == 200
    assert (await clients[1].post(REFRESH, json={"refresh_token": ann.refresh})).status_code == 200
