"""Broken and odd files of people: errors by row, nothing half-imported."""

import asyncio
import gc
import time

import pytest

from holdfast.core.directory.errors import ImportRefused
from holdfast.core.directory.public import ImportPlan, import_people_file, plan_of
from holdfast.core.directory.service.cells import LISTED_FAULTS
from holdfast.core.directory.service.imports import import_people
from holdfast.core.directory.service.people_files import MAX_ROWS, parse_people
from holdfast.kernel.errors import Forbidden, Invalid

URL = "/api/v1/org/people"
HEADING = "number,given_name,family_name"


def faults(text, **how):
    content = text if isinstance(text, bytes) else text.encode()
    return [
        (each.line, each.column, each.code)
        for each in parse_people(content, file_name="f.csv", plan=ImportPlan(**how)).faults.listed
    ]


async def send(client, org, text, *, query="", kind="text/csv", who="admin", **headers):
    content = text if isinstance(text, bytes) else text.encode()
    bearer = getattr(org, who).bearer
    return await client.post(
        f"{URL}/imports{query}", content=content, headers={**bearer, "Content-Type": kind, **headers}
    )


async def numbers(client, org):
    answer = await client.get(f"{URL}?sort=number", headers=org.admin.bearer)
    return [row["number"] for row in answer.json()["data"]]


# Reading: no database


@pytest.mark.unit
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends_are_recognised(encoding, delimiter, end):
    text = end.join([HEADING, 'E-1,"Zoë ""Zo""",Åberg 😀', ",,", "E-2,李,Ng", ""]).replace(",", delimiter)
    file = parse_people(text.encode(encoding), file_name="f.csv")
    assert file.faults.listed == []
    assert [(row.line, row.number, row.given_name, row.family_name) for row in file.rows] == [
        (2, "E-1", 'Zoë "Zo"', "Åberg 😀"),
        (4, "E-2", "李", "Ng"),
    ]


@pytest.mark.unit
def test_windows_1252_is_read_only_when_declared():
    content = f"{HEADING}\nE-1,Zoë,A\nE-2,Ren\u00e9,B\n".encode("cp1252")
    assert faults(content) == [(2, None, "encoding")]
    assert parse_people(content, file_name="f", plan=ImportPlan(charset="windows-1252")).rows[1].given_name == "René"
    assert faults(b"number,given_name,family_name\n1,\x81,x", charset="windows-1252") == [(2, None, "encoding")]


@pytest.mark.unit
def test_utf_16_without_a_mark_and_torn_utf_16_are_refused():
    assert faults(f"{HEADING}\n1,a,b\n".encode("utf-16-le"), charset="utf-16") == [(1, None, "encoding")]
    assert faults(f"{HEADING}\n1,a,b\n".encode("utf-16")[:-1]) == [(2, None, "encoding")]
    assert {code for _, _, code in faults(f"{HEADING}\n1,a,b\n".encode("utf-16-le"))} == {
        "unknown_column",
        "missing_column",
    }
    assert faults(b"\xff\xfe\x00\xd8,\x00") == [(1, None, "encoding")]  # a lone surrogate


@pytest.mark.unit
def test_missing_unknown_and_repeated_columns_are_named():
    assert faults("") == [(1, None, "empty")]
    for text in (HEADING, f"{HEADING}\n", f"{HEADING}\n,,\n\n"):
        assert faults(text) == [(1, None, "no_rows")]
    assert faults("number,shoe size\n1,2") == [
        (1, "shoe size", "unknown_column"),
        (1, "given_name", "missing_column"),
        (1, "family_name", "missing_column"),
    ]
    assert faults(f"{HEADING},Given-Name\n") == [(1, "Given-Name".casefold().replace("-", "_"), "column_twice")]
    assert faults("number,given_name,family_name,\n1,2,3,\n") == [(1, None, "unknown_column")]


@pytest.mark.unit
def test_each_fault_names_its_line_and_column():
    heading = f"{HEADING},email,start_date,end_date,status"
    text = "\n".join(
        [
            heading,
            "1,a,b,not an address,,,",
            "2,a,b,,31.12.2024,,",
            "3,a,b,,2024-02-30,,",
            "4,a,b,,2024-02-02,2024-02-01,",
            "5,a,b,,,,retired",
            "6,,b,,,,",
            ",a,b,,,,",
            "8,a,b",
            "9,a,b,,,,,,",
            "10,a\x00,b,,,,",
            '11,"a\nb",b,,,,',
            f"{'x' * 33},a,b,,,,",
            f"14,{'ﷺ' * 40},b,,,,",
            "15,a,b,,0204-01-01,,",
            "16,a\x7fb,b,,,,",
        ]
    )
    assert faults(text) == [
        (2, "email", "invalid"),
        (3, "start_date", "invalid"),
        (4, "start_date", "invalid"),
        (5, "end_date", "invalid"),
        (6, "status", "invalid"),
        (7, "given_name", "missing"),
        (8, "number", "missing"),
        (9, None, "cells"),
        (10, None, "cells"),
        (11, "given_name", "control_character"),
        (12, "given_name", "control_character"),
        (14, "number", "too_long"),
        (15, "given_name", "too_long"),
        (16, "start_date", "invalid"),
        (17, "given_name", "control_character"),
    ]


@pytest.mark.unit
def test_wrong_quotes_end_the_reading_at_their_line():
    assert faults(f'{HEADING}\n1,a,b\n2,"a"x,b\n3,a,b\n') == [(3, None, "quotes")]
    assert faults(f'{HEADING}\n1,a,b\n2,"a,b\n3,a,b\n') == [(3, None, "quotes")]
    assert faults(f'{HEADING}\n2,"{"a" * 200_000}",b\n') == [(2, None, "too_long")]
    assert faults('"number,given_name') == [(1, None, "quotes")]


@pytest.mark.unit
def test_duplicate_keys_inside_the_file_whatever_their_case():
    assert faults(f"{HEADING}\nE-1,a,b\ne-1,c,d\nＥ-1,e,f\n") == [
        (3, "number", "duplicate"),
        (4, "number", "duplicate"),
    ]


@pytest.mark.unit
def test_circles_of_superiors_are_refused_and_superiors_come_first():
    heading = f"{HEADING},manager_number"
    text = f"{heading}\n1,a,b,3\n2,a,b,1\n3,a,b,2\n4,a,b,3\n5,a,b,5\n"
    assert sorted(faults(text)) == [(line, "manager_number", "cycle") for line in (2, 3, 4, 6)]
    file = parse_people(f"{heading}\n1,a,b,2\n2,a,b,3\n3,a,b,\n4,a,b,2\n".encode(), file_name="f")
    assert [row.number for row in file.rows] == ["3", "2", "1", "4"]
    assert faults("\n".join([heading, *(f"{n},a,b,{n + 1}" for n in range(5000)), "5000,a,b,"])) == []


@pytest.mark.unit
def test_a_thousand_faults_are_listed_and_all_are_counted():
    file = parse_people("\n".join([HEADING, *(f"{n},,b" for n in range(LISTED_FAULTS + 5))]).encode(), file_name="f")
    assert (len(file.faults.listed), file.faults.count, file.count) == (
        LISTED_FAULTS,
        LISTED_FAULTS + 5,
        LISTED_FAULTS + 5,
    )


@pytest.mark.unit
def test_more_than_a_hundred_thousand_rows_are_refused():
    content = "\n".join([HEADING, *(f"{n},a,b" for n in range(MAX_ROWS + 1))]).encode()
    assert faults(content) == [(MAX_ROWS + 2, None, "too_many_rows")]


@pytest.mark.unit
def test_what_the_export_made_harmless_comes_back_as_it_was():
    file = parse_people(f"{HEADING},phone\n1,'=a,b,'+44 1\n2,'s Gravesande,O'Neil,\n".encode(), file_name="f")
    assert [(row.given_name, row.family_name, row.phone) for row in file.rows] == [
        ("=a", "b", "+44 1"),
        ("'s Gravesande", "O'Neil", None),
    ]


# The verb


@pytest.mark.service
@pytest.mark.portable
async def test_who_may_not_import_is_refused(org):
    file = parse_people(f"{HEADING}\n1,a,b\n".encode(), file_name="f")
    for role in ("operator", "user", "viewer", "auditor"):
        with pytest.raises(Forbidden):
            async with org.work(role) as work:
                await import_people(work, file)


@pytest.mark.service
async def test_a_command_imports_as_the_system(org):
    content = f"{HEADING}\n1,Ren\u00e9,b\n".encode("cp1252")
    site = {"tenant_id": org.id, "content": content, "file_name": "f.csv"}
    with pytest.raises(ImportRefused):
        await import_people_file(org.home.works, plan=plan_of(), **site)
    with pytest.raises(Invalid):
        plan_of(charset="ebcdic")
    report = await import_people_file(org.home.works, plan=plan_of(charset="windows-1252"), **site)
    assert report.created == 1


# The whole way


@pytest.mark.endpoint
@pytest.mark.portable
async def test_errors_come_by_row_and_nothing_is_half_imported(client, org):
    assert (await send(client, org, f"{HEADING}\nE-1,a,b\n")).status_code == 201
    text = f"{HEADING},company_code,manager_number\nE-2,a,b,,E-1\ne-1,a,b,,\nE-3,,b,,\nE-4,a,b,nowhere,E-9\n"
    refused = await send(client, org, text)
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    assert problem["code"] == "IMPORT_REFUSED"
    assert problem["detail"] == "4 faults in 4 rows."
    assert [(each["location"], each["code"]) for each in problem["errors"]] == [
        ("line 3, column number", "taken"),
        ("line 4, column given_name", "missing"),
        ("line 5, column company_code", "unknown_company"),
        ("line 5, column manager_number", "unknown_manager"),
    ]
    assert await numbers(client, org) == ["E-1"]


@pytest.mark.endpoint
async def test_a_caller_is_shown_as_many_faults_as_are_said_to_be_listed(client, org):
    many = LISTED_FAULTS + 5
    refused = await send(client, org, "\n".join([HEADING, *(f"{n},,b" for n in range(many))]))
    problem = refused.json()
    assert problem["detail"] == f"{many} faults in {many} rows; the first {LISTED_FAULTS} are listed."
    assert len(problem["errors"]) == LISTED_FAULTS


@pytest.mark.endpoint
async def test_a_file_without_people_is_refused_and_leaves_no_entry(client, org):
    refused = await send(client, org, f"{HEADING}\n")
    assert (refused.status_code, refused.json()["code"]) == (422, "IMPORT_REFUSED"), refused.text
    [fault] = refused.json()["errors"]
    assert (fault["location"], fault["code"]) == ("line 1", "no_rows")
    assert "holds no rows" in fault["message"]
    tried = await send(client, org, f"{HEADING}\n", query="?dry_run=true")
    assert (tried.status_code, tried.json()["error_count"]) == (200, 1)
    entries = await client.get("/api/v1/audit/entries?action=directory.people.imported", headers=org.auditor.bearer)
    assert entries.json()["data"] == []


@pytest.mark.endpoint
@pytest.mark.portable
async def test_a_dry_run_tells_and_changes_nothing(client, org):
    good = await send(client, org, f"{HEADING}\nE-1,a,b\n", query="?dry_run=true")
    assert (good.status_code, good.json()) == (
        200,
        {
            "id": None,
            "dry_run": True,
            "rows": 1,
            "created": 1,
            "updated": 0,
            "unchanged": 0,
            "error_count": 0,
            "errors": [],
        },
    )
    bad = await send(client, org, f"{HEADING}\nE-1,,b\n", query="?dry_run=true")
    assert (bad.status_code, bad.json()["error_count"]) == (200, 1)
    assert bad.json()["errors"] == [
        {"line": 2, "column": "given_name", "code": "missing", "message": "must not be empty"}
    ]
    assert await numbers(client, org) == []
    entries = await client.get("/api/v1/audit/entries?action=directory.people.imported", headers=org.auditor.bearer)
    assert entries.json()["data"] == []


@pytest.mark.endpoint
async def test_every_person_leaves_an_entry_and_the_file_one_more(client, org):
    text = "\n".join([HEADING, *(f"E-{n:03},Given{n},Family" for n in range(300))])
    assert (await send(client, org, text)).status_code == 201
    imported = await client.get("/api/v1/audit/entries?action=directory.person.imported", headers=org.auditor.bearer)
    assert imported.json()["meta"]["total"] == 300
    person = (await client.get(f"{URL}?number=E-007", headers=org.admin.bearer)).json()["data"]
    people = (await client.get(f"{URL}?q=e-007", headers=org.admin.bearer)).json()["data"]
    row = (person or people)[0]
    history = await client.get(f"/api/v1/audit/entities/person/{row['id']}/history", headers=org.auditor.bearer)
    [entry] = history.json()["data"]
    assert (entry["after"]["given_name"], entry["detail"]["line"], entry["before"]) == ("Given7", 9, None)
    [file] = (
        await client.get("/api/v1/audit/entries?action=directory.people.imported", headers=org.auditor.bearer)
    ).json()["data"]
    whole = await client.get(f"/api/v1/audit/entries/{file['id']}", headers=org.auditor.bearer)
    assert whole.json()["detail"]["count"] == 300
    assert whole.json()["detail"]["file"] == "people.csv"


@pytest.mark.endpoint
async def test_a_form_brings_the_file_and_its_name(client, org):
    content = f"{HEADING}\nE-1,a,b\n".encode("utf-16")
    made = await client.post(
        f"{URL}/imports", files={"file": ("staff\u202e.csv", content, "text/csv")}, headers=org.admin.bearer
    )
    assert made.status_code == 201, made.text
    none = await client.post(f"{URL}/imports", files={"other": ("a.csv", b"x")}, headers=org.admin.bearer)
    assert (none.status_code, none.json()["errors"][0]["location"]) == (422, "body.file")
    broken = await send(client, org, "no form", kind="multipart/form-data; boundary=x")
    unbounded = await send(client, org, "no form", kind="multipart/form-data")
    file = ("file", ("a.csv", content))
    twice = await client.post(f"{URL}/imports", files=[file, file], headers=org.admin.bearer)
    more = await client.post(f"{URL}/imports", files=[file], data={"note": "x"}, headers=org.admin.bearer)
    for refused in (broken, unbounded, twice, more):
        assert refused.status_code == 400, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        assert [(error["location"], error["code"]) for error in refused.json()["errors"]] == [("body.file", "bad_form")]
        assert "one file under the name file" in refused.json()["detail"]


@pytest.mark.endpoint
async def test_wrong_requests_are_refused_by_name(client, org):
    text = f"{HEADING}\nE-1,a,b\n"
    assert (await send(client, org, text, kind="application/json")).status_code == 415
    assert (await send(client, org, text, kind="")).status_code == 415
    wrong = await send(client, org, text, query="?charset=ebcdic")
    assert (wrong.status_code, wrong.json()["errors"][0]["location"]) == (422, "query.charset")
    assert (await send(client, org, text, query="?dryrun=true")).status_code == 422
    assert (await send(client, org, text, kind="text/csv; charset=ebcdic")).status_code == 400
    assert (await send(client, org, text, kind="text/csv; charset=zlib")).status_code == 400
    declared = await send(
        client, org, f"{HEADING}\nE-1,Ren\u00e9,b\n".encode("cp1252"), kind="text/csv; charset=ISO-8859-1"
    )
    assert declared.status_code == 400, declared.text
    taken = await send(
        client, org, f"{HEADING}\nE-1,Ren\u00e9,b\n".encode("cp1252"), kind='text/csv; charset="Windows-1252"'
    )
    assert taken.status_code == 201, taken.text
    for who in ("viewer", "user", "operator", "auditor"):
        assert (await send(client, org, text, who=who)).status_code == 403
    assert (await client.post(f"{URL}/imports", content=text, headers={"Content-Type": "text/csv"})).status_code == 401
    assert (await client.get(f"{URL}/exports", headers=org.viewer.bearer)).status_code == 403


@pytest.mark.endpoint
async def test_a_refused_caller_is_answered_before_the_body_is_read_and_leaves_an_entry(client, org):
    sent = 0

    async def body():
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b"x" * 1024

    headers = {**org.viewer.bearer, "Content-Type": "text/csv"}
    assert (await client.post(f"{URL}/imports", content=body(), headers=headers)).status_code == 403
    assert sent == 0
    entries = await client.get("/api/v1/audit/entries?outcome=refused", headers=org.auditor.bearer)
    assert [row["action"] for row in entries.json()["data"]] == ["directory.person.import"]


@pytest.mark.endpoint
async def test_a_file_may_be_larger_than_other_bodies_but_not_beyond_its_limit(client, org):
    rows = "\n".join(f"E-{n},{'a' * 90},{'b' * 90}" for n in range(10_000))
    large = await send(client, org, f"{HEADING}\n{rows}\n", query="?dry_run=true")
    assert (large.status_code, large.json()["rows"]) == (200, 10_000)
    assert len(rows) > org.home.settings.max_body_bytes
    assert (await send(client, org, b"x" * (32 * 1024 * 1024 + 1))).status_code == 413


@pytest.mark.endpoint
async def test_reading_a_large_file_does_not_block_the_event_loop(client, org):
    rows = "\n".join(f"E-{n},Given,Family" for n in range(60_000))
    longest, ticks, running = 0.0, 0, True

    async def watch():
        nonlocal longest, ticks
        while running:
            # The loop's own processor time: what other programs do on this machine does not count.
            started = time.thread_time()
            await asyncio.sleep(0.01)
            longest, ticks = max(longest, time.thread_time() - started), ticks + 1

    gc.freeze()  # what other tests have left behind is not walked through here; nor is it in a server
    watcher = asyncio.create_task(watch())
    answer = await send(client, org, f"{HEADING}\n{rows}\n", query="?dry_run=true")
    running = False
    await watcher
    gc.unfreeze()
    assert answer.json()["rows"] == 60_000
    assert ticks > 20
    assert longest < 0.3, longest


@pytest.mark.endpoint
@pytest.mark.portable
async def test_one_of_two_imports_of_the_same_file_wins(client, org):
    text = "\n".join([HEADING, *(f"E-{n:03},a,b" for n in range(60))])
    answers = await asyncio.gather(*(send(client, org, text) for _ in range(3)))
    assert min(answer.status_code for answer in answers) == 201
    assert {answer.status_code for answer in answers} <= {201, 409, 422}
    assert sum(answer.status_code == 201 for answer in answers) == 1
    listed = await client.get(f"{URL}?page_size=200", headers=org.admin.bearer)
    assert len(listed.json()["data"]) == 60


@pytest.mark.endpoint
async def test_an_import_that_is_sent_again_with_its_key_happens_once(client, org):
    for replayed in (None, "true"):
        answer = await send(client, org, f"{HEADING}\nE-1,a,b\n", **{"Idempotency-Key": "one"})
        assert (answer.status_code, answer.headers.get("Idempotency-Replayed")) == (201, replayed)
