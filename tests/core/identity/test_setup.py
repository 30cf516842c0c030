"""The first administrator: set-up link and command, each on an installation of its own."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from holdfast.core.identity import queries
from holdfast.core.identity.errors import UserExists, WeakPassword
from holdfast.core.identity.public import create_admin, find_tenant_id, issue_setup_link, needs_setup
from holdfast.kernel.clock import system_clock
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.main import create_app
from support import PASSWORD, installation_on

pytestmark = [pytest.mark.endpoint]
URL = "/api/v1/auth/setup"


@pytest.fixture
async def empty(dialect):
    async with installation_on(dialect) as home:
        transport = httpx.ASGITransport(app=create_app(home.settings, home))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            yield home, client


def body(token, **changes):
    return {
        "token": token,
        "organization": "Northern Clinics",
        "slug": "northern",
        "email": "ada@northern.example",
        "name": "Ada Nowak",
        "password": PASSWORD,
        **changes,
    }


@pytest.mark.portable
async def test_the_link_makes_organisation_and_administrator_once(empty):
    home, client = empty
    assert await needs_setup(home.works)
    outdated = await issue_setup_link(home.works)
    token = await issue_setup_link(home.works)
    for wrong in ("", "x", outdated):
        refused = await client.post(URL, json=body(wrong))
        assert (refused.status_code, await find_tenant_id(home.works, slug="northern")) in ((403, None), (422, None))
    for password in ("too short", "QwertyUiop12345", "Holdfast is our home"):  # the second is a common one
        weak = await client.post(URL, json=body(token, password=password))
        assert (weak.status_code, weak.json()["errors"][0]["location"]) == (422, "body.password")
    taken = await client.post(URL, json=body(token, slug="system"))
    assert taken.status_code == 409, taken.text
    made = await client.post(URL, json=body(token))
    assert made.status_code == 201, made.text
    assert made.json()["organization"]["slug"] == "northern"
    assert not await needs_setup(home.works)
    async with home.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        assert await queries.list_setup_links(work) == []
    again = await client.post(URL, json=body(token, slug="southern"))
    assert (again.status_code, again.json()["code"]) == (403, "SETUP_REFUSED")
    assert await find_tenant_id(home.works, slug="southern") is None
    signed_in = await client.post("/api/v1/auth/login", json={"email": "ada@northern.example", "password": PASSWORD})
    assert signed_in.status_code == 200, signed_in.text
    bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    me = (await client.get("/api/v1/auth/me", headers=bearer)).json()
    assert (me["roles"], me["organization"]["name"]) == (["Admin"], "Northern Clinics")
    entries = (await client.get("/api/v1/audit/entries", headers=bearer)).json()["data"]
    assert {"directory.organization.founded", "identity.user.created", "identity.role.assigned"} <= {
        each["action"] for each in entries
    }


async def test_of_two_uses_at_once_one_wins(empty):
    home, client = empty
    token = await issue_setup_link(home.works)
    answers = await asyncio.gather(*(client.post(URL, json=body(token, slug=f"org-{n}")) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 403, 403, 403]
    found = [await find_tenant_id(home.works, slug=f"org-{n}") for n in range(4)]
    assert sum(each is not None for each in found) == 1


async def test_the_link_ends_after_half_an_hour(empty):
    home, client = empty
    token = await issue_setup_link(home.works)
    home.works.clock = lambda: system_clock() + timedelta(minutes=31)
    assert (await client.post(URL, json=body(token))).status_code == 403
    home.works.clock = system_clock
    assert (await client.post(URL, json=body(token))).status_code == 201


async def test_the_link_ends_when_the_installation_has_an_organisation(empty):
    home, client = empty
    token = await issue_setup_link(home.works)
    await create_admin(home.works, organization="other", name="A", email="a@x.test", password=PASSWORD)
    assert (await client.post(URL, json=body(token))).status_code == 403


async def test_the_command_adds_administrators_and_makes_the_organisation_where_there_is_none(empty):
    home, client = empty
    await create_admin(home.works, organization="north", name="Ada", email="ada@x.test", password=PASSWORD)
    await create_admin(home.works, organization="north", name="Bo", email="bo@x.test", password=PASSWORD)
    with pytest.raises(UserExists):
        await create_admin(home.works, organization="north", name="Ada", email="ADA@x.test", password=PASSWORD)
    with pytest.raises(WeakPassword):
        await create_admin(home.works, organization="north", name="Cy", email="cy@x.test", password="password123")
    with pytest.raises(WeakPassword):
        await create_admin(
            home.works, organization="north", name="Cy", email="cy@x.test", password="north-north-north-1"
        )
    for email in ("ada@x.test", "bo@x.test"):
        answer = await client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200
    await create_admin(home.works, organization="system", name="Op", email="op@x.test", password=PASSWORD)
