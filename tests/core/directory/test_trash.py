"""What is deleted with all that it holds, and comes back as it went."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import func, select

from holdfast.core.directory.models import Branch, Company, Department, Person
from holdfast.core.directory.service.companies import delete_company, restore_company
from holdfast.kernel.db import NOBODY
from holdfast.kernel.errors import Forbidden
from holdfast.kernel.permissions import Actor

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
KINDS = {"company": "companies", "branch": "branches", "department": "departments", "person": "people"}


async def built(places):
    """Make a company with a branch, two departments one below the other, and people in all of them."""
    company = await places.make("companies")
    branch = await places.make("branches", company_id=company)
    top = await places.make("departments", branch_id=branch)
    leaf = await places.make("departments", parent_id=top)
    boss = await places.make("people", company_id=company)
    inside = await places.make("people", department_id=leaf, manager_id=boss)
    assert (await places.send("PATCH", f"departments/{top}", head_person_id=inside)).status_code == 200
    return {"company": [company], "branch": [branch], "department": [top, leaf], "person": [boss, inside]}


async def living(org):
    async with org.work(write=False) as work:
        return {
            model.__tablename__: await work.session.scalar(
                select(func.count()).select_from(model).where(model.deleted_key == NOBODY)
            )
            for model in (Company, Branch, Department, Person)
        }


@pytest.mark.parametrize(
    ("kind", "counts", "detail"),
    [
        (
            "company",
            {"branches": "1", "departments": "2", "people": "2"},
            "1 branch, 2 departments and 2 people belong to the company.",
        ),
        ("branch", {"departments": "2", "people": "1"}, "2 departments and 1 person belong to the branch."),
        ("department", {"departments": "1", "people": "1"}, "1 department and 1 person belong to the department."),
    ],
)
async def test_what_holds_something_is_not_deleted_by_itself(kind, counts, detail, places, org):
    rows = await built(places)
    before = await living(org)
    for query in ("", "?cascade=false"):
        refused = await places.send("DELETE", f"{KINDS[kind]}/{rows[kind][0]}{query}")
        assert (refused.status_code, refused.json()["code"]) == (409, f"{kind.upper()}_IN_USE"), refused.text
        assert refused.json()["detail"] == detail
        assert {each["location"]: each["message"] for each in refused.json()["errors"]} == counts
    wrong = await places.send("DELETE", f"{KINDS[kind]}/{rows[kind][0]}?cascade=perhaps")
    assert wrong.status_code == 422
    assert await living(org) == before


async def test_a_cascade_takes_all_and_its_restore_brings_back_just_that(places, org):
    rows = await built(places)
    [company] = rows["company"]
    early = await places.make("departments", company_id=company)
    assert (await places.send("DELETE", f"departments/{early}")).status_code == 204
    there = {kind: [await places.read(KINDS[kind], each) for each in ids] for kind, ids in rows.items()}
    gone = await places.send("DELETE", f"companies/{company}?cascade=true")
    assert gone.status_code == 204, gone.text
    assert await living(org) == {"company": 0, "branch": 0, "department": 0, "person": 0}
    for kind, ids in rows.items():
        for each in ids:
            entry = await places.newest(kind, each)
            assert entry["action"] == f"directory.{kind}.deleted"
            assert entry["after"].get("deleted_with") == (None if each == company else company)
    alone = await places.send("POST", f"departments/{rows['department'][1]}/restore")
    assert (alone.status_code, alone.json()["code"]) == (409, "STILL_DELETED"), alone.text
    named = {each["location"].partition(".")[0] for each in alone.json()["errors"]}
    assert named == {"company", "branch", "department"}
    back = await places.send("POST", f"companies/{company}/restore")
    assert back.status_code == 200, back.text
    for kind, ids in rows.items():
        for each, was in zip(ids, there[kind], strict=True):
            now = await places.read(KINDS[kind], each)
            changing = ("version", "updated_at")
            assert {k: v for k, v in now.items() if k not in changing} == {
                k: v for k, v in was.items() if k not in changing
            }
            assert (await places.actions(kind, each))[:2] == ["restored", "deleted"]
    assert (await places.send("GET", f"departments/{early}")).status_code == 404
    assert (await places.send("POST", f"departments/{early}/restore")).status_code == 200


async def test_what_was_deleted_before_stays_deleted_when_a_department_comes_back(places, org):
    rows = await built(places)
    [company], (top, leaf) = rows["company"], rows["department"]
    before = await living(org)
    led = await places.send("DELETE", f"departments/{leaf}?cascade=true")
    assert (led.status_code, led.json()["code"]) == (409, "DEPARTMENT_IN_USE"), "the head of what stays is in it"
    assert await living(org) == before
    assert (await places.send("PATCH", f"departments/{top}", head_person_id=None)).status_code == 200
    assert (await places.send("DELETE", f"departments/{leaf}?cascade=true")).status_code == 204
    assert (await places.send("DELETE", f"departments/{top}")).status_code == 204
    early = await places.send("POST", f"departments/{leaf}/restore")
    assert (early.status_code, early.json()["code"]) == (409, "STILL_DELETED"), "its parent is in the trash"
    assert (await places.send("POST", f"departments/{top}/restore")).status_code == 200
    assert await living(org) == {**before, "department": 1, "person": 1}
    assert (await places.send("DELETE", f"companies/{company}?cascade=true")).status_code == 204
    assert (await places.send("POST", f"companies/{company}/restore")).status_code == 200
    assert (await places.send("GET", f"departments/{leaf}")).status_code == 404
    assert (await places.send("POST", f"departments/{leaf}/restore")).status_code == 200
    assert await living(org) == before


async def test_a_restore_names_what_was_taken_and_restores_nothing(places, org):
    rows = await built(places)
    [branch], [company] = rows["branch"], rows["company"]
    person = await places.read("people", rows["person"][1])
    top = await places.read("departments", rows["department"][0])
    assert (await places.send("DELETE", f"branches/{branch}?cascade=true")).status_code == 204
    before = await living(org)
    await places.make("people", number=person["number"].lower())
    await places.make("departments", code=top["code"].lower(), company_id=company)
    taken = await places.send("POST", f"branches/{branch}/restore")
    assert (taken.status_code, taken.json()["code"]) == (409, "CODE_TAKEN"), taken.text
    assert {each["location"] for each in taken.json()["errors"]} == {
        f"department.{top['code']}",
        f"person.{person['number']}",
    }
    after = await living(org)
    assert after == {**before, "person": before["person"] + 1, "department": before["department"] + 1}


async def test_people_who_lead_others_elsewhere_do_not_go(places, org):
    rows = await built(places)
    boss = rows["person"][0]
    outside = await places.make("companies")
    led = await places.make("people", company_id=outside, manager_id=boss)
    headed = await places.make("departments", company_id=outside, head_person_id=boss)
    before = await living(org)
    refused = await places.send("DELETE", f"companies/{rows['company'][0]}?cascade=true")
    assert (refused.status_code, refused.json()["code"]) == (409, "COMPANY_IN_USE"), refused.text
    assert refused.json()["detail"] == "1 person and 1 department are led by people of the company."
    alone = await places.send("DELETE", f"people/{boss}")
    assert (alone.status_code, alone.json()["code"]) == (409, "PERSON_IN_USE"), alone.text
    assert alone.json()["detail"] == "2 people and 1 department are led by the person."
    assert await living(org) == before
    assert (await places.send("PATCH", f"people/{led}", manager_id=None)).status_code == 200
    assert (await places.send("PATCH", f"departments/{headed}", head_person_id=None)).status_code == 200
    assert (await places.send("DELETE", f"companies/{rows['company'][0]}?cascade=true")).status_code == 204


async def test_a_cascade_needs_the_right_to_delete_each_kind(places, org):
    rows = await built(places)
    company_id = UUID(rows["company"][0])
    before = await living(org)
    rights = frozenset({"directory.company.delete", "directory.company.restore", "directory.branch.delete"})
    actor = Actor("user", org.admin.id, org.admin.session_id, permissions=rights)

    async def act(verb):
        async with org.home.works.begin(org.id, actor) as work:
            await verb(work)

    with pytest.raises(Forbidden, match=r"directory\.department\.delete"):
        await act(lambda work: delete_company(work, company_id=company_id, cascade=True))
    assert await living(org) == before
    assert (await places.send("DELETE", f"companies/{company_id}?cascade=true")).status_code == 204
    with pytest.raises(Forbidden, match=r"directory\.branch\.restore"):
        await act(lambda work: restore_company(work, company_id=company_id))


async def test_nobody_is_placed_where_something_goes_at_the_same_moment(places):
    for _ in range(5):
        company = await places.make("companies")
        gone, made = await asyncio.gather(
            places.send("DELETE", f"companies/{company}"),
            places.send(
                "POST", "people", number=f"N-{company[-8:]}", given_name="A", family_name="B", company_id=company
            ),
        )
        assert (gone.status_code, made.status_code) in ((204, 422), (409, 201)), (gone.text, made.text)
