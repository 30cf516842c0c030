"""Imports that change people who are there: by number, by e-mail, beside others."""

import asyncio

import pytest
from places import Places

from holdfast.core.directory.models import ImportMode
from holdfast.core.directory.public import ImportPlan
from holdfast.core.directory.service.imports import import_people
from holdfast.core.directory.service.people_files import parse_people
from holdfast.kernel.errors import Forbidden
from holdfast.kernel.permissions import Actor

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org/people"


async def send(client, org, *lines, mode="upsert", key="number", **query):
    params = {"mode": mode, "key": key, **query}
    headers = {**org.admin.bearer, "Content-Type": "text/csv"}
    return await client.post(f"{URL}/imports", params=params, content="\n".join(lines).encode(), headers=headers)


def counts(answer):
    assert answer.status_code in (200, 201), answer.text
    report = answer.json()
    return report["created"], report["updated"], report["unchanged"]


def faults(answer):
    assert answer.status_code == 422, answer.text
    return [(each["location"], each["code"]) for each in answer.json()["errors"]]


async def people(client, org):
    answer = await client.get(f"{URL}?sort=number&page_size=200", headers=org.admin.bearer)
    return {row["number"]: row for row in answer.json()["data"]}


async def test_only_the_columns_of_the_file_change_and_an_empty_cell_empties(client, org, places):
    first = "number,given_name,family_name,email,phone,job_title,start_date,status"
    await send(
        client, org, first, "E-1,Ada,Smith,ada@x.test,1,Nurse,2024-01-01,left", "E-2,Bo,Kim,bo@x.test,2,,,active"
    )
    before = await people(client, org)
    answer = await send(
        client,
        org,
        "number,given_name,family_name,job_title,phone,manager_number",
        "e-1,Ada,Smythe,,1,E-3",
        "E-2,Bo,Kim,,2,",
        "E-3,Cy,Lee,Head,,",
    )
    assert answer.status_code == 201
    assert counts(answer) == (1, 1, 1)
    after = await people(client, org)
    assert after["E-2"] == before["E-2"]
    changed = {name for name, value in after["e-1"].items() if before["E-1"].get(name) != value}
    assert changed == {"number", "family_name", "job_title", "manager_id", "version", "updated_at"}
    assert (after["e-1"]["job_title"], after["e-1"]["email"], after["e-1"]["status"]) == (None, "ada@x.test", "left")
    assert after["e-1"]["manager_id"] == after["E-3"]["id"]
    entry = await places.newest("person", after["e-1"]["id"])
    assert (entry["action"], entry["detail"]) == ("directory.person.changed_by_import", {"line": 2})
    assert entry["before"].items() >= {"number": "E-1", "family_name": "Smith", "job_title": "Nurse"}.items()
    assert entry["after"].items() >= {"number": "e-1", "family_name": "Smythe", "job_title": None}.items()
    assert await places.actions("person", after["E-2"]["id"]) == ["imported"]
    again = await send(client, org, "number,job_title", "e-1,", "E-2,", mode="update")
    assert counts(again) == (0, 0, 2)


async def test_a_dry_run_tells_what_would_change_and_changes_nothing(client, org):
    await send(client, org, "number,given_name,family_name", "E-1,a,b", "E-2,a,b")
    before = await people(client, org)
    text = ("number,given_name,family_name", "E-1,x,b", "E-2,a,b", "E-3,c,d")
    dry = await send(client, org, *text, dry_run="true")
    assert (dry.status_code, counts(dry), dry.json()["id"]) == (200, (1, 1, 1), None)
    assert await people(client, org) == before


async def test_rows_that_fit_nobody_are_faults_and_nothing_is_changed(client, org, places):
    gone = await places.make("people", number="E-9", given_name="Gone", family_name="Away", email="gone@x.test")
    assert (await places.send("DELETE", f"people/{gone}")).status_code == 204
    await send(
        client,
        org,
        "number,given_name,family_name,email,start_date,end_date",
        "E-1,a,b,one@x.test,2024-01-01,2024-06-30",
        "E-2,a,b,same@x.test,,",
        "E-3,a,b,Same@x.test,,",
    )
    before = await people(client, org)
    heading = "number,given_name,family_name"
    assert faults(await send(client, org, heading, "E-1,x,y", "E-9,a,b")) == [("line 3, column number", "deleted")]
    refused = await send(client, org, heading, "E-9,a,b")
    assert "'E-9', Gone Away, is in the trash" in refused.json()["errors"][0]["message"]
    answer = await send(
        client, org, "number,phone,status,end_date", "E-1,1,,2023-01-01", "E-7,2,active,", mode="update"
    )
    assert faults(answer) == [
        ("line 2, column status", "missing"),
        ("line 2, column end_date", "invalid"),
        ("line 3, column number", "unknown_person"),
    ]
    answer = await send(
        client,
        org,
        "email,number",
        "one@x.test,E-2",
        "same@x.test,E-8",
        "gone@x.test,E-5",
        "no@x.test,E-6",
        mode="update",
        key="email",
    )
    assert faults(answer) == [
        ("line 2, column number", "taken"),
        ("line 3, column email", "ambiguous"),
        ("line 4, column email", "deleted"),
        ("line 5, column email", "unknown_person"),
    ]
    assert "E-2, E-3" in answer.json()["errors"][1]["message"]
    for mode, key, text, named in (
        ("update", "email", "number,phone\nE-1,1", "email"),
        ("upsert", "number", "number,phone\nE-1,1", "given_name"),
        ("upsert", "email", "number,given_name,family_name\nE-1,a,b", "email"),
    ):
        answer = await send(client, org, *text.split("\n"), mode=mode, key=key)
        assert faults(answer)[0] == (f"line 1, column {named}", "missing_column")
    assert await people(client, org) == before


async def test_by_e_mail_a_number_can_change(client, org):
    heading = "email,number,given_name,family_name"
    await send(client, org, heading, "Ada@x.test,E-1,Ada,Smith", "bo@x.test,E-2,Bo,Kim", key="email")
    answer = await send(
        client, org, heading, "ada@X.test,N-1,Ada,Smith", "bo@x.test,E-2,Bo,Kim", "cy@x.test,N-3,Cy,Lee", key="email"
    )
    assert counts(answer) == (1, 1, 1)
    assert sorted(await people(client, org)) == ["E-2", "N-1", "N-3"]
    twice = await send(client, org, heading, "ada@x.test,A,a,b", "ADA@x.test,B,a,b", key="email")
    assert faults(twice) == [("line 3, column email", "duplicate")]


async def test_companies_branches_and_departments_follow_as_in_a_patch(client, org, places: Places):
    north, south = [await places.make("companies", code=code) for code in ("N", "S")]
    branch = await places.make("branches", company_id=north)
    ward = await places.make("departments", code="W", branch_id=branch)
    desk = await places.make("departments", code="D", company_id=north)
    south_desk = await places.make("departments", code="D", company_id=south)
    heading = "number,given_name,family_name,company_code,department"
    await send(client, org, heading, "1,a,b,N,W", "2,a,b,,Somewhere", "3,a,b,S,")

    async def places_of(number):
        row = (await people(client, org))[number]
        return tuple(row[name] for name in ("company_id", "branch_id", "department_id", "department"))

    assert await places_of("1") == (north, branch, ward, None)
    assert await places_of("2") == (None, None, None, "Somewhere")
    assert counts(await send(client, org, "number,department", "1,d", "2,D", "3,D", mode="update")) == (0, 3, 0)
    assert await places_of("1") == (north, branch, desk, None)  # the branch fits
    assert await places_of("2") == (None, None, None, "D")  # two are called so
    assert await places_of("3") == (south, None, south_desk, None)
    refused = await send(client, org, "number,company_code", "1,S", "3,N", mode="update")
    assert faults(refused) == [(f"line {line}, column company_code", "misfit") for line in (2, 3)]
    moved = await send(client, org, "number,company_code,department", "1,S,D", "2,N,", "3,,", mode="update")
    assert counts(moved) == (0, 3, 0)
    assert await places_of("1") == (south, None, south_desk, None)
    assert await places_of("2") == (north, None, None, None)
    assert await places_of("3") == (None, None, None, None)
    out = await client.get(f"{URL}/exports", headers=org.admin.bearer)
    again = await client.post(
        f"{URL}/imports?mode=upsert", content=out.content, headers={**org.admin.bearer, "Content-Type": "text/csv"}
    )
    assert counts(again) == (0, 0, 3)


async def test_nobody_becomes_their_own_superior_through_people_outside_the_file(client, org):
    heading = "number,given_name,family_name,manager_number"
    await send(client, org, heading, "1,a,b,", "2,a,b,1", "3,a,b,2", "4,a,b,")
    circle = await send(client, org, "number,manager_number", "1,3", "4,3", mode="update")
    assert faults(circle) == [("line 2, column manager_number", "cycle")]
    new = await send(client, org, heading, "1,a,b,5", "5,a,b,3")
    assert sorted(faults(new)) == [(f"line {line}, column manager_number", "cycle") for line in (2, 3)]
    turned = await send(client, org, "number,manager_number", "1,3", "3,4", mode="update")
    assert counts(turned) == (0, 2, 0)
    unknown = await send(client, org, "number,manager_number", "1,nobody", mode="update")
    assert faults(unknown) == [("line 2, column manager_number", "unknown_manager")]


async def test_two_imports_at_once_wait_for_each_other(client, org):
    def lines(title):
        return ["number,given_name,family_name,job_title", *(f"E-{n:03},a,b,{title}" for n in range(120))]

    answers = await asyncio.gather(*(send(client, org, *lines(title)) for title in ("one", "two", "three")))
    assert sorted(counts(answer) for answer in answers) == [(0, 120, 0), (0, 120, 0), (120, 0, 0)]
    rows = (await people(client, org)).values()
    assert len(rows) == 120
    assert len({row["job_title"] for row in rows}) == 1
    assert {row["version"] for row in rows} == {3}


async def test_an_import_beside_other_changes_loses_none_of_them(client, org):
    heading = "number,given_name,family_name,job_title"
    await send(client, org, heading, *(f"E-{n:03},a,b,none" for n in range(60)))
    rows = list((await people(client, org)).values())[:12]
    patches = [
        client.patch(f"{URL}/{row['id']}", json={"phone": str(place)}, headers=org.admin.bearer)
        for place, row in enumerate(rows)
    ]
    text = (heading, *(f"E-{n:03},a,b,new" for n in range(60)))
    done, *patched = await asyncio.gather(send(client, org, *text), *patches)
    assert counts(done) == (0, 60, 0)
    assert {answer.status_code for answer in patched} == {200}
    after = await people(client, org)
    assert {row["job_title"] for row in after.values()} == {"new"}
    assert [after[row["number"]]["phone"] for row in rows] == [str(place) for place in range(12)]


async def test_changing_people_takes_the_right_to_change_them(org):
    def file(mode):
        content = b"number,given_name,family_name\nE-1,a,b\n"
        return parse_people(content, file_name="f", plan=ImportPlan(ImportMode(mode)))

    only = Actor("user", org.admin.id, permissions=frozenset({"directory.person.import"}))
    async with org.home.works.begin(org.id, only) as work:
        assert (await import_people(work, file("insert"))).created == 1
    for mode in ("upsert", "update"):
        with pytest.raises(Forbidden):
            async with org.home.works.begin(org.id, only) as work:
                await import_people(work, file(mode))
