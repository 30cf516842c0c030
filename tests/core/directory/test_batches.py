"""Many changes in one request: all of them or none, each by the rules of a single one."""

import asyncio
from uuid import uuid4

import pytest
from places import Places

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
KINDS = ("companies", "branches", "departments", "people")
ENTITY = {"companies": "company", "branches": "branch", "departments": "department", "people": "person"}


async def fields_of(places: Places, kind, code):
    if kind == "people":
        return {"number": code, "given_name": "Ann", "family_name": "Other"}
    above = {} if kind == "companies" else {"company_id": await company(places)}
    return {"code": code, "name": f"The {code}", **above}


async def company(places: Places):
    listed = (await places.send("GET", "companies?code=base")).json()["data"]
    return listed[0]["id"] if listed else await places.make("companies", code="BASE")


def key_of(kind):
    return "number" if kind == "people" else "code"


def places_of(answer, status):
    assert answer.status_code == status, answer.text
    return [(each["location"], each["code"]) for each in answer.json()["errors"]]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_batch_adds_changes_and_deletes_and_each_leaves_its_entry(kind, client, org, other, places: Places):
    key = key_of(kind)
    first, second, third = [
        await places.make(kind, **await fields_of(places, kind, code)) for code in ("A-1", "A-2", "A-3")
    ]
    body = {
        "create": [await fields_of(places, kind, "A-1"), await fields_of(places, kind, "N-2")],
        "update": [{"id": second, "version": 1, key: "B-2"}, {"id": third}],
        "delete": [first],
    }
    path = f"{kind}/batch"
    assert (await client.post(f"/api/v1/org/{path}", json=body)).status_code == 401
    assert (await places.send("POST", path, "viewer", **body)).status_code == 403
    elsewhere = await client.post(f"/api/v1/org/{path}", json={"delete": [first]}, headers=other.admin.bearer)
    assert places_of(elsewhere, 404) == [("body.delete[0]", "unknown")]
    done = await places.send("POST", path, **body)
    assert done.status_code == 200, done.text
    assert [row[key] for row in done.json()["created"]] == ["A-1", "N-2"]
    assert [(row["id"], row[key], row["version"]) for row in done.json()["updated"]] == [
        (second, "B-2", 2),
        (third, "A-3", 1),
    ]
    assert done.json()["deleted"] == [first]
    assert (await places.send("GET", f"{kind}/{first}")).status_code == 404
    entity = ENTITY[kind]
    assert await places.actions(entity, second) == ["updated", "created"]
    assert await places.actions(entity, third) == ["created"]
    assert await places.actions(entity, first) == ["deleted", "created"]
    assert await places.actions(entity, done.json()["created"][1]["id"]) == ["created"]


@pytest.mark.parametrize("kind", KINDS)
async def test_one_fault_undoes_all_and_names_its_place(kind, places: Places):
    key, path = key_of(kind), f"{kind}/batch"
    first, second = [await places.make(kind, **await fields_of(places, kind, code)) for code in ("A-1", "A-2")]
    good = [{"id": first, key: "X-1"}]
    new = await fields_of(places, kind, "a-2")
    nobody = str(uuid4())
    for body, status, place in (
        ({"update": good, "create": [new]}, 409, (f"body.create[0].{key}", "taken")),
        ({"update": [*good, {"id": second, key: "x-1"}]}, 409, (f"body.update[1].{key}", "taken")),
        ({"update": [*good, {"id": second, "version": 7, key: "Y"}]}, 412, ("body.update[1].version", "changed")),
        ({"update": [*good, {"id": nobody, key: "Y"}]}, 404, ("body.update[1].id", "unknown")),
        ({"update": good, "delete": [nobody]}, 404, ("body.delete[0]", "unknown")),
        ({"update": good, "delete": [first]}, 422, ("body.delete[0]", "repeated")),
        ({"update": [*good, *good]}, 422, ("body.update[1]", "repeated")),
        ({"update": [*good, {"id": second, key: ""}]}, 422, (f"body.update[1].{key}", None)),
        ({"update": [*good, {"id": second, "salary": 1}]}, 422, ("body.update[1].salary", None)),
        ({"update": [{key: "Y"}]}, 422, ("body.update[0].id", None)),
        ({"create": [{}]}, 422, (f"body.create[0].{key}", None)),
        ({"delete": ["x"]}, 422, ("body.delete[0]", None)),
        ({"remove": [first]}, 422, ("body.remove", None)),
        ({"delete": [str(uuid4()) for _ in range(501)]}, 422, ("body.delete", None)),
        ({"create": []}, 422, ("body", None)),
        ({"delete": [nobody] * 300, "update": [{"id": nobody}] * 300}, 422, ("body", None)),
    ):
        answer = await places.send("POST", path, **body)
        found = places_of(answer, status)
        assert place in [(where, code if place[1] else None) for where, code in found], (body.keys(), found)
    for row_id, code in ((first, "A-1"), (second, "A-2")):
        row = await places.read(kind, row_id)
        assert (row[key], row["version"]) == (code, 1)


async def test_what_stands_in_the_way_is_counted_and_what_goes_frees_it(places: Places):
    north, south = [await places.make("companies", code=code) for code in ("N", "S")]
    held = await places.make("departments", company_id=north)
    refused = await places.send("POST", "companies/batch", delete=[south, north])
    assert places_of(refused, 409) == [("body.delete[1].departments", "in_use")]
    top = await places.make("departments", company_id=south)
    moved = await places.send("POST", "departments/batch", update=[{"id": held, "parent_id": top}])
    assert moved.json()["updated"][0]["company_id"] == south
    circle = await places.send("POST", "departments/batch", update=[{"id": top, "parent_id": held}])
    assert places_of(circle, 409) == [("body.update[0].parent_id", "cycle")]
    first = await places.make("people")
    second = await places.make("people", manager_id=first)
    body = {"update": [{"id": second, "manager_id": None}], "delete": [first]}
    assert (await places.send("POST", "people/batch", **body)).status_code == 200
    misfit = await places.send(
        "POST", "people/batch", update=[{"id": second, "department_id": held, "company_id": north}]
    )
    assert places_of(misfit, 422) == [("body.update[0].department_id", "misfit")]


async def test_each_kind_of_change_takes_its_right(client, org, places: Places):
    row = await places.make("companies")
    body = {"create": {"create": [{"code": "Z", "name": "Z"}]}, "update": {"update": [{"id": row, "name": "Z"}]}}
    body["delete"] = {"delete": [row]}
    for action, asked in body.items():
        refused = await places.send("POST", "companies/batch", "operator", **asked)
        assert refused.status_code == 403
        assert refused.json()["detail"] == f"The permission directory.company.{action} is needed."
    entries = await client.get("/api/v1/audit/entries?outcome=refused", headers=org.auditor.bearer)
    assert {each["action"] for each in entries.json()["data"]} == {"directory.company.batch"}


async def test_batches_at_once_wait_for_each_other(places: Places):
    rows = [await places.make("people") for _ in range(12)]

    def changes(title, ids):
        return [{"id": row_id, "job_title": title} for row_id in ids]

    answers = await asyncio.gather(
        *(
            places.send("POST", "people/batch", update=changes(title, rows if number % 2 else rows[::-1]))
            for number, title in enumerate(("one", "two", "three", "four"))
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    found = [await places.read("people", row_id) for row_id in rows]
    assert len({row["job_title"] for row in found}) == 1
    assert {row["version"] for row in found} == {5}


async def test_five_hundred_at_once(places: Places):
    new = [{"number": f"N-{n}", "given_name": "Ann", "family_name": "Other"} for n in range(500)]
    done = await places.send("POST", "people/batch", create=new)
    assert done.status_code == 200, done.text[:500]
    assert [row["number"] for row in done.json()["created"]] == [each["number"] for each in new]
