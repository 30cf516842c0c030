"""Signing in: names, forms of a session, and what an answer tells."""

import httpx
import pytest
from sqlalchemy import select

from callers import Caller, add_caller
from holdfast.kernel.crypto import decode
from holdfast.kernel.db import NOBODY
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import TenancyError, tenant_tables
from support import PASSWORD, Org, make_org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
LOGIN, TOKEN, ME = "/api/v1/auth/login", "/api/v1/auth/token", "/api/v1/auth/me"


async def sign_in(client: httpx.AsyncClient, **fields: object) -> httpx.Response:
    return await client.post(LOGIN, json={"password": PASSWORD, **fields})


async def me(client: httpx.AsyncClient, access: str) -> httpx.Response:
    return await client.get(ME, headers={"Authorization": f"Bearer {access}"})


async def test_login_by_email_answers_tokens_and_user(client, org: Org, ann: Caller) -> None:
    answer = await sign_in(client, email=ann.email)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert set(told) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 15 * 60)
    assert told["user"] == {"id": str(ann.id), "email": ann.email, "username": "ann.other", "name": "Someone"}
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


async def test_login_by_username(client, org: Org, ann: Caller) -> None:
    answer = await sign_in(client, username="ann.other", organization=org.slug)
    assert answer.json()["user"]["id"] == str(ann.id)


@pytest.mark.parametrize("change", [str.upper, str.title, lambda text: f"  {text} "])
async def test_the_case_of_a_name_and_blanks_around_it_do_not_matter(change, client, org: Org, ann: Caller) -> None:
    assert (await sign_in(client, email=change(ann.email))).status_code == 200
    assert (await sign_in(client, username=change("ann.other"), organization=org.slug)).status_code == 200


async def test_the_case_of_a_password_and_blanks_around_it_do_matter(client, org: Org, ann: Caller) -> None:
    for password in (PASSWORD.upper(), f" {PASSWORD}", f"{PASSWORD} ", PASSWORD[:-1]):
        assert (await sign_in(client, email=ann.email, password=password)).status_code == 401


@pytest.mark.parametrize(
    "fields", [{}, {"email": "a@b.test", "username": "a"}, {"email": "a@b.test", "password": ""}, {"email": 1}]
)
async def test_login_needs_one_name_and_a_password(fields: dict[str, object], client) -> None:
    answer = await sign_in(client, **fields)
    assert answer.status_code == 422, answer.text
    assert PASSWORD not in answer.text


async def test_a_name_known_in_two_organisations_needs_the_organization(client, home, org: Org, ann: Caller) -> None:
    other = await make_org(home)
    twin = await add_caller(other, "Viewer", password=PASSWORD, email=ann.email)
    assert (await sign_in(client, email=ann.email)).status_code == 401
    for place, caller in ((org, ann), (other, twin)):
        answer = await sign_in(client, email=ann.email, organization=place.slug)
        assert answer.json()["user"]["id"] == str(caller.id)
        told = (await me(client, answer.json()["access_token"])).json()
        assert told["organization"]["id"] == str(place.id)


async def test_the_organization_must_be_the_users(client, org: Org, ann: Caller, home) -> None:
    elsewhere = await make_org(home)
    for slug in (elsewhere.slug, "nowhere", "system"):
        assert (await sign_in(client, email=ann.email, organization=slug)).status_code == 401


async def test_auth_me_tells_user_organization_roles_and_permissions(client, org: Org, ann: Caller) -> None:
    access = (await sign_in(client, email=ann.email)).json()["access_token"]
    told = (await me(client, access)).json()
    assert set(told) == {"user", "organization", "roles", "permissions", "applications", "grants"}
    assert told["user"]["id"] == str(ann.id)
    assert told["organization"] == {"id": str(org.id), "slug": org.slug, "name": f"Org {org.slug}"}
    assert told["roles"] == ["Admin"]
    assert "directory.company.create" in told["permissions"]


async def test_the_token_form_is_that_of_oauth2(client, org: Org, ann: Caller) -> None:
    for name in (ann.email, f"{org.slug}/{ann.email}", f"{org.slug}/ann.other"):
        form = {"grant_type": "password", "username": name, "password": PASSWORD, "scope": "", "client_id": "docs"}
        answer = await client.post(TOKEN, data=form)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
        assert (await me(client, answer.json()["access_token"])).status_code == 200
    wrong = {"grant_type": "client_credentials", "username": ann.email, "password": PASSWORD}
    assert (await client.post(TOKEN, data=wrong)).status_code == 422


async def test_a_cookie_session_answers_no_tokens_and_carries_its_caller(client, org: Org, ann: Caller) -> None:
    answer = await sign_in(client, email=ann.email, session="cookie")
    assert set(answer.json()) == {"user", "csrf_token"}
    value, *attributes = answer.headers.get_list("set-cookie")[0].partition("=")[2].split("; ")
    assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(attributes)
    assert not any(each.startswith(("Domain", "Max-Age", "Expires")) for each in attributes)
    assert len(value) == 86
    assert (await client.get(ME)).json()["user"]["id"] == str(ann.id)
    client.cookies.clear()
    assert (await client.get(ME)).status_code == 401


async def test_a_change_by_cookie_needs_the_csrf_token(client, org: Org, ann: Caller) -> None:
    token = (await sign_in(client, email=ann.email, session="cookie")).json()["csrf_token"]
    body = {"code": "C-1", "name": "Company"}
    here, token = {"Origin": "http://127.0.0.1:8000"}, {"X-CSRF-Token": token}
    elsewhere = {"Origin": "https://evil.test"}
    for headers in (
        {},
        here,
        token,
        {**here, "X-CSRF-Token": "x"},
        {**token, **elsewhere},
        {**token, "Origin": "null"},
    ):
        refused = await client.post("/api/v1/org/companies", json=body, headers=headers)
        assert refused.status_code == 403, refused.text
    made = await client.post("/api/v1/org/companies", json=body, headers={**here, **token})
    assert made.status_code == 201, made.text


async def test_the_cookie_is_host_only_and_secure_where_the_platform_is_reached_by_https(home) -> None:
    cookie = type(home.desk.cookie).of(home.settings.model_copy(update={"public_url": "https://example.com"}))
    assert cookie.carrying("x") == "__Host-holdfast=x; Path=/; HttpOnly; SameSite=Lax; Secure"


async def test_no_secret_rests_in_the_database_as_it_is(client, timed, org: Org, ann: Caller) -> None:
    tokens = (await sign_in(client, email=ann.email)).json()
    cookie = (await sign_in(client, email=ann.email, session="cookie")).headers["set-cookie"]
    secrets = [PASSWORD, tokens["refresh_token"], tokens["access_token"], cookie.partition("=")[2].partition(";")[0]]
    # The last 43 characters of a cookie or refresh token are its secret.
    secrets += [secret[-43:] for secret in secrets[1:]]
    secrets += [(decode(secret) or b"x" * 32).hex() for secret in secrets[-3:]]
    async with timed.works.begin(org.id, SYSTEM, write=False) as work:
        for table in tenant_tables():
            rows = await work.link.connection.execute(select(table).where(table.c.tenant_id == org.id))
            text = repr([tuple(row) for row in rows])
            assert not [secret for secret in secrets if secret in text], table.name


async def test_an_organisation_may_be_named_in_capitals_on_the_page(client, org):
    caller = await add_caller(org, "Viewer", password=PASSWORD)
    form = {"name": caller.email, "password": PASSWORD, "organization": f" {org.slug.upper()} ", "next": "/console"}
    page = {"Accept": "text/html", "Origin": "http://127.0.0.1:8000"}
    assert (await client.post("/console/sign-in", data=form, headers=page)).status_code == 303
    refused = await client.post("/console/sign-in", data={**form, "password": "wrong"}, headers=page)
    assert refused.status_code == 401
    assert "known in several organisations, name the organisation" in refused.text


async def test_only_who_began_in_no_organisation_settles_in_one_and_once(org: Org) -> None:
    other = await make_org(org.home)
    async with org.work(write=False) as work:
        with pytest.raises(TenancyError):
            await work.settle(other.id)
    async with org.home.works.begin(NOBODY, SYSTEM, write=False) as work:
        await work.settle(org.id)
        with pytest.raises(TenancyError):
            await work.settle(other.id)
    async with org.home.works.begin(NOBODY, SYSTEM, write=False) as work:
        assert work.session is not None
        with pytest.raises(TenancyError):
            await work.settle(org.id)
