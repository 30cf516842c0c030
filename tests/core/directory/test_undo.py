"""Undoing an import: everything as before, or nothing and why."""

import asyncio
from uuid import UUID

import pytest
from places import Places

from holdfast.core.directory import queries
from holdfast.core.directory.models import ImportChange
from holdfast.core.directory.service import undoing
from holdfast.kernel.errors import Forbidden
from holdfast.kernel.permissions import Actor

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org/people"
HEADING = "number,given_name,family_name"
BOOKKEEPING = {"version", "updated_at", "updated_by"}


async def send(client, org, *lines, mode="upsert", key="number"):
    headers = {**org.admin.bearer, "Content-Type": "text/csv"}
    params = {"mode": mode, "key": key}
    answer = await client.post(f"{URL}/imports", params=params, content="\n".join(lines).encode(), headers=headers)
    assert answer.status_code == 201, answer.text
    return f"{URL}/imports/{answer.json()['id']}"


async def undo(client, org, run, who="admin", **headers):
    return await client.post(f"{run}/undo", headers={**getattr(org, who).bearer, **headers})


async def people(client, org, query=""):
    answer = await client.get(f"{URL}?sort=number&page_size=200{query}", headers=org.admin.bearer)
    return {
        row["number"]: {name: row[name] for name in row.keys() - BOOKKEEPING} | {"_id": row["id"]}
        for row in answer.json()["data"]
    }


async def test_an_undone_import_leaves_everybody_as_before(client, org, other, places: Places):
    north, south = [await places.make("companies", code=code) for code in ("N", "S")]
    branch = await places.make("branches", company_id=north)
    await places.make("departments", code="W", branch_id=branch)
    await places.make("departments", code="D", company_id=south)
    full = f"{HEADING},email,phone,job_title,department,company_code,manager_number,start_date,end_date,status"
    await send(
        client,
        org,
        full,
        "E-1,Ada,Smith,ada@x.test,1,Nurse,W,N,,2024-01-01,2025-01-01,left",
        "E-2,Bo,Kim,bo@x.test,,,Elsewhere,,E-1,,,active",
        "E-3,Cy,Lee,cy@x.test,,,,,,,,active",
    )
    before = await people(client, org)
    run = await send(
        client,
        org,
        full,
        "N-1,Adah,Smythe,ada@x.test,,,D,S,E-9,,,active",
        "E-2,Bo,Kim,bo@x.test,2,Doc,,N,E-3,2020-02-02,,left",
        "E-3,Cy,Lee,cy@x.test,,,,,,,,active",
        "E-9,New,One,new@x.test,,,,,,,,active",
        "E-8,New,Two,two@x.test,,,,,E-9,,,active",
        key="email",
    )
    shown = await client.get(run, headers=org.admin.bearer)
    assert (
        shown.json().items()
        >= {
            "file_name": "people.csv",
            "mode": "upsert",
            "match_by": "email",
            "row_count": 5,
            "created_count": 2,
            "updated_count": 2,
            "unchanged_count": 1,
            "undone_at": None,
            "undone_by": None,
            "created_by": str(org.admin.id),
        }.items()
    )
    changed = await people(client, org)
    assert changed.keys() == {"N-1", "E-2", "E-3", "E-9", "E-8"}
    for who, status in (("viewer", 403), ("operator", 403), ("auditor", 403)):
        assert (await undo(client, org, run, who)).status_code == status
        assert (await client.get(run, headers=getattr(org, who).bearer)).status_code == 403
    assert (await client.post(f"{run}/undo")).status_code == 401
    assert (await undo(client, other, run)).status_code == 404
    assert (await client.get(run, headers=other.admin.bearer)).status_code == 404
    done = await undo(client, org, run)
    assert done.status_code == 200, done.text
    assert done.json()["undone_by"] == str(org.admin.id)
    assert done.headers["etag"] == '"2"'
    assert await people(client, org) == before
    assert (await people(client, org, "&deleted=true")).keys() == {"E-8", "E-9"}
    entry = await places.newest("person", before["E-1"]["id"])
    assert (entry["action"], entry["reason"]) == ("directory.person.updated", "Undo of the import of people.csv")
    assert entry["after"].items() >= {"number": "E-1", "job_title": "Nurse", "branch_id": branch}.items()
    assert await places.actions("person", changed["E-9"]["id"]) == ["deleted", "imported"]
    assert await places.actions("import_run", run.rpartition("/")[2]) == ["import_undone", "imported"]
    again = await undo(client, org, run)
    assert (again.status_code, again.json()["code"]) == (409, "IMPORT_UNDONE")
    redone = await send(client, org, f"{HEADING},email", "E-9,New,One,new@x.test", mode="insert")
    assert (await undo(client, org, redone)).status_code == 200


async def test_whoever_was_changed_since_stands_in_the_way_and_is_named(client, org):
    await send(client, org, HEADING, "E-1,a,b", "E-2,a,b", "E-3,a,b")
    run = await send(client, org, f"{HEADING},phone", "E-1,a,b,1", "E-2,a,b,2", "E-3,a,b,", "E-4,a,b,", "E-5,a,b,")
    rows = await people(client, org)
    await client.patch(f"{URL}/{rows['E-2']['id']}", json={"phone": "3"}, headers=org.admin.bearer)
    await client.patch(f"{URL}/{rows['E-3']['id']}", json={"phone": "3"}, headers=org.admin.bearer)  # not of the import
    await client.delete(f"{URL}/{rows['E-5']['id']}", headers=org.admin.bearer)
    before = await people(client, org)
    refused = await undo(client, org, run)
    assert (refused.status_code, refused.json()["code"]) == (409, "CHANGED_SINCE_IMPORT")
    assert refused.json()["detail"] == "2 people changed after the import."
    assert [each["location"] for each in refused.json()["errors"]] == ["person.E-2", "person.E-5"]
    assert await people(client, org) == before


async def test_added_people_who_lead_others_stay_and_are_counted(client, org, places: Places):
    run = await send(client, org, f"{HEADING},manager_number", "E-1,a,b,", "E-2,a,b,E-1")
    rows = await people(client, org)
    company = await places.make("companies")
    led = await places.make("people", manager_id=rows["E-1"]["id"])
    await places.make("departments", company_id=company, head_person_id=rows["E-2"]["id"])
    refused = await undo(client, org, run)
    assert (refused.status_code, refused.json()["code"]) == (409, "PERSON_IN_USE")
    assert [(each["location"], each["message"]) for each in refused.json()["errors"]] == [
        ("people", "1"),
        ("departments", "1"),
    ]
    assert (await people(client, org)).keys() >= {"E-1", "E-2"}
    await places.send("PATCH", f"people/{led}", manager_id=None)
    refused = await undo(client, org, run)
    assert [each["location"] for each in refused.json()["errors"]] == ["departments"]


async def test_what_the_former_values_name_must_still_be_as_it_was(client, org, places: Places):
    north, south = [await places.make("companies", code=code) for code in ("N", "S")]
    desk = await places.make("departments", code="D", company_id=north)
    heading = f"{HEADING},company_code,department,manager_number"
    await send(client, org, heading, "E-0,a,b,,,", "E-1,a,b,N,D,E-0", "E-2,a,b,,,")
    run = await send(client, org, "number,company_code,department", "E-1,,", mode="update")
    await places.send("PATCH", f"departments/{desk}", company_id=south)
    refused = await undo(client, org, run)
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (409, "person.E-1"), refused.text
    await places.send("DELETE", f"departments/{desk}")
    refused = await undo(client, org, run)
    assert (refused.status_code, refused.json()["code"]) == (409, "STILL_DELETED")
    # A superior whom the person leads by now.
    run = await send(client, org, "number,manager_number", "E-1,", mode="update")
    rows = await people(client, org)
    await places.send("PATCH", f"people/{rows['E-0']['id']}", manager_id=rows["E-2"]["id"])
    await places.send("PATCH", f"people/{rows['E-2']['id']}", manager_id=rows["E-1"]["id"])
    refused = await undo(client, org, run)
    assert (refused.status_code, refused.json()["code"]) == (409, "CHANGED_SINCE_IMPORT"), refused.text
    # A number that another person has by now.
    await send(client, org, f"{HEADING},email", "E-7,a,b,seven@x.test")
    run = await send(client, org, "email,number", "seven@x.test,N-7", mode="update", key="email")
    await places.make("people", number="e-7")
    refused = await undo(client, org, run)
    assert (refused.status_code, refused.json()["code"]) == (409, "CODE_TAKEN"), refused.text


async def test_of_two_undos_at_once_one_happens(client, org):
    run = await send(client, org, HEADING, *(f"E-{n},a,b" for n in range(30)))
    answers = await asyncio.gather(*(undo(client, org, run) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert await people(client, org) == {}
    assert len(await people(client, org, "&deleted=true")) == 30


async def test_the_list_of_imports(client, org, other):
    first = await send(client, org, HEADING, "E-1,a,b")
    second = await send(client, org, HEADING, "E-2,a,b")
    assert (await undo(client, org, first, **{"If-Match": '"7"'})).status_code == 412
    assert (await undo(client, org, first, **{"If-Match": '"1"'})).status_code == 200

    async def listed(query="", who=org):
        answer = await client.get(f"{URL}/imports{query}", headers=who.admin.bearer)
        return [row["id"] for row in answer.json()["data"]]

    ids = [each.rpartition("/")[2] for each in (second, first)]
    assert await listed() == ids
    assert await listed("?sort=created_at") == ids[::-1]
    assert await listed("?undone=true") == ids[1:]
    assert await listed("?undone=false") == ids[:1]
    assert await listed(who=other) == []
    for who, status in ((org.viewer, 403), (org.auditor, 403)):
        assert (await client.get(f"{URL}/imports", headers=who.bearer)).status_code == status


async def test_undoing_takes_the_rights_to_do_what_it_does(client, org):
    added = await send(client, org, HEADING, "E-1,a,b")
    changed = await send(client, org, f"{HEADING},phone", "E-1,a,b,1")
    for run, needed in ((changed, "directory.person.update"), (added, "directory.person.delete")):
        run_id = run.rpartition("/")[2]
        for rights in ({"directory.person.import"}, {"directory.person.import", needed}):
            actor = Actor("user", org.admin.id, permissions=frozenset(rights))
            if len(rights) == 1:
                with pytest.raises(Forbidden, match=needed):
                    async with org.home.works.begin(org.id, actor) as work:
                        await undoing.undo_import(work, import_id=UUID(run_id))
            elif run is changed:
                async with org.home.works.begin(org.id, actor) as work:
                    assert (await undoing.undo_import(work, import_id=UUID(run_id))).undone_at is not None


async def test_the_memory_of_an_import_is_there_for_each_person_it_touched(client, org):
    await send(client, org, f"{HEADING},phone", "E-1,a,b,1", "E-2,a,b,2")
    run = await send(client, org, f"{HEADING},phone", "E-1,a,b,5", "E-2,a,b,2", "E-3,a,b,")
    async with org.work(write=False) as work:
        made, added = [
            await queries.list_changes(
                work,
                change_ids=await queries.list_change_ids(work, import_id=UUID(run.rpartition("/")[2]), kind=kind),
            )
            for kind in ("updated", "created")
        ]
    assert [(each.person_version, each.prior) for each in made] == [(2, {"phone": "1"})]
    assert [(type(each), each.person_version, each.prior) for each in added] == [(ImportChange, 1, None)]


async def test_one_import_after_the_other_can_be_undone(client, org):
    first = await send(client, org, f"{HEADING},phone", "E-1,a,b,1", "E-2,a,b,1")
    second = await send(client, org, f"{HEADING},phone", "E-1,a,b,2", "E-2,a,b,1")
    third = await send(client, org, f"{HEADING},phone", "E-1,a,b,3", "E-2,a,b,3")
    assert (await undo(client, org, second)).status_code == 409
    assert (await undo(client, org, third)).status_code == 200
    assert (await undo(client, org, second)).status_code == 200
    assert [row["phone"] for row in (await people(client, org)).values()] == ["1", "1"]
    rows = await people(client, org)
    await client.patch(f"{URL}/{rows['E-1']['id']}", json={"phone": "9"}, headers=org.admin.bearer)
    refused = await undo(client, org, first)
    assert [each["location"] for each in refused.json()["errors"]] == ["person.E-1"]
    await client.patch(f"{URL}/{rows['E-1']['id']}", json={"phone": "1"}, headers=org.admin.bearer)
    assert (await undo(client, org, first)).status_code == 409  # changed is changed


async def test_an_undone_addition_ends_memberships_and_places_and_a_restore_brings_them_back(
    client, org, places: Places
):
    company = await places.make("companies", code="N")
    run = await send(client, org, f"{HEADING},company_code", "E-1,a,b,N")
    person = (await people(client, org))["E-1"]["id"]
    group = await places.make("groups")
    assert (await places.send("POST", f"groups/{group}/members", person_ids=[person])).json() == {"added": 1}
    assert (await undo(client, org, run)).status_code == 200
    members = (await places.send("GET", f"groups/{group}/members")).json()["data"]
    assert members == []
    assert (await places.send("POST", f"people/{person}/restore")).status_code == 200
    [member] = (await places.send("GET", f"groups/{group}/members")).json()["data"]
    assert member["person_id"] == person
    rows = (await places.send("GET", f"people/{person}/placements")).json()["data"]
    assert [(row["company_id"], row["valid_to"] is None) for row in rows] == [(company, True), (company, False)]
