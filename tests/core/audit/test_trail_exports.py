"""The trail as a file: whole, filtered, harmless, and itself in the trail."""

import csv
import io
from datetime import timedelta

import orjson
import pytest

from clients import client_of
from holdfast.core.audit.service.exporting import COLUMNS
from holdfast.core.directory.facts import CompanyCreated
from holdfast.core.directory.models import Company
from holdfast.kernel.clock import system_clock
from holdfast.main import open_installation
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
EXPORTS, ENTRIES, COMPANIES = "/api/v1/audit/exports", "/api/v1/audit/entries", "/api/v1/org/companies"


async def fill(client, org: Org, count: int = 3) -> None:
    for number in range(count):
        body = {"code": f"C{number}", "name": f'=HYPERLINK("http://x") {number}'}
        assert (await client.post(COMPANIES, json=body, headers=org.admin.bearer)).status_code == 201


async def export(client, org: Org, **params: object):
    return await client.get(EXPORTS, params=params, headers=org.auditor.bearer)


def lines_of(answer) -> list[dict]:
    return [orjson.loads(line) for line in answer.content.splitlines()]


def rows_of(answer) -> list[dict]:
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


async def test_json_lines_hold_each_entry_as_it_is_read_alone(client, org: Org) -> None:
    await fill(client, org)
    answer = await export(client, org, action="directory.company.created")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.jsonl"'
    entries = lines_of(answer)
    assert [entry["after"]["code"] for entry in entries] == ["C2", "C1", "C0"]
    for entry in entries:
        alone = await client.get(f"{ENTRIES}/{entry['id']}", headers=org.auditor.bearer)
        assert alone.json() == entry


async def test_csv_holds_the_same_and_no_formula(client, org: Org) -> None:
    await fill(client, org)
    told = lines_of(await export(client, org, action="directory.company.created"))
    answer = await export(client, org, action="directory.company.created", format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = rows_of(answer)
    assert tuple(rows[0]) == COLUMNS
    for row, entry in zip(rows, told, strict=True):
        assert row["id"] == entry["id"]
        assert orjson.loads(row["after"]) == entry["after"]
        assert row["reason"] == ""
        assert row["request_id"] == entry["request_id"]
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+-@\t\r" and cell]


async def test_what_a_program_sent_does_not_become_a_formula(client, org: Org) -> None:
    headers = {**org.admin.bearer, "User-Agent": "=cmd|' /C calc'!A0"}
    assert (await client.post(COMPANIES, json={"code": "A", "name": "A"}, headers=headers)).status_code == 201
    [row] = rows_of(await export(client, org, action="directory.company.created", format="csv"))
    assert row["user_agent"] == "'=cmd|' /C calc'!A0"


async def test_the_filters_are_those_of_the_list_and_nobody_sees_anothers(client, org: Org, other: Org) -> None:
    await fill(client, org, 2)
    await fill(client, other, 1)
    everything = lines_of(await export(client, org))
    ids = {entry["id"] for entry in everything}
    for params in (
        {"category": "data"},
        {"actor_id": str(org.admin.id)},
        {"entity_type": "company", "outcome": "success"},
        {"severity": "critical"},
    ):
        fitting = [entry for entry in everything if all(entry[key] == value for key, value in params.items())]
        found = lines_of(await export(client, org, **params))
        assert [entry for entry in found if entry["id"] in ids] == fitting, params
    assert lines_of(await export(client, org, recorded_to=everything[-1]["recorded_at"])) == []
    theirs = lines_of(await export(client, other))
    assert theirs
    assert not ids & {entry["id"] for entry in theirs}
    refused = await client.get(EXPORTS, params={"q": "x"}, headers=org.admin.bearer)
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, "query.q")


async def test_more_entries_than_a_batch_are_all_there_once_newest_first(client, org: Org) -> None:
    async with org.work() as work:
        for number in range(1205):
            company = Company(id=work.new_id(), code=f"C{number:04}", name=f"N {number}")
            work.session.add(company)
            work.record(CompanyCreated(entity=company))
    codes = [
        entry["after"]["code"] for entry in lines_of(await export(client, org, action="directory.company.created"))
    ]
    assert codes == [f"C{number:04}" for number in reversed(range(1205))]


async def test_an_export_asks_for_a_fresh_proof_and_is_recorded(client, home, org: Org) -> None:
    answer = await export(client, org, category="data", format="csv")
    assert answer.status_code == 200
    [entry] = (await client.get(f"{ENTRIES}?action=audit.entry.export", headers=org.auditor.bearer)).json()["data"]
    assert (entry["outcome"], entry["actor_id"]) == ("success", str(org.auditor.id))
    told = (await client.get(f"{ENTRIES}/{entry['id']}", headers=org.auditor.bearer)).json()["detail"]
    assert told == {"verb": "audit.entry.export", "category": "data", "format": "csv"}
    later = open_installation(home.settings, clock=lambda: system_clock() + timedelta(minutes=11))
    try:
        async with client_of(later) as there:
            stale = await export(there, org)
        assert (stale.status_code, stale.json()["code"]) == (403, "STEP_UP_REQUIRED")
    finally:
        await later.close()
    refused = await client.get(EXPORTS, headers=org.viewer.bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("path", ["", "/{id}", "history"])
async def test_reading_the_trail_is_in_the_trail(client, org: Org, path: str) -> None:
    made = await client.post(COMPANIES, json={"code": "A", "name": "A"}, headers=org.admin.bearer)
    [entry] = (await client.get(f"{ENTRIES}?action=directory.company.created", headers=org.admin.bearer)).json()["data"]
    url = f"{ENTRIES}{path.format(id=entry['id'])}"
    if path == "history":
        url = f"/api/v1/audit/entities/company/{made.json()['id']}/history"
    assert (await client.get(url, params={}, headers=org.auditor.bearer)).status_code == 200
    looked = f"{ENTRIES}?action=audit.entry.read&actor_id={org.auditor.id}"
    found = (await client.get(looked, headers=org.admin.bearer)).json()["data"]
    assert [(each["category"], each["severity"], each["outcome"]) for each in found] == [
        ("access", "notice", "success")
    ]
