"""API keys: what they may do, for how long, from where, and that nobody reads one twice."""

from datetime import timedelta

import pytest

from callers import Caller, add_caller
from holdfast.core.identity.facts import RoleAssigned
from holdfast.core.identity.queries import list_roles
from holdfast.core.identity.service.tokens import Address, key_text, parse_key
from holdfast.core.notify.public import read_outbox
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.ids import new_id
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
KEYS, COMPANIES, USERS = "/api/v1/api-keys", "/api/v1/org/companies", "/api/v1/users"


def bearing(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def make(client, hands, caller: Caller, **fields: object) -> dict:
    body = {"label": "Payroll", "expires_at": rfc3339(hands() + timedelta(days=30)), **fields}
    made = await client.post(KEYS, json=body, headers=caller.bearer)
    assert made.status_code == 201, made.text
    return made.json()


@pytest.fixture
async def ann(org: Org) -> Caller:
    return await add_caller(org, "Admin")


async def test_a_key_does_what_its_scopes_name_and_no_more(client, hands, org, ann) -> None:
    made = await make(client, hands, ann, scopes=["directory.company.read"])
    key = bearing(made["key"])
    assert made["key"].startswith("hf_test_")
    assert (await client.get(COMPANIES, headers=key)).status_code == 200
    refused = await client.post(COMPANIES, json={"code": "A", "name": "A"}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    me = (await client.get("/api/v1/auth/me", headers=key)).json()
    assert me["permissions"] == ["directory.company.read"]
    other = await client.get(f"{KEYS}/{made['id']}", headers=ann.bearer)
    assert "key" not in other.json(), "its text is shown once"
    async with org.work(write=False) as work:
        told = await read_outbox(work)
    assert [(each.to, each.subject) for each in told] == [(ann.email, "An API key was made for you")]
    assert made["key"] not in told[0].text


async def test_a_key_has_its_owners_present_rights(client, hands, org, ann) -> None:
    key = bearing((await make(client, hands, ann))["key"])
    new = {"code": "A", "name": "A"}
    assert (await client.post(COMPANIES, json=new, headers=key)).status_code == 201
    async with org.work() as work:
        [held] = await list_roles(work, user_ids=[ann.id])
        held.ends_at = work.now()
        work.record(RoleAssigned(entity=held))
    assert (await client.get(COMPANIES, headers=key)).status_code == 403
    await client.patch(f"{USERS}/{ann.id}/status", json={"status": "suspended"}, headers=org.admin.bearer)
    assert (await client.get(COMPANIES, headers=key)).status_code == 401
    await client.patch(f"{USERS}/{ann.id}/status", json={"status": "active"}, headers=org.admin.bearer)
    assert (await client.get(COMPANIES, headers=key)).status_code == 401, "what suspension ended stays so"


async def test_a_key_ends_in_time_and_at_will(client, hands, ann) -> None:
    first, second = await make(client, hands, ann), await make(client, hands, ann)
    ended = await client.delete(f"{KEYS}/{first['id']}", headers=ann.bearer)
    assert ended.status_code == 204
    assert (await client.get(COMPANIES, headers=bearing(first["key"]))).status_code == 401
    assert (await client.delete(f"{KEYS}/{first['id']}", headers=ann.bearer)).status_code == 404
    hands.forward(days=29)
    assert (await client.get(COMPANIES, headers=bearing(second["key"]))).status_code == 200
    hands.forward(days=1, minutes=1)
    assert (await client.get(COMPANIES, headers=bearing(second["key"]))).status_code == 401


async def test_a_key_comes_from_its_networks_only(client, hands, ann) -> None:
    made = await make(client, hands, ann, networks=["192.0.2.0/24", "2001:db8::/32"])
    assert (await client.get(COMPANIES, headers=bearing(made["key"]))).status_code == 401
    here = await make(client, hands, ann, networks=["10.0.0.0/8", "127.0.0.0/8"])
    assert (await client.get(COMPANIES, headers=bearing(here["key"]))).status_code == 200


async def test_a_rotated_key_goes_on_for_the_overlap(client, hands, ann) -> None:
    old = await make(client, hands, ann, scopes=["directory.company.read"])
    body = {"expires_at": rfc3339(hands() + timedelta(days=90)), "overlap_minutes": 15}
    made = await client.post(f"{KEYS}/{old['id']}/rotate", json=body, headers=ann.bearer)
    assert made.status_code == 201, made.text
    new = made.json()
    assert made.headers["location"] == f"{KEYS}/{new['id']}"
    assert (new["replaces_id"], new["scopes"]) == (old["id"], ["directory.company.read"])
    assert [(await client.get(COMPANIES, headers=bearing(k["key"]))).status_code for k in (old, new)] == [200, 200]
    hands.forward(minutes=16)
    assert [(await client.get(COMPANIES, headers=bearing(k["key"]))).status_code for k in (old, new)] == [401, 200]


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        ({"scopes": ["directory.company.read", "no.such.thing"]}, "body.scopes[1]"),
        ({"scopes": ["platform.organization.create"]}, "body.scopes[0]"),
        ({"networks": ["10.0.0.0/8", "300.1.1.1/8"]}, "body.networks"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "body.expires_at"),
        ({"expires_at": "2190-01-01T00:00:00Z"}, "body.expires_at"),
        ({"label": ""}, "body.label"),
    ],
)
async def test_what_makes_no_key(fields, location, client, hands, ann) -> None:
    body = {"label": "Payroll", "expires_at": rfc3339(hands() + timedelta(days=30)), **fields}
    refused = await client.post(KEYS, json=body, headers=ann.bearer)
    assert refused.status_code == 422, refused.text
    assert [each["location"] for each in refused.json()["errors"]] == [location]


async def test_a_key_makes_no_key_and_steps_nowhere_up(client, hands, ann) -> None:
    key = bearing((await make(client, hands, ann))["key"])
    body = {"label": "Another", "expires_at": rfc3339(hands() + timedelta(days=1))}
    refused = await client.post(KEYS, json=body, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "STEP_UP_REQUIRED")
    hands.forward(minutes=11)
    renewed = (await client.post("/api/v1/auth/refresh", json={"refresh_token": ann.refresh})).json()
    refused = await client.post(KEYS, json=body, headers=bearing(renewed["access_token"]))
    assert (refused.status_code, refused.json()["code"]) == (403, "STEP_UP_REQUIRED"), "signed in too long ago"
    assert "max_age" in refused.headers["www-authenticate"]


async def test_the_same_request_twice_makes_one_key_and_shows_it_once(client, hands, ann) -> None:
    body = {"label": "Payroll", "expires_at": rfc3339(hands() + timedelta(days=30))}
    headers = {**ann.bearer, "Idempotency-Key": "a"}
    first, again = [await client.post(KEYS, json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["key"] is not None
    assert again.json() == {**first.json(), "key": None}


async def test_a_service_account_comes_in_by_keys_that_others_make(client, hands, org) -> None:
    made = await client.post("/api/v1/service-accounts", json={"name": "Payroll"}, headers=org.admin.bearer)
    assert made.status_code == 201, made.text
    account = made.json()
    assert made.headers["location"] == f"{USERS}/{account['id']}"
    body = {"label": "Nightly", "expires_at": rfc3339(hands() + timedelta(days=30)), "scopes": ["audit.entry.read"]}
    key = await client.post(f"{USERS}/{account['id']}/api-keys", json=body, headers=org.admin.bearer)
    assert key.status_code == 201, key.text
    assert (await client.get("/api/v1/audit/entries", headers=bearing(key.json()["key"]))).status_code == 403
    refused = await client.post(f"{USERS}/{org.viewer.id}/api-keys", json=body, headers=org.admin.bearer)
    assert (refused.status_code, refused.json()["code"]) == (409, "NOT_A_SERVICE_ACCOUNT")
    listed = (await client.get(f"{USERS}/{account['id']}/api-keys", headers=org.admin.bearer)).json()["data"]
    assert [(each["label"], each["scopes"]) for each in listed] == [("Nightly", ["audit.entry.read"])]


@pytest.mark.unit
def test_a_key_that_was_not_copied_whole_is_told_from_a_wrong_one() -> None:
    address = Address(new_id(), new_id(), b"\xff" * 32)
    text = key_text(address, "live")
    assert parse_key(text) == address
    for broken in (text[:-1], text + "0", text.replace("live", "test"), text[:20] + "~" + text[21:], "hf_", "hf_live_"):
        assert parse_key(broken) is None
    for at in range(8, len(text)):
        other = "a" if text[at] != "a" else "b"
        assert parse_key(text[:at] + other + text[at + 1 :]) is None, at


async def test_nobody_makes_a_key_for_more_than_they_hold(client, hands, org) -> None:
    """A program's key would lend its maker the program's rights."""
    account = (await client.post("/api/v1/service-accounts", json={"name": "P"}, headers=org.admin.bearer)).json()["id"]
    role = {"name": "Keeper", "permissions": ["identity.service_account.update", "identity.mfa.reset"]}
    made = await client.post("/api/v1/roles", json=role, headers=org.admin.bearer)
    keeper = await add_caller(org)
    for user_id, name in ((account, "Admin"), (keeper.id, made.json()["id"])):
        given = await client.post(f"{USERS}/{user_id}/roles", json={"role": name}, headers=org.admin.bearer)
        assert given.status_code == 201, given.text
    body = {"label": "Nightly", "expires_at": rfc3339(hands() + timedelta(days=30))}
    refused = await client.post(f"{USERS}/{account}/api-keys", json=body, headers=keeper.bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "MORE_RIGHTS")
    refused = await client.delete(f"{USERS}/{org.admin.id}/mfa", headers=keeper.bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "MORE_RIGHTS")
