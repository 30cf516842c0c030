"""Acting in a user's place: both in every entry, no right gained, over with either."""

import pytest

from callers import Caller, add_caller
from holdfast.core.identity.facts import RoleAssigned
from holdfast.core.identity.models import RoleAssignment
from holdfast.core.identity.queries import list_roles
from operators import REASON, entries
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
COMPANIES, ME = "/api/v1/org/companies", "/api/v1/auth/me"


async def show(client, org: Org, user: Caller) -> dict[str, str]:
    made = await client.post(f"/api/v1/users/{user.id}/impersonate", json={"reason": REASON}, headers=org.admin.bearer)
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['access_token']}"}


@pytest.fixture
async def ben(org: Org) -> Caller:
    return await add_caller(org, "Viewer")


async def test_46_both_stand_in_every_entry_also_of_what_is_read(client, home, org: Org, ben: Caller) -> None:
    as_ben = await show(client, org, ben)
    me = (await client.get(ME, headers=as_ben)).json()
    assert (me["user"]["id"], me["roles"]) == (str(ben.id), ["Viewer"])
    assert (await client.post(COMPANIES, json={"code": "A", "name": "A"}, headers=as_ben)).status_code == 403
    told = [entry for entry in await entries(home, org.id) if entry["on_behalf_of"] == str(ben.id)]
    assert [(e["action"], e["outcome"], e["actor_id"]) for e in told] == [
        ("identity.me.read", "success", str(org.admin.id)),
        ("directory.company.create", "refused", str(org.admin.id)),
    ]


async def test_46_credentials_stay_out_of_reach(client, org: Org, ben: Caller) -> None:
    as_ben = await show(client, org, ben)
    for method, path, body in (
        ("POST", "/api/v1/auth/password", {"current_password": "x", "new_password": "y"}),
        ("GET", "/api/v1/auth/sessions", None),
        ("DELETE", "/api/v1/auth/sessions", None),
        ("GET", "/api/v1/api-keys", None),
    ):
        refused = await client.request(method, path, json=body, headers=as_ben)
        assert (refused.status_code, refused.json()["code"]) == (403, "NOT_IN_PERSON"), (path, refused.text)


async def test_46_no_right_is_gained(client, org: Org) -> None:
    helper = await add_caller(org)
    async with org.work() as work:
        row = RoleAssignment(
            id=work.new_id(), user_id=helper.id, role="Operator", role_key="Operator", given_at=work.now()
        )
        work.session.add(row)
        work.record(RoleAssigned(entity=row))
    body = {"reason": REASON}
    upward = await client.post(f"/api/v1/users/{org.admin.id}/impersonate", json=body, headers=helper.bearer)
    assert upward.status_code == 403
    oneself = await client.post(f"/api/v1/users/{org.admin.id}/impersonate", json=body, headers=org.admin.bearer)
    assert (oneself.status_code, oneself.json()["code"]) == (403, "IMPERSONATION_REFUSED")
    other = await add_caller(org, "Admin")
    allowed = await client.post(f"/api/v1/users/{other.id}/impersonate", json=body, headers=org.admin.bearer)
    assert allowed.status_code == 201
    as_admin = {"Authorization": f"Bearer {allowed.json()['access_token']}"}
    assert (await client.get("/api/v1/users", headers=as_admin)).status_code == 200
    async with org.work() as work:  # the one who acts loses the right to
        [held] = await list_roles(work, user_ids=[org.admin.id])
        held.ends_at = work.now()
        work.record(RoleAssigned(entity=held))
    assert (await client.get("/api/v1/users", headers=as_admin)).status_code == 401


@pytest.mark.parametrize("who", ["actor", "target", "session", "time"])
async def test_46_it_ends_with_either(who, client, hands, org: Org, ben: Caller) -> None:
    as_ben = await show(client, org, ben)
    assert (await client.get(ME, headers=as_ben)).status_code == 200
    other = await add_caller(org, "Admin")
    if who == "actor":
        assert (await client.post("/api/v1/auth/logout", headers=org.admin.bearer)).status_code == 204
    elif who == "target":
        body = {"status": "suspended"}
        await client.patch(f"/api/v1/users/{ben.id}/status", json=body, headers=other.bearer)
    elif who == "session":
        assert (await client.post("/api/v1/auth/logout", headers=as_ben)).status_code == 204
    else:
        hands.forward(minutes=31)
    assert (await client.get(ME, headers=as_ben)).status_code == 401
