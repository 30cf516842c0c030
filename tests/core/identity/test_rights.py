"""What roles come to: of one's own, within units, until a day; and where anyone may come from."""

from datetime import timedelta

import pytest

from callers import Caller, add_caller
from holdfast.core.directory.facts import CompanyCreated
from holdfast.core.directory.models import Company
from holdfast.core.identity.facts import RoleAssigned, UserCreated
from holdfast.core.identity.models import Role, RoleAssignment, ScopeKind
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
COMPANIES, ME, POLICY = "/api/v1/org/companies", "/api/v1/auth/me", "/api/v1/sign-in-policy"


async def give(org: Org, user: Caller, **fields: object) -> None:
    async with org.work() as work:
        row = RoleAssignment(id=work.new_id(), user_id=user.id, given_at=work.now(), **fields)
        work.session.add(row)
        work.record(RoleAssigned(entity=row))


async def test_a_role_of_ones_own_holds_what_it_names(client, org: Org) -> None:
    user = await add_caller(org)
    async with org.work() as work:
        permissions = ["directory.company.create", "platform.organization.create", "no.such.thing"]
        role = Role(id=work.new_id(), name="Founder", permissions=permissions)
        work.session.add(role)
        work.record(UserCreated(entity=role))
    await give(org, user, role="Founder", role_id=role.id, role_key=str(role.id))
    me = (await client.get(ME, headers=user.bearer)).json()
    assert (me["roles"], me["permissions"]) == (["Founder"], ["directory.company.create"])
    assert (await client.post(COMPANIES, json={"code": "A", "name": "A"}, headers=user.bearer)).status_code == 201
    assert (await client.get(COMPANIES, headers=user.bearer)).status_code == 403


async def test_a_role_within_a_unit_is_no_right_elsewhere(client, org: Org) -> None:
    user = await add_caller(org)
    async with org.work() as work:
        company = Company(id=work.new_id(), code="A", name="A")
        work.session.add(company)
        work.record(CompanyCreated(entity=company))
    scope = {"company_id": company.id, "scope_kind": ScopeKind.COMPANY, "scope_key": company.id}
    await give(org, user, role="Admin", role_key="Admin", **scope)
    me = (await client.get(ME, headers=user.bearer)).json()
    assert me["permissions"] == []
    refused = await client.post(COMPANIES, json={"code": "B", "name": "B"}, headers=user.bearer)
    assert (refused.status_code, refused.json()["detail"][-26:]) == (403, "in the whole organisation.")


async def test_a_role_ends_on_its_day(client, hands, org: Org) -> None:
    user = await add_caller(org)
    await give(org, user, role="Viewer", role_key="Viewer", ends_at=hands() + timedelta(minutes=5))
    assert (await client.get(COMPANIES, headers=user.bearer)).status_code == 200
    hands.forward(minutes=6)
    assert (await client.get(COMPANIES, headers=user.bearer)).status_code == 403


async def test_the_policy_lets_in_from_its_networks_only(client, org: Org) -> None:
    before = await client.get(POLICY, headers=org.admin.bearer)
    assert (before.status_code, before.headers["etag"], before.json()["networks"]) == (200, '"0"', None)
    away = await client.put(POLICY, json={"networks": ["192.0.2.0/24"]}, headers=org.admin.bearer)
    assert (away.status_code, away.json()["code"]) == (409, "OWN_NETWORK_EXCLUDED")
    here = {"networks": ["10.0.0.0/8", "127.0.0.0/8"], "mfa_roles": ["Admin"], "session_idle_minutes": 5}
    done = await client.put(POLICY, json=here, headers={**org.admin.bearer, "If-Match": '"0"'})
    assert (done.status_code, done.json()["version"]) == (200, 1), done.text
    stale = await client.put(POLICY, json=here, headers={**org.admin.bearer, "If-Match": '"0"'})
    assert stale.status_code == 412
    assert (await client.get(ME, headers=org.viewer.bearer)).status_code == 200
    client._transport.client = ("192.0.2.9", 4711)
    assert (await client.get(ME, headers=org.viewer.bearer)).status_code == 401


async def test_a_policy_is_checked(client, org: Org) -> None:
    for fields, location in (
        ({"networks": ["10.0.0.1/8"]}, "body.networks"),
        ({"networks": []}, "body.networks"),
        ({"password_min_length": 7}, "body.password_min_length"),
        ({"session_absolute_hours": 0}, "body.session_absolute_hours"),
        ({"mfa_roles": [""]}, "body.mfa_roles[0]"),
    ):
        refused = await client.put(POLICY, json=fields, headers=org.admin.bearer)
        assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, location), refused.text
