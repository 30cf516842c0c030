"""Emergency access: one organisation, a reason, an hour at most, both trails; dead with its operator."""

from datetime import timedelta
from uuid import UUID

import pytest

from callers import Caller
from holdfast.kernel.tenancy import SYSTEM_TENANT
from operators import PLATFORM, REASON, add_operator, entries
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
GLASS, COMPANIES = f"{PLATFORM}/break-glass", "/api/v1/org/companies"


@pytest.fixture
async def olga(home) -> Caller:
    return await add_operator(home)


async def enter(client, olga: Caller, org: Org, **fields: object) -> dict:
    body = {"organization_id": str(org.id), "reason": REASON, **fields}
    made = await client.post(GLASS, json=body, headers=olga.bearer)
    assert made.status_code == 201, made.text
    return made.json()


def inside(grant: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {grant['access_token']}"}


async def test_an_operator_acts_inside_and_both_trails_tell(client, home, org: Org, olga: Caller) -> None:
    grant = await enter(client, olga, org)
    made = await client.post(COMPANIES, json={"code": "A", "name": "A"}, headers=inside(grant))
    assert made.status_code == 201, made.text
    assert (await client.get(COMPANIES, headers=inside(grant))).status_code == 200
    me = (await client.get("/api/v1/auth/me", headers=inside(grant))).json()
    assert me["organization"]["id"] == str(org.id)
    assert not [name for name in me["permissions"] if name.startswith("platform.")]
    told = [(e["action"], e["outcome"]) for e in await entries(home, org.id) if e["actor_id"] == str(olga.id)]
    assert told == [
        ("identity.operator.admitted", "success"),
        ("directory.company.created", "success"),
        ("directory.company.read", "success"),
        ("identity.me.read", "success"),
    ], "every read is told too"
    assert {e["actor_type"] for e in await entries(home, org.id) if e["actor_id"] == str(olga.id)} == {"operator"}
    own = [e["action"] for e in await entries(home, SYSTEM_TENANT) if e["actor_id"] == str(olga.id)][3:]
    assert own == ["platform.break_glass.opened"], "she opened it and did nothing else there"
    listed = (await client.get(GLASS, params={"open": True}, headers=olga.bearer)).json()["data"]
    assert grant["id"] in [each["id"] for each in listed]
    assert "token" not in str(listed)


async def test_it_ends_at_will_with_the_operators_session_and_in_time(client, hands, home, org: Org, olga) -> None:
    grant = await enter(client, olga, org)
    ended = await client.delete(f"{GLASS}/{grant['id']}", headers=olga.bearer)
    assert ended.status_code == 204
    assert (await client.get(COMPANIES, headers=inside(grant))).status_code == 401
    assert (await client.delete(f"{GLASS}/{grant['id']}", headers=olga.bearer)).status_code == 404
    late = await enter(client, olga, org, minutes=5)
    hands.forward(minutes=4)
    assert (await client.get(COMPANIES, headers=inside(late))).status_code == 200
    hands.forward(minutes=2)
    assert (await client.get(COMPANIES, headers=inside(late))).status_code == 401
    again = await enter(client, olga, org)
    assert (await client.post("/api/v1/auth/logout", headers=olga.bearer)).status_code == 204
    assert (await client.get(COMPANIES, headers=inside(again))).status_code == 401
    assert "identity.operator.dismissed" in {entry["action"] for entry in await entries(home, org.id)}


async def test_it_ends_when_the_operator_is_suspended(client, home, org: Org, olga: Caller) -> None:
    grant, other = await enter(client, olga, org), await add_operator(home)
    body = {"status": "suspended", "reason": "left"}
    done = await client.patch(f"/api/v1/users/{olga.id}/status", json=body, headers=other.bearer)
    assert done.status_code == 200, done.text
    assert (await client.get(COMPANIES, headers=inside(grant))).status_code == 401


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        ({"reason": ""}, "body.reason"),
        ({"reason": "because"}, "body.reason"),
        ({"minutes": 61}, "body.minutes"),
        ({"minutes": 0}, "body.minutes"),
        ({"organization_id": "x"}, "body.organization_id"),
    ],
)
async def test_47_without_a_reason_or_beyond_an_hour_it_is_refused(fields, location, client, org, olga) -> None:
    body = {"organization_id": str(org.id), "reason": REASON, **fields}
    refused = await client.post(GLASS, json=body, headers=olga.bearer)
    assert (refused.status_code, [each["location"] for each in refused.json()["errors"]]) == (422, [location])


async def test_47_without_a_fresh_second_factor_it_is_refused(client, hands, home, org: Org, olga: Caller) -> None:
    body = {"organization_id": str(org.id), "reason": REASON}
    weak = await add_operator(home, second_factor=False)
    refused = await client.post(GLASS, json=body, headers=weak.bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "WITHOUT_SECOND_FACTOR")
    hands.forward(minutes=11)
    refused = await client.post(GLASS, json=body, headers=olga.bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "STEP_UP_REQUIRED")


async def test_nobody_else_gets_in(client, home, org: Org, olga: Caller) -> None:
    body = {"organization_id": str(org.id), "reason": REASON}
    assert (await client.post(GLASS, json=body, headers=org.admin.bearer)).status_code == 403
    viewer = await add_operator(home, "Viewer")
    assert (await client.post(GLASS, json=body, headers=viewer.bearer)).status_code == 403
    own = await client.post(GLASS, json={**body, "organization_id": str(SYSTEM_TENANT)}, headers=olga.bearer)
    assert (own.status_code, own.json()["code"]) == (409, "ORGANIZATION_STATE")
    missing = {**body, "organization_id": str(UUID(int=5))}
    assert (await client.post(GLASS, json=missing, headers=olga.bearer)).status_code == 404


async def test_46_inside_credentials_stay_out_of_reach(client, hands, org: Org, olga: Caller) -> None:
    grant = await enter(client, olga, org)
    key = {"label": "Mine", "expires_at": (hands() + timedelta(days=1)).isoformat()}
    for method, path, body in (
        ("POST", "/api/v1/api-keys", key),
        ("GET", "/api/v1/auth/sessions", None),
        ("DELETE", "/api/v1/auth/sessions", None),
        ("POST", f"/api/v1/users/{org.viewer.id}/impersonate", {"reason": REASON}),
        ("POST", "/api/v1/auth/password", {"current_password": "x", "new_password": "y"}),
    ):
        refused = await client.request(method, path, json=body, headers=inside(grant))
        assert (refused.status_code, refused.json()["code"]) == (403, "NOT_IN_PERSON"), (path, refused.text)
