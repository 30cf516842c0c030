"""Departments through the whole application: a tree that stays one, whoever moves what at once."""

import asyncio
from types import SimpleNamespace
from uuid import uuid4

import pytest
from places import place_of

from holdfast.core.directory.service.placing import fit
from holdfast.kernel.errors import Invalid

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org/departments"


async def test_who_may_and_what_the_trail_says(client, org, other, places):
    admin = org.admin.bearer
    body = {"code": "FIN", "name": "Finance", "company_id": await places.make("companies")}
    assert (await client.post(URL, json=body)).status_code == 401
    assert (await client.post(URL, json=body, headers=org.viewer.bearer)).status_code == 403
    made = await client.post(URL, json=body, headers=admin)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"'), made.text
    department, url = made.json(), made.headers["location"]
    assert (await client.get(url, headers=other.admin.bearer)).status_code == 404
    assert (await client.get(url, headers=org.viewer.bearer)).json() == department
    change = {"name": "Finance and tax"}
    for refused, caller in ((401, {}), (404, other.admin.bearer), (403, org.viewer.bearer)):
        assert (await client.patch(url, json=change, headers=caller)).status_code == refused
    changed = await client.patch(url, json=change, headers={**admin, "If-Match": '"1"'})
    assert (changed.status_code, changed.json()["version"]) == (200, 2), changed.text
    entry = await places.newest("department", department["id"])
    assert (entry["action"], entry["before"]["name"]) == ("directory.department.updated", "Finance")
    assert (await client.patch(url, json=change, headers={**admin, "If-Match": '"1"'})).status_code == 412
    for refused, caller in ((401, {}), (404, other.admin.bearer), (403, org.viewer.bearer)):
        assert (await client.delete(url, headers=caller)).status_code == refused
    assert (await client.delete(url, headers=admin)).status_code == 204
    for refused, caller in ((401, {}), (404, other.admin.bearer), (403, org.viewer.bearer)):
        assert (await client.post(f"{url}/restore", headers=caller)).status_code == refused
    assert (await client.post(f"{url}/restore", headers=admin)).status_code == 200
    assert await places.actions("department", department["id"]) == ["restored", "deleted", "updated", "created"]
    listed = await client.get(f"{URL}?q=tax&company_id={body['company_id']}", headers=org.viewer.bearer)
    assert [row["code"] for row in listed.json()["data"]] == ["FIN"]


async def test_company_and_branch_follow_from_what_is_named(places):
    company, second = await places.make("companies"), await places.make("companies")
    branch, far = await places.make("branches", company_id=company), await places.make("branches", company_id=second)
    by_branch = await places.make("departments", branch_id=branch)
    assert await places.place("departments", by_branch) == (company, branch)
    below = await places.make("departments", parent_id=by_branch)
    assert await places.place("departments", below) == (company, branch)
    top = await places.make("departments", company_id=company)
    assert await places.place("departments", top) == (company, None)
    out = await places.make("departments", parent_id=top, branch_id=branch)
    assert await places.place("departments", out) == (company, branch)
    for wrong, named in (
        ({}, "body.company_id"),
        ({"company_id": second, "parent_id": top}, "body.parent_id"),
        ({"company_id": second, "branch_id": branch}, "body.branch_id"),
        ({"branch_id": far, "parent_id": top}, "body.branch_id"),
        ({"branch_id": far, "parent_id": by_branch}, "body.branch_id"),
        ({"parent_id": str(uuid4())}, "body.parent_id"),
        ({"company_id": company, "head_person_id": str(uuid4())}, "body.head_person_id"),
    ):
        answer = await places.send("POST", "departments", code="X", name="X", **wrong)
        assert (answer.status_code, place_of(answer)) == (422, named), answer.text
    kept = await places.send("PATCH", f"departments/{below}", company_id=second)
    assert (kept.status_code, place_of(kept)) == (422, "body.company_id"), "its parent is of another company"


async def test_another_organisations_rows_are_unknown(places, other, client):
    theirs = await client.post("/api/v1/org/companies", json={"code": "T", "name": "T"}, headers=other.admin.bearer)
    answer = await places.send("POST", "departments", code="X", name="X", company_id=theirs.json()["id"])
    assert (answer.status_code, place_of(answer)) == (422, "body.company_id"), answer.text


async def test_a_code_is_unique_in_its_company_whatever_the_case(places):
    company, second = await places.make("companies"), await places.make("companies")
    await places.make("departments", code="Fin", company_id=company)
    twice = await places.send("POST", "departments", code="fIN", name="X", company_id=company)
    assert (twice.status_code, place_of(twice)) == (409, "body.code"), twice.text
    there = await places.make("departments", code="FIN", company_id=second)
    moved = await places.send("PATCH", f"departments/{there}", company_id=company)
    assert (moved.status_code, place_of(moved)) == (409, "body.code"), moved.text


async def test_a_move_takes_along_what_is_below_and_its_people(places):
    company, second = await places.make("companies"), await places.make("companies")
    branch, far = await places.make("branches", company_id=company), await places.make("branches", company_id=second)
    top = await places.make("departments", branch_id=branch)
    middle = await places.make("departments", parent_id=top)
    leaf = await places.make("departments", parent_id=middle)
    person = await places.make("people", department_id=leaf)
    gone = await places.make("departments", parent_id=leaf)
    assert (await places.send("DELETE", f"departments/{gone}")).status_code == 204
    target = await places.make("departments", company_id=second)
    moved = await places.send("PATCH", f"departments/{top}", parent_id=target)
    assert (moved.status_code, moved.json()["company_id"], moved.json()["branch_id"]) == (200, second, None), moved.text
    for kind, row in (("departments", middle), ("departments", leaf), ("people", person)):
        assert await places.place(kind, row) == (second, None)
    for entity, row in (("department", top), ("department", middle), ("department", leaf), ("person", person)):
        entry = await places.newest(entity, row)
        assert (entry["before"]["company_id"], entry["after"]["company_id"]) == (company, second), entity
    assert (await places.send("POST", f"departments/{gone}/restore")).json()["company_id"] == second
    into = await places.send("PATCH", f"departments/{target}", branch_id=far)
    assert into.status_code == 200, into.text
    for kind, row in (("departments", top), ("departments", leaf), ("people", person)):
        assert await places.place(kind, row) == (second, far)
    put = await places.send("PUT", f"departments/{middle}", code="M", name="Middle", company_id=company)
    assert (put.status_code, put.json()["parent_id"]) == (200, None), put.text
    assert await places.place("departments", leaf) == (company, None)
    assert await places.place("departments", top) == (second, far)


async def test_a_department_cannot_be_below_itself(places):
    company = await places.make("companies")
    top = await places.make("departments", company_id=company)
    middle = await places.make("departments", parent_id=top)
    leaf = await places.make("departments", parent_id=middle)
    for below in (top, middle, leaf):
        answer = await places.send("PATCH", f"departments/{top}", parent_id=below)
        assert (answer.status_code, answer.json()["code"]) == (409, "DEPARTMENT_CYCLE"), answer.text
        assert place_of(answer) == "body.parent_id"
    assert (await places.send("PATCH", f"departments/{leaf}", parent_id=top)).status_code == 200


async def test_of_two_moves_that_would_make_a_circle_exactly_one_wins(places):
    company = await places.make("companies")
    for _ in range(5):
        one, two = [await places.make("departments", company_id=company) for _ in range(2)]
        below_one = await places.make("departments", parent_id=one)
        below_two = await places.make("departments", parent_id=two)
        answers = await asyncio.gather(
            places.send("PATCH", f"departments/{one}", parent_id=below_two),
            places.send("PATCH", f"departments/{two}", parent_id=below_one),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
        lost = next(answer for answer in answers if answer.status_code == 409)
        assert lost.json()["code"] == "DEPARTMENT_CYCLE"


async def test_nothing_comes_below_what_goes_at_the_same_moment(places):
    company = await places.make("companies")
    for _ in range(5):
        top = await places.make("departments", company_id=company)
        gone, made = await asyncio.gather(
            places.send("DELETE", f"departments/{top}"),
            places.send("POST", "departments", code=f"N-{top[-8:]}", name="New", parent_id=top),
        )
        assert (gone.status_code, made.status_code) in ((204, 422), (409, 201)), (gone.text, made.text)


A, B = uuid4(), uuid4()
OF_A = SimpleNamespace(id=uuid4(), company_id=A)
OF_B = SimpleNamespace(id=uuid4(), company_id=B)
TOP_OF_A = SimpleNamespace(company_id=A, branch_id=None)
IN_BRANCH = SimpleNamespace(company_id=A, branch_id=OF_A.id)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("company", "branch", "upper", "said", "expected"),
    [
        (None, None, None, {}, (None, None)),
        (A, None, None, {"company_id"}, (A, None)),
        (None, OF_A, None, {"branch_id"}, (A, OF_A.id)),
        (A, OF_B, None, {"branch_id"}, (B, OF_B.id)),  # the company is the former one
        (B, OF_A, None, {"company_id"}, (B, None)),  # the branch is the former one
        (None, OF_A, None, set(), (A, OF_A.id)),
        (None, None, IN_BRANCH, {"parent_id"}, (A, OF_A.id)),
        (B, OF_B, IN_BRANCH, {"parent_id"}, (A, OF_A.id)),
        (B, OF_B, TOP_OF_A, {"parent_id"}, (A, None)),
        (A, OF_A, TOP_OF_A, {"parent_id"}, (A, OF_A.id)),
        (B, None, TOP_OF_A, {"parent_id", "company_id"}, "body.parent_id"),
        (B, None, TOP_OF_A, {"company_id"}, "body.company_id"),
        (A, OF_B, TOP_OF_A, {"branch_id"}, "body.branch_id"),
        (A, OF_B, IN_BRANCH, {"branch_id"}, "body.branch_id"),
        (A, OF_B, None, {"company_id", "branch_id"}, "body.branch_id"),
    ],
)
def test_what_fits_together(company, branch, upper, said, expected):
    if isinstance(expected, str):
        with pytest.raises(Invalid) as refused:
            fit(company, branch, upper, said=said, above="parent_id")
        assert refused.value.errors[0].location == expected
    else:
        assert fit(company, branch, upper, said=said, above="parent_id") == expected
