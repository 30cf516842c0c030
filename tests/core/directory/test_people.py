"""People through the whole application: list, read, import, export."""

import asyncio

import pytest

from holdfast.core.directory.facts import PersonImported
from holdfast.core.directory.models import Person
from holdfast.core.directory.service.people_files import harmless

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
    assert answer.json() == {"dry_run": False, "rows": 2, "imported": 2, "error_count": 0, "errors": []}
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
    for query in ("page=2", "page_size=1", "sort=number", "cursor=x", "count=exact", "q=x", "number=1"):
        refused = await client.get(f"{URL}/exports?{query}", headers=org.admin.bearer)
        assert refused.status_code == 422, (query, refused.text)
        assert [error["location"] for error in refused.json()["errors"]] == [f"query.{query.partition('=')[0]}"]


async def test_refusals_at_the_same_moment_are_all_403(client, org):
    answers = await asyncio.gather(*(client.get(f"{URL}/exports", headers=org.viewer.bearer) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {403}
