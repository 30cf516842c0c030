"""The walk of the README against the served program, and what every caller of it may rely on."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest
from operations import COMPANIES, PASSWORD

from holdfast import __version__
from holdfast.core.identity.public import ensure_system
from holdfast.main import Installation, open_installation
from holdfast.migrations import run
from serving import Served, serve
from support import Org, fresh_database, make_org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]

# Each test calls from an address of its own: the limits of one must not meet another.
PROXY = {"TRUSTED_PROXIES": "127.0.0.1"}
_numbers = itertools.count(random.randrange(1 << 20))


@dataclass(frozen=True)
class Site:
    """A served installation, and our own door to the same database."""

    served: Served
    home: Installation

    def client(self) -> httpx.AsyncClient:
        number = next(_numbers)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return httpx.AsyncClient(base_url=self.served.url, headers={"X-Forwarded-For": address}, timeout=30)


Sites = Callable[[str], Awaitable[Site]]


@pytest.fixture(scope="module")
async def sites() -> AsyncIterator[Sites]:
    """Give the served installation on a database, started when first asked for."""
    made: dict[str, Site] = {}
    async with AsyncExitStack() as stack:

        async def site(dialect: str) -> Site:
            if dialect not in made:
                settings = await stack.enter_async_context(fresh_database(dialect))
                await run.upgrade(settings)
                home = open_installation(settings)
                stack.push_async_callback(home.close)
                await ensure_system(home.works)
                served = await asyncio.to_thread(stack.enter_context, serve(settings, **PROXY))
                made[dialect] = Site(served, home)
            return made[dialect]

        yield site


@pytest.fixture
async def site(sites: Sites, dialect: str) -> Site:
    return await sites(dialect)


@pytest.fixture
async def people(site: Site) -> Org:
    """An organisation whose users can sign in."""
    return await make_org(site.home, password=True)


@pytest.fixture
async def caller(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with site.client() as client:
        yield client


async def sign_in(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/v1/auth/login", json={"email": email, "password": password})


@pytest.mark.parametrize("api", ["/api/v1", "/api"])
async def test_the_walk_of_the_readme(caller, people, api):
    signed_in = await caller.post(f"{api}/auth/login", json={"email": people.admin.email, "password": PASSWORD})
    assert signed_in.status_code == 200, signed_in.text
    tokens = signed_in.json()
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}

    me = await caller.get(f"{api}/auth/me", headers=bearer)
    assert me.json()["user"]["email"] == people.admin.email
    assert me.json()["organization"]["slug"] == people.slug
    assert me.json()["roles"] == ["Admin"]
    assert "directory.company.create" in me.json()["permissions"]

    made = await caller.post(f"{api}/org/companies", json={"code": "NORTH-01", "name": "North"}, headers=bearer)
    assert made.status_code == 201, made.text
    company_id = made.json()["id"]
    assert made.headers["location"] == f"{COMPANIES}/{company_id}"
    tag, url = made.headers["etag"], f"{api}/org/companies/{company_id}"
    again = await caller.get(url, headers={**bearer, "If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)

    change = {"name": "Northern Clinics", "city": "Leeds"}
    changed = await caller.patch(url, json=change, headers={**bearer, "If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] != tag
    stale = await caller.patch(url, json={"name": "Late"}, headers={**bearer, "If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "VERSION_CHANGED")
    assert stale.headers["content-type"] == "application/problem+json"

    listed = await caller.get(f"{api}/org/companies", headers=bearer)
    assert [row["name"] for row in listed.json()["data"]] == ["Northern Clinics"]
    unchanged = await caller.get(
        f"{api}/org/companies", headers={**bearer, "If-None-Match": f'"x", {listed.headers["etag"]}'}
    )
    assert unchanged.status_code == 304

    history = await caller.get(f"{api}/audit/entities/company/{company_id}/history", headers=bearer)
    newest, first = history.json()["data"]
    assert newest["before"].items() >= {"name": "North", "city": None}.items()
    assert newest["after"].items() >= change.items()
    assert set(newest["after"]) == {*change, "updated_at"}
    assert (first["action"], first["after"]["code"]) == ("directory.company.created", "NORTH-01")
    assert {newest["actor_id"], first["actor_id"]} == {str(people.admin.id)}

    renewed = await caller.post(f"{api}/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert renewed.status_code == 200, renewed.text
    fresh = {"Authorization": f"Bearer {renewed.json()['access_token']}"}
    assert (await caller.get(f"{api}/auth/me", headers=fresh)).status_code == 200
    ended = await caller.post(f"{api}/auth/logout", headers=fresh)
    assert ended.status_code == 204, ended.text
    for old in (bearer, fresh):
        refused = await caller.get(f"{api}/auth/me", headers=old)
        assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHENTICATED")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    dead = await caller.post(f"{api}/auth/refresh", json={"refresh_token": renewed.json()["refresh_token"]})
    assert dead.status_code == 401

    for answer in (signed_in, me, made, changed, stale, listed, history, renewed, ended):
        assert ("deprecation" in answer.headers) is (api == "/api"), answer.url
        assert ('rel="successor-version"' in answer.headers.get("link", "")) is (api == "/api"), answer.url


async def test_a_creation_sent_twice_happens_once(caller, people):
    headers = {**people.admin.bearer, "Idempotency-Key": "order 66"}
    body = {"code": "ONCE", "name": "Once"}
    first = await caller.post(COMPANIES, json=body, headers=headers)
    again = await caller.post(COMPANIES, json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    for name in ("location", "etag"):
        assert again.headers[name] == first.headers[name]
    reused = await caller.post(COMPANIES, json={**body, "name": "Other"}, headers=headers)
    assert (reused.status_code, reused.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    listed = await caller.get(COMPANIES, headers=people.admin.bearer)
    assert [row["name"] for row in listed.json()["data"]] == ["Once"]


async def test_of_many_equal_creations_at_once_one_happens(caller, people):
    headers = {**people.admin.bearer, "Idempotency-Key": "race"}
    body = {"code": "RACE", "name": "Race"}
    answers = await asyncio.gather(*(caller.post(COMPANIES, json=body, headers=headers) for _ in range(8)))
    counts = Counter(answer.status_code for answer in answers)
    assert counts[201] >= 1, counts
    assert set(counts) <= {201, 409}, [answer.text for answer in answers]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"IDEMPOTENCY_KEY_IN_USE"}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    listed = await caller.get(COMPANIES, headers=people.admin.bearer)
    assert listed.json()["meta"]["total"] == 1


async def test_a_credential_has_sixty_requests_a_minute(caller, people):
    first = await caller.get("/api/v1/auth/me", headers=people.user.bearer)
    assert first.headers["ratelimit-policy"] == '"api";q=60;w=60'
    assert first.headers["ratelimit"].startswith('"api";r=59;t=')
    answers = [await caller.get("/api/v1/auth/me", headers=people.user.bearer) for _ in range(66)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused, "67 requests passed"
    assert {answer.status_code for answer in answers} == {200, 429}
    assert refused[0].json()["code"] == "RATE_LIMITED"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60
    assert refused[0].headers["ratelimit"].startswith('"api";r=0;t=')
    assert refused[0].headers["content-type"] == "application/problem+json"
    # Another credential from the same address is not touched by it, nor are the health probes.
    assert (await caller.get("/api/v1/auth/me", headers=people.viewer.bearer)).status_code == 200
    assert {(await caller.get("/health/live")).status_code for _ in range(70)} == {200}


async def test_an_address_without_a_credential_has_sixty_requests_a_minute(caller):
    answers = [await caller.get("/api/v1/auth/me") for _ in range(66)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert "retry-after" in answers[-1].headers


@pytest.mark.parametrize("path", [COMPANIES, "/api/v1/auth/login"])
async def test_bodies_that_cannot_be_read_count_too(caller, people, path):
    broken = {"content": b'{"a": ', "headers": {"Content-Type": "application/json"}}
    answers = [await caller.post(path, **broken) for _ in range(66)]
    assert (answers[0].status_code, answers[-1].status_code) == (400, 429), answers[-1].text
    assert {answer.status_code for answer in answers} == {400, 429}
    # With a credential they count against that, not against its address or anybody else.
    broken["headers"] |= people.user.bearer
    answers = [await caller.post(path, **broken) for _ in range(66)]
    assert (answers[0].status_code, answers[-1].status_code) == (400, 429), answers[-1].text
    assert (await caller.get("/api/v1/auth/me", headers=people.user.bearer)).status_code == 429
    assert (await caller.get("/api/v1/auth/me", headers=people.viewer.bearer)).status_code == 200


async def test_ten_sign_ins_a_minute_and_account_over_four_processes(dialect):
    async with fresh_database(dialect) as settings:
        await run.upgrade(settings)
        home = open_installation(settings)
        await ensure_system(home.works)
        org = await make_org(home, password=True)
        try:
            context = serve(settings, workers=4, ARGON2_MEMORY_KIB="64", ARGON2_TIME_COST="1", **PROXY)
            served = await asyncio.to_thread(context.__enter__)
            try:
                began = time.monotonic()
                answers = await asyncio.gather(*(_sign_in_from(served.url, n, org.user.email) for n in range(14)))
                # GCRA gives one allowance back every six seconds; what came back meanwhile is not counted as a fault.
                back = int((time.monotonic() - began) // 6) + 1
                passed = [answer for answer in answers if answer.status_code == 200]
                assert 10 <= len(passed) <= 10 + back, [answer.status_code for answer in answers]
                refused = [answer for answer in answers if answer.status_code != 200]
                assert {answer.status_code for answer in refused} == {429}
                assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
                others = await _sign_in_from(served.url, 99, org.viewer.email)
                assert others.status_code == 200, others.text
            finally:
                await asyncio.to_thread(context.__exit__, None, None, None)
        finally:
            await home.close()


async def _sign_in_from(url: str, number: int, email: str) -> httpx.Response:
    """Sign in from an address and over a connection of one's own, so that any process may get it."""
    async with httpx.AsyncClient(
        base_url=url, headers={"X-Forwarded-For": f"192.0.2.{number + 1}"}, timeout=60
    ) as client:
        return await sign_in(client, email)


async def test_health_and_the_pages_of_the_api(caller, site):
    assert (await caller.get("/health/live")).json() == {"status": "ok"}
    assert (await caller.get("/health/ready")).json() == {"status": "ok"}
    assert (await caller.get("/api/health")).json() == {"status": "ok", "components": {"database": "up", "jobs": "up"}}
    assert (await caller.get("/api/healthz")).json() == {"status": "ok"}
    info = (await caller.get("/api/system/info")).json()
    assert info["name"] == "Holdfast"
    assert {feature["name"] for feature in info["features"]} >= {"directory", "identity", "audit", "console"}
    assert (await caller.get("/")).json()["api"] == "/api/v1"
    page = await caller.get("/", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/console")
    document = (await caller.get("/api/openapi.json")).json()
    assert COMPANIES in document["paths"]
    for path in ("/api/docs", "/docs", "/api/redoc"):
        shown = await caller.get(path)
        assert shown.status_code == 200, path
        assert shown.headers["content-type"].startswith("text/html")
        # Usable without a network: nothing on the page is fetched from elsewhere.
        assert not [part for part in ('src="http', 'href="http', "src='http", "//cdn") if part in shown.text], path
        for asset in _assets(shown.text):
            assert (await caller.get(asset)).status_code == 200, asset


def _assets(page: str) -> set[str]:
    return {part.partition('"')[0] for mark in ('src="/', 'href="/') for part in _after(page, mark) if "static" in part}


def _after(page: str, mark: str) -> list[str]:
    return [f"/{part}" for part in page.split(mark)[1:]]


async def test_in_production_the_anonymous_learn_no_version(dialect):
    async with fresh_database(dialect) as settings:
        production = {"ENVIRONMENT": "production", "ALLOW_SQLITE_IN_PRODUCTION": "true"}
        context = serve(settings, by_command=True, SECRET_KEY="k7w!Zq3-Rt9_pLx2+Vb6mNc8@Hd4sJf1yUg5aEo0", **production)
        served = await asyncio.to_thread(context.__enter__)
        try:
            async with httpx.AsyncClient(base_url=served.url) as client:
                for path in ("/", "/health/live", "/health/ready", "/api/health", "/api/healthz", "/api/system/info"):
                    answer = await client.get(path)
                    assert answer.status_code == 200, path
                    told = f"{answer.text} {dict(answer.headers)}"
                    for word in (__version__, "features", "sqlite", "postgres", "mysql", "uvicorn", "starlette"):
                        assert word not in told.lower(), (path, word)
                for path in ("/api/openapi.json", "/api/docs", "/api/redoc", "/docs/reference/errors"):
                    answer = await client.get(path)
                    assert answer.status_code == 200, path
                    assert __version__ not in f"{answer.text} {dict(answer.headers)}", path
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)


async def test_an_export_counts_as_ten_requests(caller, people):
    exports = "/api/v1/org/people/exports"
    first = await caller.get(exports, headers=people.auditor.bearer)
    assert first.status_code == 200
    assert first.headers["ratelimit"].startswith('"api";r=50;t=')
    answers = [await caller.get(exports, headers=people.auditor.bearer) for _ in range(7)]
    assert [answer.status_code for answer in answers[:4]] == [200] * 4
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    # What costs little goes through where something dear does not.
    assert (
        (await caller.get("/api/v1/auth/me", headers=people.viewer.bearer))
        .headers["ratelimit"]
        .startswith('"api";r=59;t=')
    )
