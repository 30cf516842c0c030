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
        await client.post(f"{ORG}/people/batch", json={"create": [away]}, headers=user.bearer),
        await client.post(f"{ORG}/companies/batch", json={"delete": [str(uuid4())]}, headers=user.bearer),
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


async def tree_of(client, user: Caller) -> list[tuple[str, int | None]]:
    """Return the ids of the tree that somebody sees, each with the number of people, from the top down."""
    answer = await client.get(f"{ORG}/tree", headers=user.bearer)
    assert answer.status_code == 200, answer.text
    found = [("all", answer.json()["people"])]
    for company in answer.json()["companies"]:
        for owner in (company, *company["branches"]):
            found += [(node["id"], node["people"]) for node in (owner, *owner["departments"])]
    return found


async def test_the_tree_shows_the_unit_and_what_leads_there(client, org: Org, places: Places) -> None:
    company, branch, top = (places.unit[kind] for kind in ("company", "branch", "department"))
    [below] = places.departments["department"] - {top}
    [side] = places.departments["company"] - {top, below}
    shown = {
        "company": [("all", None), (company, 4), (side, 1), (branch, 3), (top, 2), (below, 1)],
        "branch": [("all", None), (company, None), (branch, 3), (top, 2), (below, 1)],
        "department": [("all", None), (company, None), (branch, None), (top, 2), (below, 1)],
        "group": [("all", None)],
    }
    whole = await tree_of(client, org.viewer)  # it is kept: what the others see is no other one
    assert dict(whole)["all"] == 6
    for kind, expected in shown.items():
        assert await tree_of(client, await keep(org, kind, places.unit[kind])) == expected, kind
    low = await keep(org, "department", below, role="Viewer")
    path = [("all", None), (company, None), (branch, None), (top, None), (below, 1)]
    assert await tree_of(client, low) == path
    answer = (await client.get(f"{ORG}/tree", headers=low.bearer)).json()
    above, own = answer["companies"][0]["branches"][0]["departments"]
    assert (own["parent_id"], own["level"], above["level"]) == (above["id"], 1, 0)
    await give_also(org, low, "company", company)
    assert await tree_of(client, low) == shown["company"]
    assert await tree_of(client, org.viewer) == whole


async def give_also(org: Org, user: Caller, kind: str, unit_id: str) -> None:
    async with org.work() as work:
        where = {f"{kind}_id": UUID(unit_id), "scope_kind": ScopeKind(kind), "scope_key": UUID(unit_id)}
        row = RoleAssignment(
            id=work.new_id(), user_id=user.id, role="User", role_key="User", given_at=work.now(), **where
        )
        work.session.add(row)
        work.record(RoleAssigned(entity=row))


async def test_rights_to_some_kinds_of_units_show_those(client, org: Org, places: Places) -> None:
    """Whoever sees all companies and the departments of one unit sees just these; without a right, nothing."""
    rights = ["directory.organization.read", "directory.company.read", "directory.branch.read"]
    body = {"name": "Companies", "permissions": rights}
    role = await client.post("/api/v1/roles", json=body, headers=org.admin.bearer)
    user = await keep(org, "department", places.unit["department"], role="Viewer")
    given = {"role": role.json()["id"]}
    answer = await client.post(f"/api/v1/users/{user.id}/roles", json=given, headers=org.admin.bearer)
    assert answer.status_code == 201, answer.text
    tree = dict(await tree_of(client, user))
    assert tree["all"] == 6, "who sees every company sees how many people there are"
    assert (tree[places.unit["company"]], tree[places.unit["branch"]]) == (4, 3)
    assert tree.keys() & {*places.departments["company"], places.elsewhere} == places.departments["department"]
    nobody = await add_caller(org)
    await client.post(f"/api/v1/users/{nobody.id}/roles", json=given, headers=org.admin.bearer)
    assert (await client.get(f"{ORG}/tree", headers=nobody.bearer)).status_code == 403


@pytest.mark.parametrize("kind", ["company", "branch", "department", "group"])
async def test_the_chart_shows_the_unit_and_nobody_else(kind, client, org: Org, places: Places) -> None:
    admin, everyone = org.admin.bearer, sorted(places.people["all"])
    boss = max(places.people["all"] - places.people[kind])
    for person in everyone:
        if person != boss:
            led = await client.patch(f"{ORG}/people/{person}", json={"manager_id": boss}, headers=admin)
            assert led.status_code == 200, led.text
    first, *others = sorted(places.people[kind])
    for person in others:
        await client.patch(f"{ORG}/people/{person}", json={"manager_id": first}, headers=admin)
    outside = min(places.people["all"] - places.people[kind] - {boss}, default=None)
    if outside is not None:
        await client.patch(f"{ORG}/people/{outside}", json={"manager_id": first}, headers=admin)
    user = await keep(org, kind, places.unit[kind])

    async def chart(**query: object) -> list[tuple[str, int, int]]:
        answer = await client.get(f"{ORG}/chart", params=query, headers=user.bearer)
        assert answer.status_code == 200, answer.text
        return [(row["id"], row["level"], row["reports"]) for row in answer.json()["data"]]

    expected = [(first, 0, len(others)), *((person, 1, 0) for person in others)]
    assert sorted(await chart(), key=lambda row: (row[1], row[0])) == expected
    assert sorted(await chart(root=first), key=lambda row: (row[1], row[0])) == expected
    hidden = await client.get(f"{ORG}/chart", params={"root": boss}, headers=user.bearer)
    absent = await client.get(f"{ORG}/chart", params={"root": str(uuid4())}, headers=user.bearer)
    assert (hidden.status_code, hidden.json()["code"]) == (404, "PERSON_NOT_FOUND")
    assert {**hidden.json(), "request_id": None} == {**absent.json(), "request_id": None}


async def test_a_batch_keeps_to_the_unit_as_its_verbs_do(client, org: Org, places: Places) -> None:
    user = await keep(org, "department", places.unit["department"])
    inside, outside = min(places.people["department"]), min(places.people["all"] - places.people["department"])
    new = {"number": uuid4().hex[:8], "given_name": "Ann", "family_name": "Other"}
    here = {**new, "department_id": places.unit["department"]}
    url = f"{ORG}/people/batch"
    change = {"id": inside, "job_title": "Lead"}
    done = await client.post(url, json={"update": [change], "create": [here]}, headers=user.bearer)
    assert done.status_code == 200, done.text
    made = done.json()["created"][0]["id"]
    for bad, status in (
        ({"update": [{"id": outside, "job_title": "Lead"}]}, 404),
        ({"update": [change, {"id": inside, "department_id": places.elsewhere}]}, 422),
        ({"update": [{"id": made, "department_id": places.elsewhere}]}, 403),
        ({"delete": [made, outside]}, 404),
        ({"delete": [made], "create": [{**new, "number": "X", "department_id": places.elsewhere}]}, 403),
    ):
        refused = await client.post(url, json=bad, headers=user.bearer)
        assert refused.status_code == status, refused.text
    assert (await client.get(f"{ORG}/people/{made}", headers=user.bearer)).status_code == 200, "all or nothing"
    assert (await client.post(url, json={"delete": [made]}, headers=user.bearer)).status_code == 200
    below = {"code": "SUB", "name": "Below", "parent_id": places.unit["department"]}
    departments = f"{ORG}/departments/batch"
    assert (await client.post(departments, json={"create": [below]}, headers=user.bearer)).status_code == 200
    away = {"code": "SUB2", "name": "Away", "parent_id": places.elsewhere}
    assert (await client.post(departments, json={"create": [away]}, headers=user.bearer)).status_code == 403
    keeper = await keep(org, "branch", places.unit["branch"])
    renamed = {"update": [{"id": places.unit["branch"], "name": "Ours"}]}
    branches = f"{ORG}/branches/batch"
    assert (await client.post(branches, json=renamed, headers=keeper.bearer)).status_code == 200
    gone = await client.post(branches, json={"delete": [places.unit["branch"]]}, headers=keeper.bearer)
    assert gone.status_code == 403, "no single call deletes a branch either"
    reader = await keep(org, "department", places.unit["department"], role="Viewer")
    assert (await client.post(url, json={"delete": [inside]}, headers=reader.bearer)).status_code == 403


async def test_the_pages_of_tree_and_chart_show_the_unit(client, org: Org, places: Places) -> None:
    person = min(places.people["department"])
    boss = {"manager_id": max(places.people["all"] - places.people["department"])}
    await client.patch(f"{ORG}/people/{person}", json=boss, headers=org.admin.bearer)
    user = await keep(org, "department", places.unit["department"])
    headers = {**user.bearer, "Accept": "text/html"}
    tree = await client.get("/console/tree", headers=headers)
    assert tree.status_code == 200
    assert f"/console/departments/{places.unit['department']}" in tree.text
    for hidden in (f"companies/{places.unit['company']}", f"branches/{places.unit['branch']}", places.elsewhere):
        assert hidden not in tree.text
    for query in ("", f"?root={person}"):
        chart = await client.get(f"/console/chart{query}", headers=headers)
        assert chart.status_code == 200, chart.text
        assert person in chart.text
        assert boss["manager_id"] not in chart.text
