"""People through the whole application: list, read, import, export."""

import asyncio

import pytest

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
    assert exported.content.startswith(b"\xef\xbb\xbfnumber,given_name,family_name,")
    lines = exported.content.decode("utf-8-sig").splitlines()
    assert lines[1].startswith("E-1,Ada,'=cmd|' /C calc'!A0,ada@x.test,,,,N-1,,2020-01-01,,left")
    assert lines[2].startswith("e-2,Łucja,Nowak,lucja@x.test,'+44 20 7946 0001,,,N-1,E-1,2024-02-29,,active")
    elsewhere = await client.get(f"{URL}/exports", headers=other.auditor.bearer)
    assert elsewhere.content.decode("utf-8-sig").splitlines() == lines[:1]


async def test_refusals_at_the_same_moment_are_all_403(client, org):
    answers = await asyncio.gather(*(client.get(f"{URL}/exports", headers=org.viewer.bearer) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {403}
