"""The page that imports people: a file is looked through first, then taken whole."""

import base64
import re

import pytest
from places import main_of

pytestmark = pytest.mark.endpoint
PAGE = "/console/people/imports"
GOOD = b"number,given_name,family_name\nE-1,Ann,Lee\nE-2,Bo,Ash\n"


@pytest.fixture
def upload(client, org):
    async def upload(content=None, *, who="admin", file_name="staff.csv", step="check", **fields):
        headers = {**getattr(org, who).bearer, "Accept": "text/html", "Origin": "http://127.0.0.1:8000"}
        files = {"file": (file_name, content, "text/csv")} if content is not None else {"file": ("", b"")}
        return await client.post(PAGE, data={"step": step, "charset": "", **fields}, files=files, headers=headers)

    return upload


async def total(places):
    return (await places.send("GET", "people")).json()["meta"]["total"]


async def test_a_good_file_is_checked_then_imported_without_being_chosen_again(places, pages, upload):
    assert "Check the file" in await pages.open("people/imports")
    checked = await upload(GOOD)
    page = main_of(checked)
    assert checked.status_code == 200
    assert "staff.csv holds 2 people. Nothing has been imported yet." in page
    assert await total(places) == 0
    carried = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert base64.b64decode(carried["checked"]) == GOOD
    done = await upload(None, **carried)
    assert (done.status_code, done.headers["location"]) == (303, "/console/people"), main_of(done)
    assert await total(places) == 2
    entries = await places.client.get(
        "/api/v1/audit/entries?action=directory.people.imported", headers=places.org.auditor.bearer
    )
    (entry,) = entries.json()["data"]
    assert entry["actor_id"] == str(places.org.admin.id)


async def test_faults_are_shown_by_line_and_nothing_is_imported(places, upload):
    bad = b"number,given_name,family_name,start_date\nE-1,Ann,Lee,\nE-1,,Ash,soon\n<b>,Cy,Oak,\n"
    for step in ("check", "import"):
        answer = await upload(bad, step=step, file_name="<i>.csv")
        page = main_of(answer)
        assert answer.status_code == 422
        assert "faults in" in page
        for line, column, said in (
            ("3", "given_name", "must not be empty"),
            ("3", "start_date", "'soon' is not a date"),
        ):
            row = rf'class="num">{line}</th><td role="cell" data-label="Column"><span><code>{column}</code></span></td>.*?{re.escape(said)}'
            assert re.search(row, page), (line, column, page)
        assert "<i>" not in answer.text
    assert await total(places) == 0


async def test_what_was_taken_meanwhile_is_told(places, upload):
    await places.make("people", number="e-2")
    answer = await upload(None, step="import", checked=base64.b64encode(GOOD).decode(), name="staff.csv")
    assert answer.status_code == 422
    assert "is taken by a person of the organisation" in main_of(answer)


async def test_a_large_file_is_chosen_again(places, upload):
    rows = [f"E-{number},{'A' * 100},{'B' * 100},{'C' * 120}" for number in range(6600)]
    large = "\n".join(["number,given_name,family_name,job_title", *rows]).encode()
    assert len(large) > 2 * 1024 * 1024
    page = main_of(await upload(large))
    assert "choose it once more" in page
    assert 'name="checked"' not in page
    assert "Import 6 600 people" in page


async def test_files_of_older_programs_are_read_in_the_encoding_that_is_named(places, upload):
    content = "number,given_name,family_name\nE-1,Zoë,Lee\n".encode("cp1252")
    assert "is no text in utf-8" in main_of(await upload(content))
    checked = main_of(await upload(content, charset="windows-1252"))
    assert 'name="charset" value="windows-1252"' in checked
    assert (await upload(content, step="import", charset="windows-1252")).status_code == 303
    assert (await places.send("GET", "people")).json()["data"][0]["given_name"] == "Zoë"


async def test_what_no_form_of_ours_sends_is_refused(client, org, places, pages, upload):
    assert "Choose a file" in main_of(await upload(None))
    assert (await upload(GOOD, charset="klingon")).status_code == 400
    assert (await upload(None, checked="!", name="a.csv")).status_code == 400
    assert (await pages.send("people/imports", step="import")).status_code == 415
    headers = {**org.admin.bearer, "Accept": "text/html", "Content-Type": "multipart/form-data; boundary=x"}
    assert (await client.post(PAGE, content=b"--y\r\n", headers=headers)).status_code in {400, 422}
    assert (await upload(GOOD, who="viewer")).status_code == 403
    assert (await client.post(PAGE, files={"file": ("a.csv", GOOD)})).status_code == 303  # to sign in
    assert await total(places) == 0
