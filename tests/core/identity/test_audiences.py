"""One rule for whom something is: who is in it now, and who was in it when."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from callers import add_caller
from holdfast.core.identity.facts import UserUpdated
from holdfast.core.identity.queries import get_user
from holdfast.kernel.clock import rfc3339
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
ORG, MEMBERS = "/api/v1/org", "/api/v1/audiences/members"


async def post(client, org: Org, path: str, **body: object) -> str:
    answer = await client.post(path, json=body, headers=org.admin.bearer)
    assert answer.status_code in (200, 201), answer.text
    return answer.json().get("id")


async def person(client, org: Org, **fields: object) -> str:
    names = {"number": uuid4().hex[:8], "given_name": "Ann", "family_name": uuid4().hex[:6]}
    return await post(client, org, f"{ORG}/people", **names, **fields)


async def held(client, org: Org, **question: object) -> set[str]:
    answer = await client.post(MEMBERS, json=question, headers=org.admin.bearer)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["meta"]["total"] == len(found["data"])
    return {row["id"] for row in found["data"]}


async def test_units_groups_roles_and_people_together_and_without_some(client, org: Org) -> None:
    company = await post(client, org, f"{ORG}/companies", code="A", name="A")
    top = await post(client, org, f"{ORG}/departments", code="T", name="Top", company_id=company)
    below = await post(client, org, f"{ORG}/departments", code="L", name="Low", parent_id=top)
    in_top, in_below = await person(client, org, department_id=top), await person(client, org, department_id=below)
    alone, first_aider = await person(client, org), await person(client, org)
    group = await post(client, org, f"{ORG}/groups", code="G", name="First aid")
    await post(client, org, f"{ORG}/groups/{group}/members", person_ids=[first_aider])
    user = await add_caller(org, "Auditor")
    async with org.work() as work:
        account = await get_user(work, user_id=user.id, lock=True)
        account.person_id = UUID(alone)
        work.record(UserUpdated(entity=account))
    department, role = {"kind": "department", "id": top}, {"kind": "role", "role": "Auditor"}
    assert await held(client, org, include=[department]) == {in_top, in_below}
    assert await held(client, org, include=[role]) == {alone}
    assert await held(client, org, include=[{"kind": "group", "id": group}, role]) == {first_aider, alone}
    assert await held(client, org, include=[department], exclude=[{"kind": "person", "id": in_top}]) == {in_below}
    assert await held(client, org, exclude=[department]) >= {alone, first_aider}
    assert not await held(client, org, exclude=[department]) & {in_top, in_below}
    everyone = await held(client, org)
    assert {in_top, in_below, alone, first_aider} <= everyone


async def test_who_was_in_it_when(client, hands, org: Org) -> None:
    company = await post(client, org, f"{ORG}/companies", code="A", name="A")
    first = await post(client, org, f"{ORG}/departments", code="F", name="First", company_id=company)
    second = await post(client, org, f"{ORG}/departments", code="S", name="Second", company_id=company)
    group = await post(client, org, f"{ORG}/groups", code="G", name="First aid")
    ann = await person(client, org, department_id=first)
    await post(client, org, f"{ORG}/groups/{group}/members", person_ids=[ann])
    hands.forward(minutes=1)
    before = rfc3339(hands())
    hands.forward(minutes=1)
    await client.patch(f"{ORG}/people/{ann}", json={"department_id": second}, headers=org.admin.bearer)
    await client.delete(f"{ORG}/groups/{group}/members/{ann}", headers=org.admin.bearer)
    hands.forward(minutes=1)
    in_first, in_group = [{"kind": "department", "id": first}], [{"kind": "group", "id": group}]
    assert await held(client, org, include=in_first) == set()
    assert await held(client, org, include=in_first, at=before) == {ann}
    assert await held(client, org, include=in_group) == set()
    assert await held(client, org, include=in_group, at=before) == {ann}
    long_ago = rfc3339(hands() - timedelta(days=400))
    assert await held(client, org, include=in_first, at=long_ago) == set()


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"include": [{"kind": "company", "id": str(uuid4())}]}, "body.include[0].id"),
        ({"exclude": [{"kind": "role", "role": "Nobody"}]}, "body.exclude[0].role"),
        ({"include": [{"kind": "role"}]}, "body.include[0]"),
        ({"include": [{"kind": "group", "role": "Admin"}]}, "body.include[0]"),
        ({"include": [{"kind": "planet", "id": str(uuid4())}]}, "body.include[0].kind"),
    ],
)
async def test_a_rule_that_names_nothing_is_refused(body, location, client, org: Org) -> None:
    refused = await client.post(MEMBERS, json=body, headers=org.admin.bearer)
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, location), refused.text


async def test_another_organisations_unit_is_nothing(client, org: Org, other: Org) -> None:
    theirs = await client.post(f"{ORG}/companies", json={"code": "A", "name": "A"}, headers=other.admin.bearer)
    body = {"include": [{"kind": "company", "id": theirs.json()["id"]}]}
    refused = await client.post(MEMBERS, json=body, headers=org.admin.bearer)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown")
