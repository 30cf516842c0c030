"""Sessions and tokens, by the numbers of the checklist after OWASP ASVS 5.0.0, at the served program.

What a shifted clock is needed for is in test_revocation.py; the list of all numbers is docs/reference/asvs.md.
"""

import asyncio
import os
from datetime import timedelta
from functools import partial
from itertools import pairwise
from uuid import uuid4

import httpx
import pytest
from processes import Servers

from authenticator import give_authenticator, link_sent
from callers import Caller, add_caller
from clients import client_of
from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.public import open_session
from holdfast.core.identity.queries import get_user
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.crypto import decode
from holdfast.main import open_installation
from operators import PLATFORM, REASON, add_operator
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable, pytest.mark.timeout(600)]
LOGIN, REFRESH, ME = "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/me"
LOGOUT, SESSIONS, USERS = "/api/v1/auth/logout", "/api/v1/auth/sessions", "/api/v1/users"
COMPANIES, PEOPLE, KEYS = "/api/v1/org/companies", "/api/v1/org/people", "/api/v1/api-keys"
HERE = {"Origin": "http://127.0.0.1:8000"}
ROUNDS = 500 if os.environ.get("PROVE") == "1" else 30


@pytest.fixture
async def bea(org: Org) -> Caller:
    return await add_caller(org, "Viewer", password=PASSWORD)


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def browse(client: httpx.AsyncClient, caller: Caller, **headers: str) -> tuple[str, str]:
    """Sign in as a browser does and return cookie and form token."""
    body = {"email": caller.email, "password": PASSWORD, "session": "cookie"}
    answer = await client.post(LOGIN, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    cookie = client.cookies["holdfast"]
    client.cookies.clear()
    return cookie, answer.json()["csrf_token"]


async def test_23_a_thousand_sessions_have_nothing_in_common(org: Org, bea: Caller) -> None:
    """(7.2.3) 256 bits each; every bit is set in about half of them, also given any bit of the one before."""
    async with org.work() as work:
        user = await get_user(work, user_id=bea.id)
        opened = [open_session(work, org.home.desk, user=user, kind=SessionKind.COOKIE) for _ in range(1000)]
        for each in opened:
            work.record(SignedIn(entity=each.session))
    secrets = [decode(each.cookie)[32:] for each in opened]
    assert {len(secret) for secret in secrets} == {32}
    for part in (slice(0, 8), slice(8, 16), slice(16, 24), slice(24, 32)):
        assert len({secret[part] for secret in secrets}) == 1000
    numbers = [int.from_bytes(secret) for secret in secrets]
    changes = [left ^ right for left, right in pairwise(numbers)]
    for values in (numbers, changes):
        for bit in range(256):
            # Nine standard deviations: 512 such counts go beyond six of them once in a million runs.
            assert 358 < sum(value >> bit & 1 for value in values) < 642, bit


async def test_24_a_cookie_from_before_signing_in_never_is_the_one_after_it(servers: Servers, org, bea) -> None:
    """(7.2.4)."""
    first, second = servers.clients[:2]
    planted, _ = await browse(first, await add_caller(org, "Viewer", password=PASSWORD))
    await first.post(LOGOUT, headers={**HERE, "Cookie": f"holdfast={planted}"})
    for before in ("A" * 86, planted):
        cookie, token = await browse(first, bea, Cookie=f"holdfast={before}")
        assert cookie != before
        assert await servers.everywhere("GET", ME, headers={"Cookie": f"holdfast={cookie}"}) == {200}
    cookie, token = await browse(second, bea, Cookie=f"holdfast={cookie}")
    headers = {**HERE, "Cookie": f"holdfast={cookie}", "X-CSRF-Token": token}
    shown = await first.post("/api/v1/auth/step-up", json={"password": PASSWORD}, headers=headers)
    assert shown.status_code == 200, shown.text
    assert await servers.everywhere("GET", ME, headers={"Cookie": f"holdfast={cookie}"}) == {401}
    cookie = first.cookies["holdfast"]
    first.cookies.clear()
    assert await servers.everywhere("GET", ME, headers={"Cookie": f"holdfast={cookie}"}) == {200}


async def test_25_after_the_logout_cookie_and_token_are_refused_in_all(servers: Servers, bea) -> None:
    """(7.4.1)."""
    cookie, token = await browse(servers.clients[0], bea)
    worn = {"Cookie": f"holdfast={cookie}"}
    assert await servers.everywhere("GET", ME, headers=worn) == {200}
    out = await servers.clients[1].post(LOGOUT, headers={**HERE, **worn, "X-CSRF-Token": token})
    assert out.status_code == 204, out.text
    assert await servers.everywhere("GET", ME, headers=worn) == {401}
    assert await servers.everywhere("GET", ME, headers=bea.bearer) == {200}, "another session goes on"
    assert (await servers.clients[2].post(LOGOUT, headers=bea.bearer)).status_code == 204
    assert await servers.everywhere("GET", ME, headers=bea.bearer) == {401}


ENDED = ["role", "organisation", "password", "key", "user", "last day", "session", "all sessions"]


@pytest.mark.parametrize("what", ENDED)
async def test_27_what_is_taken_away_is_gone_in_all_under_load(what: str, servers: Servers, home, org, bea) -> None:
    """(8.3.2) As 26: eight clients ask without pause, and whatever begins after the answer is refused."""
    client, admin, refused = servers.clients[0], org.admin.bearer, {401}
    headers, url = bea.bearer, f"{USERS}/{bea.id}"
    if what == "role":
        held = (await client.get(f"{url}/roles", headers=admin)).json()["data"][0]["id"]
        act, refused = partial(client.delete, f"{url}/roles/{held}", headers=admin), {403}
    elif what == "organisation":
        olga = await add_operator(home)
        shut = f"{PLATFORM}/organizations/{org.id}/suspend"
        act = partial(client.post, shut, json={"reason": REASON}, headers=olga.bearer)
    elif what == "password":
        signed = await client.post(LOGIN, json={"email": bea.email, "password": PASSWORD})
        other = bearing(signed.json()["access_token"])
        body = {"current_password": PASSWORD, "new_password": "stone under the seventh bridge"}
        act = partial(client.post, "/api/v1/auth/password", json=body, headers=other)
    elif what == "key":
        body = {"label": "Payroll", "expires_at": rfc3339(home.works.clock() + timedelta(days=1))}
        key = (await client.post(KEYS, json=body, headers=admin)).json()
        headers = bearing(key["key"])
        act = partial(client.delete, f"{KEYS}/{key['id']}", headers=admin)
    elif what == "user":
        act = partial(client.delete, url, headers=admin)
    elif what == "last day":
        body = {"number": uuid4().hex[:8], "given_name": "Bea", "family_name": "Other"}
        person = (await client.post(PEOPLE, json=body, headers=admin)).json()["id"]
        assert (await client.patch(url, json={"person_id": person}, headers=admin)).status_code == 200
        act = partial(client.patch, f"{PEOPLE}/{person}", json={"end_date": "2020-01-31"}, headers=admin)
    elif what == "session":
        act = partial(client.delete, f"{url}/sessions/{bea.session_id}", headers=admin)
    else:
        act = partial(client.delete, f"{url}/sessions", headers=admin)
    before, after = await servers.around(COMPANIES, headers, act)
    assert 200 in before
    assert after == refused


async def test_29_sessions_opened_in_one_are_seen_and_ended_in_all(servers: Servers, org, bea) -> None:
    """(7.4.5, 7.5.2)."""
    clients = servers.clients
    body = {"email": bea.email, "password": PASSWORD}
    signed = await asyncio.gather(*(client.post(LOGIN, json=body) for client in clients[:3]))
    first, second, third = (bearing(answer.json()["access_token"]) for answer in signed)
    for client in clients:
        assert len((await client.get(SESSIONS, headers=first)).json()["data"]) == 4
    own = {each["id"]: each["current"] for each in (await clients[0].get(SESSIONS, headers=second)).json()["data"]}
    [current] = [name for name, is_current in own.items() if is_current]
    assert (await clients[1].delete(f"{SESSIONS}/{current}", headers=first)).status_code == 204
    assert await servers.everywhere("GET", ME, headers=second) == {401}
    assert (await clients[2].delete(SESSIONS, headers=first)).json() == {"ended": 2}
    assert await servers.everywhere("GET", ME, headers=third) == {401}
    assert await servers.everywhere("GET", ME, headers=first) == {200}
    assert (await clients[3].delete(f"{USERS}/{bea.id}/sessions", headers=org.admin.bearer)).json() == {"ended": 1}
    assert await servers.everywhere("GET", ME, headers=first) == {401}


async def test_31_a_token_used_again_after_its_successor_ends_the_family_in_all(servers: Servers, bea) -> None:
    """(10.4.5)."""
    clients = servers.clients
    first = (await clients[0].post(REFRESH, json={"refresh_token": bea.refresh})).json()
    second = (await clients[1].post(REFRESH, json={"refresh_token": first["refresh_token"]})).json()
    assert await servers.everywhere("GET", ME, headers=bearing(second["access_token"])) == {200}
    again = await asyncio.gather(*(client.post(REFRESH, json={"refresh_token": bea.refresh}) for client in clients))
    assert {answer.status_code for answer in again} == {401}
    for token in (bea.access, first["access_token"], second["access_token"]):
        assert await servers.everywhere("GET", ME, headers=bearing(token)) == {401}
    body = {"refresh_token": second["refresh_token"]}
    assert await servers.everywhere("POST", REFRESH, json=body) == {401}


async def test_32_a_refresh_that_races_a_revocation_leaves_nothing_alive(servers: Servers, org, workers) -> None:
    """(Keycloak 51312) Every fourth round a logout, the others end the session from outside."""
    clients, admin = servers.clients, org.admin.bearer

    async def race(turn: int) -> None:
        caller = await add_caller(org, "Viewer")
        renewing, ending, asking = (clients[(turn + step) % 8] for step in (0, 1, 2))
        url = f"{USERS}/{caller.id}"
        out = [
            lambda: ending.post(LOGOUT, headers=caller.bearer),
            lambda: ending.delete(f"{url}/sessions/{caller.session_id}", headers=admin),
            lambda: ending.delete(f"{url}/sessions", headers=admin),
            lambda: ending.patch(f"{url}/status", json={"status": "suspended"}, headers=admin),
        ][turn % 4]
        renewed, ended = await asyncio.gather(renewing.post(REFRESH, json={"refresh_token": caller.refresh}), out())
        assert ended.is_success, ended.text
        assert renewed.status_code in (200, 401), renewed.text
        tokens = [caller.access, *([renewed.json()["access_token"]] if renewed.is_success else [])]
        left = [caller.refresh, *([renewed.json()["refresh_token"]] if renewed.is_success else [])]
        for token in tokens:
            assert (await asking.get(ME, headers=bearing(token))).status_code == 401
        for token in reversed(left):
            assert (await renewing.post(REFRESH, json={"refresh_token": token})).status_code == 401

    for start in range(0, ROUNDS, 4):
        await asyncio.gather(*(race(turn) for turn in range(start, min(start + 4, ROUNDS))))


async def test_33_a_replay_within_the_same_second_is_seen(servers: Servers, bea) -> None:
    """(Keycloak 51885)."""
    clients, token = servers.clients, bea.refresh
    for turn in range(3):
        token = (await clients[turn].post(REFRESH, json={"refresh_token": token})).json()["refresh_token"]
    replayed = await clients[3].post(REFRESH, json={"refresh_token": bea.refresh})
    assert replayed.status_code == 401
    assert await servers.everywhere("POST", REFRESH, json={"refresh_token": token}) == {401}


async def test_35_tokens_signed_with_a_key_of_another_secret_are_dead(servers: Servers, home, org, bea) -> None:
    """(9.1.2) A session's row decides over all else: cookies and refresh tokens are not signed, and end with it."""
    settings = home.settings.model_copy(update={"secret_key": "another secret of the tests, long enough too"})
    changed = open_installation(settings)
    try:
        async with client_of(changed) as client:
            assert (await client.get(ME, headers=bea.bearer)).status_code == 401
            renewed = await client.post(REFRESH, json={"refresh_token": bea.refresh})
            assert renewed.status_code == 200, "the row is as good as before"
            new = renewed.json()
            assert (await client.get(ME, headers=bearing(new["access_token"]))).status_code == 200
    finally:
        await changed.close()
    assert await servers.everywhere("GET", ME, headers=bearing(new["access_token"])) == {401}
    assert await servers.everywhere("GET", ME, headers=bea.bearer) == {200}
    ended = await servers.clients[0].delete(f"{USERS}/{bea.id}/sessions", headers=org.admin.bearer)
    assert ended.json() == {"ended": 1}
    assert await servers.everywhere("POST", REFRESH, json={"refresh_token": new["refresh_token"]}) == {401}


async def test_36_every_cookie_is_kept_from_scripts_and_other_hosts(home, org, bea) -> None:
    """(3.3.1 to 3.3.4) All cookies of a browser's day, where the platform is reached by https."""
    changes = {"public_url": "https://holdfast.example.com", "rate_limit_enabled": False}
    behind = open_installation(home.settings.model_copy(update=changes))
    told: list[str] = []
    try:
        async with client_of(behind) as client:

            async def send(method: str, url: str, **request: object) -> httpx.Response:
                more = {"Origin": "https://holdfast.example.com", "Host": "holdfast.example.com"}
                request["headers"] = {**more, **request.get("headers", {})}
                client.cookies.clear()
                answer = await client.request(method, url, **request)
                told.extend(answer.headers.get_list("set-cookie"))
                return answer

            body = {"email": bea.email, "password": PASSWORD, "session": "cookie"}
            signed = await send("POST", LOGIN, json=body)
            assert signed.status_code == 200, signed.text
            worn = {"Cookie": told[0].partition(";")[0], "X-CSRF-Token": signed.json()["csrf_token"]}
            shown = await send("POST", "/api/v1/auth/step-up", json={"password": PASSWORD}, headers=worn)
            assert shown.status_code == 200, shown.text
            for page in ("/console/sign-in", "/console/forgot-password", "/console/setup"):
                await send("GET", page, headers={"Accept": "text/html"})
            worn["Cookie"] = told[-1].partition(";")[0]
            out = await send("POST", LOGOUT, headers=worn)
            assert out.status_code == 204, out.text
    finally:
        await behind.close()
    assert len(told) >= 4, told
    for text in told:
        name, *attributes = (part.strip() for part in text.split(";"))
        assert name.startswith("__Host-"), text
        assert {"Path=/", "Secure", "HttpOnly"} <= set(attributes), text
        assert any(each.lower() in ("samesite=lax", "samesite=strict") for each in attributes), text
        assert not [each for each in attributes if each.lower().startswith("domain")], text


async def test_37_no_secret_is_in_an_address_or_in_the_log_of_the_served_program(servers, home, org, bea) -> None:
    """(14.2.1)."""
    client = servers.clients[0]
    document = (await client.get("/api/openapi.json")).json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            named = {each["name"] for each in operation.get("parameters", []) if each["in"] in ("query", "path")}
            secret = {name for name in named if name.endswith(("token", "password", "secret"))}
            # A link to a file is an address that expires and can be revoked: what opens it is in it.
            assert secret == ({"token"} if path == "/api/v1/files/shared" else set()), path
    app, codes = await give_authenticator(home, org, bea.id)
    waits = (await client.post(LOGIN, json={"email": bea.email, "password": PASSWORD})).json()["mfa_token"]
    await client.post("/api/v1/auth/mfa/verify", json={"mfa_token": waits, "code": app.wrong()})
    signed = await client.post("/api/v1/auth/mfa/verify", json={"mfa_token": waits, "recovery_code": codes[0]})
    renewed = (await client.post(REFRESH, json={"refresh_token": signed.json()["refresh_token"]})).json()
    await client.post("/api/v1/auth/password/forgot", json={"email": bea.email})
    link = await link_sent(home, org)
    page = await client.get("/console/reset-password", headers={"Accept": "text/html"})
    assert page.headers["referrer-policy"] in ("no-referrer", "same-origin", "strict-origin")
    given = (renewed["access_token"], renewed["refresh_token"], waits, link, bea.access)
    for secret in given:  # a careless client's
        await client.get(COMPANIES, params={"token": secret, "access_token": secret})
    log = servers.served.log
    assert "/api/v1/auth/mfa/verify" in log, "what was asked is in the log"
    for secret in (*given, codes[0], app.secret, PASSWORD):
        assert secret not in log
        assert secret not in page.text
