"""What somebody sees and changes whose role holds in a part of the organisation only."""

from uuid import UUID, uuid4

import pytest
from scoped_places import Places

from callers import Caller, add_caller
from holdfast.core.identity.facts import RoleAssigned
from holdfast.core.identity.models import RoleAssignment, ScopeKind
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
ORG = "/api/v1/org"


async def keep(org: Org, kind: str, unit_id: str, role: str = "Admin") -> Caller:
    """Return a user who holds a role in one unit only."""
    user = await add_caller(org)
    async with org.work() as work:
        where = {f"{kind}_id": UUID(unit_id), "scope_kind": ScopeKind(kind), "scope_key": UUID(unit_id)}
        row = RoleAssignment(id=work.new_id(), user_id=user.id, role=role, role_key=role, given_at=work.now(), **where)
        work.session.add(row)
        work.record(RoleAssigned(entity=row))
    return user


@pytest.fixture
async def places(client, org: Org) -> Places:
    return await Places.make(client, org)


async def listed(client, user: Caller, path: str) -> set[str]:
    answer = await client.get(f"{ORG}/{path}", headers=user.bearer)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["meta"]["total"] == len(body["data"])
    return {row["id"] for row in body["data"]}


@pytest.mark.parametrize("kind", ["company", "branch", "department", "group"])
async def test_lists_and_records_show_the_unit_and_nothing_else(kind, client, org: Org, places: Places) -> None:
    user = await keep(org, kind, places.unit[kind])
    assert await listed(client, user, "people") == places.people[kind]
    assert await listed(client, user, "departments") == places.departments[kind]
    assert await listed(client, user, "branches") == places.branches[kind]
    assert await listed(client, user, "companies") == places.companies[kind]
    everyone = set(places.people["all"])
    for person_id in sorted(everyone):
        answer = await client.get(f"{ORG}/people/{person_id}", headers=user.bearer)
        assert answer.status_code == (200 if person_id in places.people[kind] else 404), answer.text
    gone = await client.get(f"{ORG}/people/{uuid4()}", headers=user.bearer)
    hidden = await client.get(f"{ORG}/people/{min(everyone - places.people[kind])}", headers=user.bearer)
    assert {**gone.json(), "request_id": None} == {**hidden.json(), "request_id": None}, "told apart from nobody"
    exported = await client.get(f"{ORG}/people/exports", headers=user.bearer)
    assert len(exported.text.strip().splitlines()) == 1 + len(places.people[kind])


async def test_changes_keep_to_the_unit(client, org: Org, places: Places) -> None:
    user = await keep(org, "department", places.unit["department"])
    inside, outside = min(places.people["department"]), min(places.people["all"] - places.people["department"])
    body = {"job_title": "Lead"}
    assert (await client.patch(f"{ORG}/people/{inside}", json=body, headers=user.bearer)).status_code == 200
    hidden = await client.patch(f"{ORG}/people/{outside}", json=body, headers=user.bearer)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "PERSON_NOT_FOUND")
    new = {"number": uuid4().hex[:8], "given_name": "Ann", "family_name": "Other"}
    away = {**new, "department_id": places.elsewhere}
    for refused in (
        await client.post(f"{ORG}/people", json=new, headers=user.bearer),
        await client.post(f"{ORG}/people", json=away, headers=user.bearer),
        await client.patch(f"{ORG}/people/{inside}", json={"department_id": places.elsewhere}, headers=user.bearer),
        await client.post(f"{ORG}/companies", json={"code": "X", "name": "X"}, headers=user.bearer),
        await client.post(f"{ORG}/people/batch", json={"delete": [inside]}, headers=user.bearer),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN"), refused.text
    here = {**new, "department_id": places.unit["department"]}
    made = await client.post(f"{ORG}/people", json=here, headers=user.bearer)
    assert made.status_code == 201, made.text
    below = {"code": "SUB", "name": "Below", "parent_id": places.unit["department"]}
    sub = await client.post(f"{ORG}/departments", json=below, headers=user.bearer)
    assert sub.status_code == 201, sub.text
    moved = {"department_id": sub.json()["id"]}
    assert (await client.patch(f"{ORG}/people/{inside}", json=moved, headers=user.bearer)).status_code == 200
    assert (await client.delete(f"{ORG}/people/{made.json()['id']}", headers=user.bearer)).status_code == 204


async def test_who_sees_more_than_they_change_is_told_so(client, org: Org, places: Places) -> None:
    user = await keep(org, "department", places.unit["department"])
    async with org.work() as work:
        row = RoleAssignment(id=work.new_id(), user_id=user.id, role="Viewer", role_key="Viewer", given_at=work.now())
        work.session.add(row)
        work.record(RoleAssigned(entity=row))
    outside = min(places.people["all"] - places.people["department"])
    assert (await client.get(f"{ORG}/people/{outside}", headers=user.bearer)).status_code == 200
    refused = await client.patch(f"{ORG}/people/{outside}", json={"job_title": "Lead"}, headers=user.bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
