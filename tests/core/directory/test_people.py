"""People through the whole application: list, read, import, export."""

import asyncio
from itertools import cycle
from uuid import uuid4

import pytest
from places import place_of

from holdfast.core.directory.facts import PersonImported
from holdfast.core.directory.models import Person
from holdfast.kernel.schemas import harmless

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org/people"
CSV = {"Content-Type": "text/csv"}


async def take(client, org, text, *, query="", **headers):
    content = text if isinstance(text, bytes) else text.encode()
    return await client.post(f"{URL}/imports{query}", content=content, headers={**org.admin.bearer, **CSV, **headers})


async def test_import_list_read_export(client, org, other):
    made = await client.post("/api/v1/org/companies", json={"code": "N-1", "name": "North"}, headers=org.admin.bearer)
    assert made.status_code == 201
    text = (
        "Number;Given Name;FAMILY_NAME;email;phone;company code;manager_number;start_date;status\n"
        "e-2;Łucja;Nowak;lucja@x.test;+44 20 7946 0001;n-1;E-1;2024-02-29;active\n"
        "E-1;Ada;=cmd|' /C calc'!A0;ada@x.test;;N-1;;2020-01-01;left\n"
    )
    answer = await take(client, org, text)
    assert answer.status_code == 201, answer.text
    did = {"rows": 2, "created": 2, "updated": 0, "unchanged": 0, "error_count": 0, "errors": []}
    assert answer.json() == {**did, "dry_run": False, "id": answer.json()["id"]}
    assert answer.headers["location"] == f"{URL}/imports/{answer.json()['id']}"
    listed = (await client.get(f"{URL}?sort=number", headers=org.viewer.bearer)).json()["data"]
    assert [row["number"] for row in listed] == ["E-1", "e-2"]
    assert listed[1]["manager_id"] == listed[0]["id"]
    assert listed[1]["company_id"] == made.json()["id"]
    one = await client.get(f"{URL}/{listed[1]['id']}", headers=org.viewer.bearer)
    assert one.json()["given_name"] == "Łucja"
    assert (await client.get(f"{URL}/{listed[1]['id']}", headers=other.admin.bearer)).status_code == 404
    exported = await client.get(f"{URL}/exports", headers=org.auditor.bearer)
    assert exported.status_code == 200, exported.text
    assert exported.content.startswith(b'\xef\xbb\xbf"number","given_name","family_name",')
    lines = exported.content.decode("utf-8-sig").splitlines()
    assert lines[1].replace('"', "") == "E-1,Ada,'=cmd|' /C calc'!A0,ada@x.test,,,,N-1,,2020-01-01,,left"
    assert lines[2].replace('"', "") == "e-2,Łucja,Nowak,lucja@x.test,'+44 20 7946 0001,,,N-1,E-1,2024-02-29,,active"
    assert [line.count('"') for line in lines] == [24] * 3
    elsewhere = await client.get(f"{URL}/exports", headers=other.auditor.bearer)
    assert elsewhere.content.decode("utf-8-sig").splitlines() == lines[:1]


BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
ODD = [
    *(f"{begin}1" for begin in BEGINNINGS if begin.isprintable()),
    *(";=1", "a;＝1;b", "'=1", "''@1", "x;'-1", "=;=", "-", "a - b", "'s Gravesande", 'a "b", c', "'", ";"),
]


async def test_the_import_takes_back_what_the_export_wrote_and_no_cell_of_it_is_a_formula(client, org, other):
    async with org.work() as work:
        for place, title in enumerate(ODD):
            names = {"number": f"{place:02}", "given_name": title, "family_name": title[::-1] or "x"}
            person = Person(id=work.new_id(), **names, job_title=title)
            work.session.add(person)
            work.record(PersonImported(entity=person, line=2))
    exported = (await client.get(f"{URL}/exports", headers=org.admin.bearer)).content
    for delimiter in (",", ";", "\t"):  # what a spreadsheet may take for one, whatever the file means
        for line in exported.decode("utf-8-sig").splitlines():
            cells = [cell.strip('"') for cell in line.split(delimiter)]
            assert not any(cell.startswith(BEGINNINGS) for cell in cells), (delimiter, line)
    taken = await take(client, other, exported)
    assert taken.status_code == 201, taken.text
    assert (await client.get(f"{URL}/exports", headers=other.admin.bearer)).content == exported
    rows = (await client.get(f"{URL}?sort=number", headers=other.admin.bearer)).json()["data"]
    assert [(row["given_name"], row["job_title"]) for row in rows] == [(title, title) for title in ODD]


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_whatever_begins_a_formula_is_made_harmless(begin):
    assert harmless(f"{begin}1") == f"'{begin}1"
    assert harmless(f"a;{begin}1") == f"a;'{begin}1"
    assert harmless(f"a{begin}1") == f"a{begin}1"


async def test_the_export_takes_its_filters_only(client, org):
    callers = cycle([org.admin.bearer, org.auditor.bearer])  # an export counts as ten requests
    for query in (
        "page=2",
        "page_size=1",
        "sort=nope",
        "cursor=x",
        "count=exact",
        "format=ods",
        "columns=number,salary",
    ):
        refused = await client.get(f"{URL}/exports?{query}", headers=next(callers))
        assert refused.status_code == 422, (query, refused.text)
        assert [error["location"] for error in refused.json()["errors"]] == [f"query.{query.partition('=')[0]}"]


async def test_refusals_at_the_same_moment_are_all_403(client, org):
    answers = await asyncio.gather(*(client.get(f"{URL}/exports", headers=org.viewer.bearer) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {403}


async def test_who_may_and_what_the_trail_says(client, org, other, places):
    admin = org.admin.bearer
    department = await places.make("departments", company_id=await places.make("companies"))
    body = {"number": "E-1", "given_name": "Ada", "family_name": "Smith", "department_id": department}
    assert (await client.post(URL, json=body)).status_code == 401
    assert (await client.post(URL, json=body, headers=org.viewer.bearer)).status_code == 403
    made = await client.post(URL, json=body, headers=admin)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"'), made.text
    person, url = made.json(), made.headers["location"]
    assert (await client.get(url, headers=other.admin.bearer)).status_code == 404
    assert (await client.get(url, headers=org.viewer.bearer)).json() == person
    change = {"job_title": "Engineer", "email": "Ada@x.test"}
    for refused, caller in ((401, {}), (404, other.admin.bearer), (403, org.viewer.bearer)):
        assert (await client.patch(url, json=change, headers=caller)).status_code == refused
    changed = await client.patch(url, json=change, headers={**admin, "If-Match": '"1"'})
    assert (changed.status_code, changed.json()["version"]) == (200, 2), changed.text
    entry = await places.newest("person", person["id"])
    assert (entry["action"], entry["after"]["job_title"]) == ("directory.person.updated", "Engineer")
    assert (await client.patch(url, json=change, headers={**admin, "If-Match": '"1"'})).status_code == 412
    put = await client.put(url, json={"number": "E-1", "given_name": "A", "family_name": "S"}, headers=admin)
    assert (put.json()["email"], put.json()["department_id"], put.json()["company_id"]) == (None, None, None)
    for refused, caller in ((401, {}), (404, other.admin.bearer), (403, org.viewer.bearer)):
        assert (await client.delete(url, headers=caller)).status_code == refused
    assert (await client.delete(url, headers=admin)).status_code == 204
    assert [row["id"] for row in (await client.get(f"{URL}?deleted=true", headers=admin)).json()["data"]] == [
        person["id"]
    ]
    for refused, caller in ((401, {}), (404, other.admin.bearer), (403, org.viewer.bearer)):
        assert (await client.post(f"{url}/restore", headers=caller)).status_code == refused
    assert (await client.post(f"{url}/restore", headers=admin)).status_code == 200
    assert await places.actions("person", person["id"]) == ["restored", "deleted", "updated", "updated", "created"]


async def test_company_and_branch_follow_from_the_department(places):
    company, second = await places.make("companies"), await places.make("companies")
    branch = await places.make("branches", company_id=company)
    department = await places.make("departments", branch_id=branch)
    at_top = await places.make("departments", company_id=company)
    person = await places.make("people", department_id=department)
    assert await places.place("people", person) == (company, branch)
    assert await places.place("people", await places.make("people", branch_id=branch)) == (company, branch)
    seated = await places.make("people", department_id=at_top, branch_id=branch)
    assert await places.place("people", seated) == (company, branch)
    wrong = await places.send("PATCH", f"people/{person}", department_id=department, company_id=second)
    assert (wrong.status_code, place_of(wrong)) == (422, "body.department_id"), wrong.text
    kept = await places.send("PATCH", f"people/{person}", company_id=second)
    assert (kept.status_code, place_of(kept)) == (422, "body.company_id"), kept.text
    left = await places.send("PATCH", f"people/{person}", department_id=None, company_id=second)
    assert (left.status_code, left.json()["branch_id"]) == (200, None), left.text
    assert left.json()["company_id"] == second
    in_it = (await places.send("GET", f"people?department_id={at_top}")).json()["data"]
    assert [row["id"] for row in in_it] == [seated]


async def test_a_number_is_unique_in_the_organisation_whatever_the_case(places):
    first = await places.make("people", number="E-1")
    twice = await places.send("POST", "people", number="e-1", given_name="A", family_name="B")
    assert (twice.status_code, place_of(twice)) == (409, "body.number"), twice.text
    assert (await places.send("DELETE", f"people/{first}")).status_code == 204
    await places.make("people", number="E-1")
    back = await places.send("POST", f"people/{first}/restore")
    assert (back.status_code, back.json()["code"]) == (409, "CODE_TAKEN"), back.text


async def test_dates_addresses_and_names_are_checked(places):
    person = await places.make("people", start_date="2026-02-01")
    for change, named in (
        ({"end_date": "2026-01-31"}, "body.end_date"),
        ({"end_date": "0204-01-01"}, "body.end_date"),
        ({"email": "nobody"}, "body.email"),
        ({"number": ""}, "body.number"),
        ({"given_name": "\ufdfa" * 40}, "body.given_name"),
        ({"status": "retired"}, "body.status"),
        ({"manager_id": str(uuid4())}, "body.manager_id"),
        ({"department_id": str(uuid4())}, "body.department_id"),
    ):
        answer = await places.send("PATCH", f"people/{person}", **change)
        assert (answer.status_code, place_of(answer)) == (422, named), (change, answer.text)
    made = await places.send(
        "POST", "people", number="X", given_name="A", family_name="B", start_date="2026-02-01", end_date="2026-01-31"
    )
    assert (made.status_code, place_of(made)) == (422, "body.end_date"), made.text
    assert (await places.send("PATCH", f"people/{person}", end_date="2026-02-01")).status_code == 200


async def test_nobody_is_their_own_superior(places):
    top = await places.make("people")
    middle = await places.make("people", manager_id=top)
    leaf = await places.make("people", manager_id=middle)
    for below in (top, middle, leaf):
        answer = await places.send("PATCH", f"people/{top}", manager_id=below)
        assert (answer.status_code, answer.json()["code"]) == (409, "MANAGER_CYCLE"), answer.text
        assert place_of(answer) == "body.manager_id"
    assert (await places.send("PATCH", f"people/{leaf}", manager_id=top)).status_code == 200


async def test_of_two_that_become_each_others_superior_exactly_one_does(places):
    for _ in range(5):
        one, two = [await places.make("people") for _ in range(2)]
        answers = await asyncio.gather(
            places.send("PATCH", f"people/{one}", manager_id=two),
            places.send("PATCH", f"people/{two}", manager_id=one),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]


async def test_an_imported_department_is_found_by_code_or_name_or_stays_a_text(client, org, places):
    north = await places.make("companies", code="N-1")
    south = await places.make("companies", code="S-1")
    branch = await places.make("branches", company_id=north)
    tax = await places.make("departments", code="TAX", name="Tax", branch_id=branch)
    sales = await places.make("departments", code="SAL", name="Sales", company_id=north)
    await places.make("departments", code="SAL", name="Sales", company_id=south)
    text = (
        "number,given_name,family_name,department,company_code\n"
        "1,a,b,tax,\n2,a,b,SALES,n-1\n3,a,b,Sales,\n4,a,b,Tax,S-1\n5,a,b,Unheard of,\n"
    )
    assert (await take(client, org, text)).status_code == 201
    rows = (await client.get(f"{URL}?sort=number", headers=org.viewer.bearer)).json()["data"]
    assert [(row["department_id"], row["department"], row["company_id"], row["branch_id"]) for row in rows] == [
        (tax, None, north, branch),
        (sales, None, north, None),
        (None, "Sales", None, None),  # two are called so
        (None, "Tax", south, None),  # the one that is called so is of another company
        (None, "Unheard of", None, None),
    ]
    exported = await client.get(f"{URL}/exports", headers=org.auditor.bearer)
    assert [line.split(",")[6].strip('"') for line in exported.content.decode("utf-8-sig").splitlines()[1:]] == [
        "TAX",
        "SAL",
        "Sales",
        "Tax",
        "Unheard of",
    ]
    placed = await places.send("PATCH", f"people/{rows[4]['id']}", department_id=tax)
    assert (placed.json()["department"], placed.json()["branch_id"]) == (None, branch)
