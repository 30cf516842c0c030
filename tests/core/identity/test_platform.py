"""What operators do to organisations: each act in both trails, by one commit, and nothing beyond."""

import asyncio
import json
from uuid import UUID, uuid4

import httpx
import pytest

from callers import Caller
from holdfast.core.notify.public import read_outbox
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT, TenancyError
from operators import PLATFORM, REASON, add_operator, entries
from support import Member, Org, make_org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
ORGANIZATIONS, ME = f"{PLATFORM}/organizations", "/api/v1/auth/me"


@pytest.fixture
async def olga(home) -> Caller:
    return await add_operator(home)


def new(slug: str) -> dict:
    return {"slug": slug, "name": "Northern", "administrator": {"email": "ada@northern.test", "name": "Ada"}}


async def test_an_organisation_begins_with_an_administrator_who_is_invited(client, home, olga: Caller) -> None:
    slug = f"n-{uuid4().hex[:12]}"
    made = await client.post(ORGANIZATIONS, json=new(slug), headers=olga.bearer)
    assert made.status_code == 201, made.text
    tenant_id = UUID(made.json()["id"])
    assert made.json()["status"] == "active"
    assert (await client.get(made.headers["location"], headers=olga.bearer)).json() == made.json()
    async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
        [told] = await read_outbox(work)
    assert told.to == "ada@northern.test"
    assert "/console/invitation#token=hfl_" in told.text
    there = await entries(home, tenant_id)
    assert {"directory.organization.founded", "identity.user.created"} <= {entry["action"] for entry in there}
    assert {(entry["actor_type"], entry["actor_id"]) for entry in there} == {("operator", str(olga.id))}
    assert "platform.organization.created" in {entry["action"] for entry in await entries(home, SYSTEM_TENANT)}
    again = await client.post(ORGANIZATIONS, json=new(slug), headers=olga.bearer)
    assert (again.status_code, again.json()["code"]) == (409, "ORGANIZATION_EXISTS")
    listed = await client.get(ORGANIZATIONS, params={"q": slug}, headers=olga.bearer)
    assert [each["slug"] for each in listed.json()["data"]] == [slug]


async def test_two_at_once_make_one_organisation(client, olga: Caller) -> None:
    slug = f"n-{uuid4().hex[:12]}"
    answers = await asyncio.gather(*(client.post(ORGANIZATIONS, json=new(slug), headers=olga.bearer) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_suspended_means_dead_on_the_next_request_until_it_is_resumed(client, home, org: Org, olga) -> None:
    one = f"{ORGANIZATIONS}/{org.id}"
    assert (await client.get(ME, headers=org.admin.bearer)).status_code == 200
    shut = await client.post(f"{one}/suspend", json={"reason": REASON}, headers=olga.bearer)
    assert (shut.status_code, shut.json()["status"]) == (200, "suspended"), shut.text
    assert (await client.get(ME, headers=org.admin.bearer)).status_code == 401
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": org.viewer.refresh})
    assert refreshed.status_code == 401
    again = await client.post(f"{one}/suspend", json={"reason": REASON}, headers=olga.bearer)
    assert (again.status_code, again.json()["code"]) == (409, "ORGANIZATION_STATE")
    back = await client.post(f"{one}/resume", json={"reason": REASON}, headers=olga.bearer)
    assert back.json()["status"] == "active"
    assert (await client.get(ME, headers=org.admin.bearer)).status_code == 200
    told = [entry for entry in await entries(home, org.id) if entry["action"] == "platform.organization.status_changed"]
    assert [(entry["actor_type"], entry["actor_id"]) for entry in told] == [("operator", str(olga.id))] * 2


async def test_deleted_means_shut_with_a_day_on_which_the_data_may_go(client, org: Org, olga: Caller) -> None:
    one = f"{ORGANIZATIONS}/{org.id}"
    gone = await client.request("DELETE", one, json={"reason": REASON}, headers=olga.bearer)
    assert (gone.status_code, gone.json()["status"]) == (200, "deleting"), gone.text
    assert gone.json()["delete_after"] is not None
    assert (await client.get(ME, headers=org.admin.bearer)).status_code == 401
    back = await client.post(f"{one}/resume", json={"reason": REASON}, headers=olga.bearer)
    assert (back.json()["status"], back.json()["delete_after"]) == ("active", None)


async def test_after_its_day_the_data_go_step_by_step_and_nobody_brings_it_back(
    client, hands, home, timed, org: Org, olga: Caller
) -> None:
    one = f"{ORGANIZATIONS}/{org.id}"

    async def purge(caller: Caller | Member) -> httpx.Response:
        return await client.post(f"{one}/purge", headers=caller.bearer)

    assert (await purge(org.admin)).status_code == 403
    refused = await purge(olga)
    assert (refused.status_code, refused.json()["code"]) == (409, "ORGANIZATION_STATE")
    assert "Delete it first" in refused.json()["detail"]
    gone = await client.request("DELETE", one, json={"reason": REASON}, headers=olga.bearer)
    refused = await purge(olga)
    assert refused.status_code == 409
    assert refused.json()["detail"] == f"The organisation waits until {gone.json()['delete_after']}."
    hands.forward(days=31)
    later = await add_operator(timed)
    done = await purge(later)
    assert (done.status_code, done.json()["status"]) == (200, "deleted"), done.text
    assert done.json()["rows"]["user_account"] == 5
    assert (await client.get(one, headers=later.bearer)).json()["status"] == "deleted"
    again = await purge(later)
    assert (again.status_code, again.json()["code"]) == (409, "ORGANIZATION_STATE")
    for path in ("resume", "suspend"):
        refused = await client.post(f"{one}/{path}", json={"reason": REASON}, headers=later.bearer)
        assert (refused.status_code, refused.json()["code"]) == (409, "ORGANIZATION_STATE")
    taken = await client.post(ORGANIZATIONS, json=new(org.slug), headers=later.bearer)
    assert (taken.status_code, taken.json()["code"]) == (409, "ORGANIZATION_EXISTS")
    before = await entries(home, org.id)
    name = {"email": org.admin.email, "password": "whatever it was", "organization": org.slug}
    assert (await client.post("/api/v1/auth/login", json=name)).status_code == 401
    assert await entries(home, org.id) == before, "its trail has ended"
    assert before[-1]["action"] == "platform.organization.purged"
    missing = await client.post(f"{ORGANIZATIONS}/{uuid4()}/purge", headers=later.bearer)
    assert (missing.status_code, missing.json()["code"]) == (404, "ORGANIZATION_NOT_FOUND")


async def test_the_operators_own_organisation_stays_open(client, olga: Caller) -> None:
    for path in (f"{SYSTEM_TENANT}/suspend",):
        refused = await client.post(f"{ORGANIZATIONS}/{path}", json={"reason": REASON}, headers=olga.bearer)
        assert (refused.status_code, refused.json()["code"]) == (409, "ORGANIZATION_STATE")


async def test_an_administrator_of_an_organisation_is_no_operator(client, org: Org, olga: Caller) -> None:
    me = (await client.get(ME, headers=org.admin.bearer)).json()
    assert not [name for name in me["permissions"] if name.startswith("platform.")]
    assert [name for name in (await client.get(ME, headers=olga.bearer)).json()["permissions"] if "platform." in name]
    refused = await client.get(ORGANIZATIONS, headers=org.admin.bearer)
    assert refused.status_code == 403
    refused = await client.post(ORGANIZATIONS, json=new("x"), headers=org.admin.bearer)
    assert refused.status_code == 403
    missing = await client.get(f"{ORGANIZATIONS}/{uuid4()}", headers=olga.bearer)
    assert (missing.status_code, missing.json()["code"]) == (404, "ORGANIZATION_NOT_FOUND")


async def test_a_reason_is_a_reason(client, org: Org, olga: Caller) -> None:
    refused = await client.post(f"{ORGANIZATIONS}/{org.id}/suspend", json={"reason": "x"}, headers=olga.bearer)
    assert [each["location"] for each in refused.json()["errors"]] == ["body.reason"]


async def test_everything_of_an_organisation_is_written_out_but_what_opens_doors(client, home, org: Org, olga) -> None:
    company = await client.post("/api/v1/org/companies", json={"code": "A", "name": "Ours"}, headers=org.admin.bearer)
    answer = await client.post(f"{ORGANIZATIONS}/{org.id}/exports", headers=olga.bearer)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="{org.slug}.jsonl"'
    head, *lines = [json.loads(line) for line in answer.text.splitlines()]
    assert (head["format"], head["organization_id"]) == ("holdfast-organization/1", str(org.id))
    tables = {line["table"] for line in lines}
    assert {"organization", "company", "user_account", "role_assignment", "session", "audit_entry"} <= tables
    assert not tables & {"user_password", "user_totp", "refresh_token", "notice", "person_word"}
    [ours] = [line["row"] for line in lines if line["table"] == "company"]
    assert (ours["id"], ours["name"]) == (company.json()["id"], "Ours")
    assert "secret_hash" not in answer.text
    entries_told = len([line for line in lines if line["table"] == "audit_entry"])
    assert entries_told == len(await entries(home, org.id)), "each entry once"
    for tenant_id in (org.id, SYSTEM_TENANT):
        assert "platform.organization.exported" in {entry["action"] for entry in await entries(home, tenant_id)}
    refused = await client.post(f"{ORGANIZATIONS}/{org.id}/exports", headers=org.admin.bearer)
    assert refused.status_code == 403


async def test_only_the_operators_unit_of_work_acts_beside_its_tenant(org: Org, other: Org) -> None:
    async with org.work(write=False) as work:
        with pytest.raises(TenancyError):
            async with work.beside(other.id):
                pytest.fail("it acted in another tenant")


async def test_operators_clear_what_is_kept_by_kind_and_organisation(client, home, org: Org, olga: Caller) -> None:
    path, tree = f"{PLATFORM}/cache/clear", "/api/v1/org/tree"
    other = await make_org(home)

    async def fill() -> None:
        for each in (org, other):
            assert (await client.get(tree, headers=each.viewer.bearer)).status_code == 200

    async def clear(caller: Caller = olga, **asked: object):
        return await client.post(path, json=asked, headers=caller.bearer)

    await clear()
    await fill()
    assert (await clear(namespace="directory.face")).json() == {"cleared": 0}
    assert (await clear(organization_id=str(org.id), namespace="directory.tree", pattern="w*")).json() == {"cleared": 1}
    await fill()
    assert (await clear(organization_id=str(other.id))).json() == {"cleared": 1}
    assert (await client.get(tree, headers=other.viewer.bearer)).json()["companies"] == []
    told = [entry for entry in await entries(home, SYSTEM_TENANT) if entry["action"] == "platform.cache.cleared"]
    assert {entry["actor_id"] for entry in told[-4:]} == {str(olga.id)}
    assert (await clear(org.admin)).status_code == 403, "nobody but an operator"
    refused = await clear(namespace="Not a name")
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, "body.namespace")
