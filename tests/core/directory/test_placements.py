"""Where a person has worked from when to when: written with every change, whoever makes it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import select

from holdfast.core.directory.facts import PersonCreated, PersonUpdated
from holdfast.core.directory.models import PLACED, Person, Placement
from holdfast.kernel.db import NOBODY

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]


async def placements(org):
    async with org.work(write=False) as work:
        rows = (await work.session.scalars(select(Placement).order_by(Placement.person_id, Placement.valid_from))).all()
        people = {person.id: person for person in (await work.session.scalars(select(Person))).all()}
    return rows, people


async def sound(org):
    """Check what holds of every history and return the placements of each person."""
    rows, people = await placements(org)
    found = {person_id: [row for row in rows if row.person_id == person_id] for person_id in people}
    for person_id, person in people.items():
        own = found[person_id]
        for before, after in pairwise(own):
            assert before.valid_from <= before.valid_to <= after.valid_from
        open_ones = [row for row in own if row.valid_to is None]
        assert [row.open_key for row in open_ones] == [NOBODY] * len(open_ones)
        assert len(open_ones) == (person.deleted_key == NOBODY), person.number
        for row in open_ones:
            assert [getattr(row, name) for name in PLACED] == [getattr(person, name) for name in PLACED]
    return found


async def listed(places, person_id):
    answer = await places.send("GET", f"people/{person_id}/placements")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_person_who_moves_leaves_a_history(places, org, other, client):
    company = await places.make("companies")
    department = await places.make("departments", company_id=company)
    person = await places.make("people", job_title="Trainee", start_date="2024-02-29")
    await places.send("PATCH", f"people/{person}", phone="1")  # moves nobody
    await places.send("PATCH", f"people/{person}", department_id=department)
    await places.send("PATCH", f"people/{person}", job_title="Engineer")
    boss = await places.make("people")
    await places.send("PATCH", f"people/{person}", manager_id=boss)
    rows = await listed(places, person)
    assert [(row["department_id"], row["job_title"], row["manager_id"]) for row in rows] == [
        (department, "Engineer", boss),
        (department, "Engineer", None),
        (department, "Trainee", None),
        (None, "Trainee", None),
    ]
    assert rows[0]["company_id"] == company
    assert rows[0]["valid_to"] is None
    assert [row["valid_to"] for row in rows[1:]] == [row["valid_from"] for row in rows[:-1]]
    assert datetime.fromisoformat(rows[-1]["valid_from"]) == datetime(2024, 2, 29, tzinfo=UTC)
    page = (await places.send("GET", f"people/{person}/placements?page_size=3")).json()
    assert (len(page["data"]), page["meta"]["total"]) == (3, 4)
    url = f"/api/v1/org/people/{person}/placements"
    assert (await client.get(url)).status_code == 401
    assert (await client.get(url, headers=other.admin.bearer)).status_code == 404
    assert (await client.get(f"{url}?person_id={person}", headers=org.admin.bearer)).status_code == 422
    await sound(org)


async def test_the_first_day_of_a_person_who_is_yet_to_come_is_no_beginning(places, org):
    begun = datetime.now(UTC) - timedelta(seconds=5)
    person = await places.make("people", start_date="2999-01-01")
    (row,) = await listed(places, person)
    assert datetime.fromisoformat(row["valid_from"]) >= begun
    assert datetime.fromisoformat(row["valid_from"]).year < 2999


async def test_those_who_are_taken_along_go_and_come_back_have_a_history(places, org):
    company, elsewhere = await places.make("companies"), await places.make("companies")
    top = await places.make("departments", company_id=company)
    leaf = await places.make("departments", parent_id=top)
    person = await places.make("people", department_id=leaf)
    await sound(org)
    moved = await places.send("PATCH", f"departments/{top}", company_id=elsewhere, branch_id=None)
    assert moved.status_code == 200, moved.text
    assert [row["company_id"] for row in await listed(places, person)] == [elsewhere, company]
    assert (await places.send("DELETE", f"companies/{elsewhere}?cascade=true")).status_code == 204
    found = await sound(org)
    assert [row.valid_to is None for row in found[UUID(person)]] == [False, False]
    assert (await places.send("POST", f"companies/{elsewhere}/restore")).status_code == 200
    rows = await listed(places, person)
    assert [row["company_id"] for row in rows] == [elsewhere, elsewhere, company]
    assert rows[0]["valid_from"] > rows[1]["valid_to"]
    await sound(org)


async def test_imported_people_are_placed(places, org, client):
    await places.make("companies", code="N-1")
    await places.make("departments", code="WARD", company_id=await places.make("companies", code="N-2"))
    lines = ["number,given_name,family_name,company_code,department,job_title,manager_number,start_date"]
    lines += [
        f"{n},A,B,{'N-1' if n % 2 else ''},{'' if n % 2 else 'Ward'},T{n},{max(n - 1, 0)},2020-01-31"
        for n in range(250)
    ]
    lines[1] = "0,A,B,N-1,,T0,,"
    content = "\n".join(lines).encode()
    headers = {**org.admin.bearer, "Content-Type": "text/csv"}
    answer = await client.post("/api/v1/org/people/imports", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    found = await sound(org)
    assert [len(rows) for rows in found.values()] == [1] * 250


async def test_two_moves_in_one_moment_leave_one_placement_and_a_clock_that_goes_back_no_overlap(places, org):
    person_id = UUID(await places.make("people", job_title="First"))
    moment = datetime(2999, 1, 1, tzinfo=UTC)
    for title, at in (
        ("Second", moment),
        ("Third", moment),
        ("Fourth", moment - timedelta(days=1)),
        ("Fifth", moment + timedelta(days=1)),
    ):
        async with org.work() as work:
            work.claim(at)
            person = await work.session.get(Person, (org.id, person_id))
            person.job_title = title
            work.record(PersonUpdated(entity=person))
            await work.flush()
            person.phone = title
    rows = (await sound(org))[person_id]
    assert [(row.job_title, row.valid_to) for row in rows] == [
        ("First", moment),
        ("Fourth", moment + timedelta(days=1)),
        ("Fifth", None),
    ]
    assert rows[1].valid_from == moment


async def test_a_person_who_is_deleted_in_the_moment_of_a_move_is_nowhere(places, org):
    async with org.work() as work:
        names = {"given_name": "Ann", "family_name": "Other"}
        person = Person(id=work.new_id(), number="X", job_title=None, deleted_at=None, **names)
        work.session.add(person)
        await work.flush()
        person.job_title = "Moved"
        await work.flush()
        person.deleted_at, person.deleted_key = work.now(), person.id
        work.record(PersonCreated(entity=person))
    (row,) = (await sound(org))[person.id]
    assert (row.job_title, row.valid_to) == ("Moved", row.valid_from)
