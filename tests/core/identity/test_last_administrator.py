"""The last administrator also stays an employee: no way of ending somebody's access leaves nobody who administers."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from callers import Caller, add_caller
from holdfast.core.identity import queries
from support import Member, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
ORG, USERS, ME = "/api/v1/org", "/api/v1/users", "/api/v1/auth/me"
FUTURE, PAST = "2099-12-31", "2020-01-31"


Somebody = Caller | Member


async def post(client: httpx.AsyncClient, by: Somebody, path: str, **body: Any) -> dict[str, Any]:
    made = await client.post(f"{ORG}/{path}", json=body, headers=by.bearer)
    assert made.status_code == 201, made.text
    return made.json()


async def employ(client: httpx.AsyncClient, by: Somebody, user: Somebody, **fields: Any) -> dict[str, Any]:
    """Make a user an employee and return the person."""
    body = {"number": uuid4().hex[:8], "given_name": "Ann", "family_name": "Other", **fields}
    person = await post(client, by, "people", **body)
    link = {"person_id": person["id"]}
    linked = await client.patch(f"{USERS}/{user.id}", json=link, headers=by.bearer)
    assert linked.status_code == 200, linked.text
    return person


async def lasting(org: Org) -> set[UUID]:
    async with org.work(write=False) as work:
        return set(await queries.list_administrators(work, role="Admin"))


def refused(answer: httpx.Response, place: str | None = None) -> None:
    assert (answer.status_code, answer.json()["code"]) == (409, "LAST_ADMINISTRATOR"), answer.text
    if place is not None:
        assert [each["location"] for each in answer.json()["errors"]] == [place], answer.text
        assert answer.json()["errors"][0]["code"] == "last_administrator"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"end_date": PAST}, "end_date"),
        ({"end_date": FUTURE}, "end_date"),
        ({"end_date": FUTURE, "job_title": "Leaver"}, "end_date"),
        ({"status": "left"}, "status"),
        ({"status": "left", "end_date": FUTURE}, "end_date"),
    ],
)
async def test_the_last_administrator_gets_no_last_day(fields, place, client, org: Org) -> None:
    person = await employ(client, org.admin, org.admin)
    url, admin = f"{ORG}/people/{person['id']}", org.admin.bearer
    refused(await client.patch(url, json=fields, headers=admin), f"body.{place}")
    whole = {name: person[name] for name in ("number", "given_name", "family_name")} | fields
    refused(await client.put(url, json=whole, headers=admin), f"body.{place}")
    several = {"update": [{"id": person["id"], **fields}]}
    refused(await client.post(f"{ORG}/people/batch", json=several, headers=admin), f"body.update[0].{place}")
    assert (await client.patch(url, json={"job_title": "Stays"}, headers=admin)).status_code == 200
    assert await lasting(org) == {org.admin.id}
    second = await add_caller(org, "Admin")
    assert (await client.patch(url, json=fields, headers=second.bearer)).status_code == 200
    assert await lasting(org) == {second.id}


async def test_a_planned_last_day_is_an_end_as_that_of_a_role_is(client, org: Org) -> None:
    second = await add_caller(org, "Admin")
    leaver = await employ(client, org.admin, second, end_date=FUTURE)
    assert await lasting(org) == {org.admin.id}
    assert (await client.get(ME, headers=second.bearer)).status_code == 200, "until then they act"
    person = await employ(client, org.admin, org.admin)
    url = f"{ORG}/people/{person['id']}"
    refused(await client.patch(url, json={"end_date": FUTURE}, headers=second.bearer))
    suspended = {"status": "suspended"}
    refused(await client.patch(f"{USERS}/{org.admin.id}/status", json=suspended, headers=second.bearer))
    stays = {"end_date": None}
    assert (await client.patch(f"{ORG}/people/{leaver['id']}", json=stays, headers=second.bearer)).status_code == 200
    assert (await client.patch(url, json={"end_date": FUTURE}, headers=second.bearer)).status_code == 200


async def test_the_last_administrator_is_not_deleted_as_a_person(client, org: Org) -> None:
    company = (await post(client, org.admin, "companies", code="N", name="North"))["id"]
    branch = (await post(client, org.admin, "branches", code="B", name="Branch", company_id=company))["id"]
    department = (await post(client, org.admin, "departments", code="D", name="Department", branch_id=branch))["id"]
    person = await employ(client, org.admin, org.admin, number="P-1", department_id=department)
    admin = org.admin.bearer
    refused(await client.delete(f"{ORG}/people/{person['id']}", headers=admin), "person.P-1")
    several = {"delete": [person["id"]]}
    refused(await client.post(f"{ORG}/people/batch", json=several, headers=admin))
    for unit in (f"departments/{department}", f"branches/{branch}", f"companies/{company}"):
        refused(await client.delete(f"{ORG}/{unit}", params={"cascade": True}, headers=admin), "person.P-1")
        assert (await client.get(f"{ORG}/{unit}", headers=admin)).status_code == 200
    second = await add_caller(org, "Admin")
    gone = await client.delete(f"{ORG}/companies/{company}", params={"cascade": True}, headers=second.bearer)
    assert gone.status_code == 204, gone.text
    assert await lasting(org) == {second.id}, "who is in the trash administers nothing"


async def test_no_file_ends_the_last_administrators_employment(client, org: Org) -> None:
    await employ(client, org.admin, org.admin, number="P-1")
    await post(client, org.admin, "people", number="P-2", given_name="Ben", family_name="Other")
    headers = {**org.admin.bearer, "Content-Type": "text/csv"}
    for column, value in (("end_date", FUTURE), ("end_date", PAST), ("status", "left")):
        content = f"number,{column}\nP-2,{value}\nP-1,{value}\n".encode()
        for query in ({"mode": "update"}, {"mode": "update", "dry_run": True}):
            answer = await client.post(f"{ORG}/people/imports", params=query, content=content, headers=headers)
            refused(answer, f"line 3, column {column}")
    assert await lasting(org) == {org.admin.id}
    whole = b"number,given_name,family_name,end_date\nP-1,Ann,Other,2099-12-31\n"
    answer = await client.post(f"{ORG}/people/imports", params={"mode": "upsert"}, content=whole, headers=headers)
    refused(answer, "line 2, column end_date")


async def test_undoing_an_import_leaves_somebody_who_administers(client, org: Org) -> None:
    headers = {**org.admin.bearer, "Content-Type": "text/csv"}
    imports = f"{ORG}/people/imports"
    content = b"number,given_name,family_name,end_date\nP-1,Ann,Other,\nP-2,Ben,Other,2099-12-31\n"
    added = await client.post(imports, content=content, headers=headers)
    ann, ben = (await client.get(f"{ORG}/people", params={"sort": "number"}, headers=headers)).json()["data"]
    link = {"person_id": ann["id"]}
    assert (await client.patch(f"{USERS}/{org.admin.id}", json=link, headers=org.admin.bearer)).status_code == 200
    undo = f"{imports}/{added.json()['id']}/undo"
    refused(await client.post(undo, headers=org.admin.bearer), "person.P-1")
    second = await add_caller(org, "Admin")
    link = {"person_id": ben["id"]}
    assert (await client.patch(f"{USERS}/{second.id}", json=link, headers=org.admin.bearer)).status_code == 200
    stays = await client.post(imports, params={"mode": "update"}, content=b"number,end_date\nP-2,\n", headers=headers)
    assert stays.json()["updated"] == 1, stays.text
    leaves = {"end_date": FUTURE}
    left = await client.patch(f"{ORG}/people/{ann['id']}", json=leaves, headers=second.bearer)
    assert left.status_code == 200, left.text
    assert await lasting(org) == {second.id}
    refused(await client.post(f"{imports}/{stays.json()['id']}/undo", headers=second.bearer), "person.P-2")


async def test_all_who_administer_do_not_leave_by_one_request(client, org: Org) -> None:
    second, admin = await add_caller(org, "Admin"), org.admin.bearer
    company = (await post(client, org.admin, "companies", code="N", name="North"))["id"]
    ann = await employ(client, org.admin, org.admin, number="P-1", company_id=company)
    ben = await employ(client, org.admin, second, number="P-2", company_id=company)
    several = {"update": [{"id": each["id"], "end_date": FUTURE} for each in (ann, ben)]}
    refused(await client.post(f"{ORG}/people/batch", json=several, headers=admin), "body.update[1].end_date")
    gone = await client.delete(f"{ORG}/companies/{company}", params={"cascade": True}, headers=admin)
    refused(gone)
    assert {each["location"] for each in gone.json()["errors"]} == {"person.P-1", "person.P-2"}
    headers = {**admin, "Content-Type": "text/csv"}
    content = f"number,end_date\nP-1,{PAST}\nP-2,{FUTURE}\n".encode()
    file = await client.post(f"{ORG}/people/imports", params={"mode": "update"}, content=content, headers=headers)
    refused(file)
    assert {each["location"] for each in file.json()["errors"]} == {
        "line 2, column end_date",
        "line 3, column end_date",
    }
    assert await lasting(org) == {org.admin.id, second.id}


async def test_the_last_administrator_is_not_made_somebody_who_leaves(client, org: Org) -> None:
    body = {"number": "P-1", "given_name": "Ann", "family_name": "Other", "end_date": FUTURE}
    leaver = await post(client, org.admin, "people", **body)
    url = f"{USERS}/{org.admin.id}"
    link = {"person_id": leaver["id"]}
    refused(await client.patch(url, json=link, headers=org.admin.bearer), "body.person_id")
    whole = {**(await client.get(url, headers=org.admin.bearer)).json(), **link}
    whole = {name: whole[name] for name in ("email", "username", "name", "person_id", "locale", "time_zone")}
    refused(await client.put(url, json=whole, headers=org.admin.bearer), "body.person_id")
    await add_caller(org, "Admin")
    assert (await client.patch(url, json=link, headers=org.admin.bearer)).status_code == 200


WAYS = {
    "day": ("PATCH", "people/{}", {"end_date": FUTURE}),
    "left": ("PATCH", "people/{}", {"status": "left"}),
    "delete": ("DELETE", "people/{}", None),
    "batch": ("POST", "people/batch", {"update": [{"id": "{}", "end_date": PAST}]}),
}


@pytest.mark.parametrize("ways", [("day", "day"), ("left", "delete"), ("delete", "delete"), ("day", "batch")])
async def test_two_whose_employment_ends_at_once_leave_one(ways, client, org: Org) -> None:
    first: Somebody = org.admin
    people = {first.id: (await employ(client, first, first))["id"]}
    for _ in range(3):
        second = await add_caller(org, "Admin")
        people[second.id] = (await employ(client, first, second))["id"]
        pair = (first, second)
        assert await lasting(org) == {each.id for each in pair}

        async def end(turn: int, pair: tuple[Somebody, ...] = pair) -> httpx.Response:
            method, path, body = WAYS[ways[turn]]
            person = people[pair[turn].id]
            if body and "update" in body:
                body = {"update": [{**body["update"][0], "id": person}]}  # type: ignore[dict-item]
            # Each by the other: neither acts on themselves.
            return await client.request(
                method, f"{ORG}/{path.format(person)}", json=body, headers=pair[1 - turn].bearer
            )

        answers = await asyncio.gather(end(0), end(1))
        left = await lasting(org)
        assert len(left) == 1, [each.text for each in answers]
        assert sum(each.is_success for each in answers) == 1, [each.text for each in answers]
        [late] = [each for each in answers if not each.is_success]
        assert late.status_code in (401, 409), late.text
        first = next(each for each in pair if each.id in left)


async def test_a_role_and_an_employment_that_end_at_once_leave_one(client, org: Org) -> None:
    for _ in range(3):
        person = await employ(client, org.admin, org.admin)
        second = await add_caller(org, "Admin")
        assert await lasting(org) == {org.admin.id, second.id}
        await asyncio.gather(
            client.patch(f"{ORG}/people/{person['id']}", json={"end_date": FUTURE}, headers=second.bearer),
            client.patch(f"{USERS}/{second.id}/status", json={"status": "suspended"}, headers=org.admin.bearer),
        )
        assert len(await lasting(org)) == 1
        back = {"end_date": None}
        await client.patch(f"{ORG}/people/{person['id']}", json=back, headers=org.admin.bearer)
        await client.patch(f"{USERS}/{second.id}/status", json={"status": "suspended"}, headers=org.admin.bearer)
