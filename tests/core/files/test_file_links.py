"""Links that open a file without signing in."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from uploads import URL, made, send

from holdfast.core.files.models import FileLink
from holdfast.kernel.crypto import decode, encode

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]


async def link(client, org, file_id: str, **fields) -> dict:
    answer = await client.post(f"{URL}/{file_id}/links", json=fields, headers=org.admin.bearer)
    assert answer.status_code == 201, answer.text
    return answer.json()


def token_of(made: dict) -> str:
    return parse_qs(urlsplit(made["url"]).query)["token"][0]


async def test_walk(client, org, other):
    file = await made(client, org, b"first", "a.txt")
    one = await link(client, org, file["id"], hours=1)
    await send(client, org, b"second", url=f"{URL}/{file['id']}/versions")
    opened = await client.get(one["url"])
    assert (opened.status_code, opened.content) == (200, b"first"), "the version that it was made for"
    assert (await client.get(one["url"], headers={"Range": "bytes=1-2"})).content == b"ir"
    listed = await client.get(f"{URL}/{file['id']}/links", headers=org.auditor.bearer)
    assert [(row["id"], "url" in row) for row in listed.json()["data"]] == [(one["id"], False)]
    found = await client.get("/api/v1/audit/entries?action=files.file.downloaded", headers=org.auditor.bearer)
    assert [(row["entity_id"], row["actor_type"]) for row in found.json()["data"]] == [(file["id"], "anonymous")] * 2
    for path in (f"{URL}/{file['id']}/links", f"{URL}/{file['id']}/links/{one['id']}"):
        assert (
            await client.request("DELETE" if path[-5:] != "links" else "GET", path, headers=other.admin.bearer)
        ).status_code == 404
    gone = await client.delete(f"{URL}/{file['id']}/links/{one['id']}", headers=org.admin.bearer)
    assert gone.status_code == 204, gone.text
    assert (await client.get(one["url"])).json()["code"] == "LINK_NOT_FOUND"


async def test_a_link_ends(client, org, home, monkeypatch):
    one = await link(client, org, (await made(client, org))["id"], hours=2)
    clock = home.works.clock
    monkeypatch.setattr(home.works, "clock", lambda: clock() + timedelta(hours=2))
    assert (await client.get(one["url"])).status_code == 404


async def test_a_deleted_file_has_no_links_and_a_restored_one_has_them_again(client, org):
    file = await made(client, org)
    one = await link(client, org, file["id"])
    await client.delete(f"{URL}/{file['id']}", headers=org.admin.bearer)
    assert (await client.get(one["url"])).status_code == 404
    await client.post(f"{URL}/{file['id']}/restore", headers=org.admin.bearer)
    assert (await client.get(one["url"])).status_code == 200


async def test_a_token_is_bound_to_all_that_it_opens(client, org, other):
    raw = decode(token_of(await link(client, org, (await made(client, org))["id"])))
    foreign = decode(token_of(await link(client, other, (await made(client, other))["id"])))
    forged = [
        raw[:-1] + bytes([raw[-1] ^ 1]),
        foreign[:16] + raw[16:],
        raw[:16] + foreign[16:],
        raw[:32] + foreign[32:],
    ]
    for each in (*map(encode, forged), "", "x", "a" * 86, encode(raw) + "A"):
        answer = await client.get(f"{URL}/shared", params={"token": each})
        assert answer.status_code in (404, 422), (each, answer.text)
        assert answer.status_code == 404 or not each


async def test_a_token_opens_its_own_link_alone(client, org, home, monkeypatch):
    """Two links to the same that end at the same moment: with one of them revoked its token is worth nothing."""
    now = home.works.clock()
    monkeypatch.setattr(home.works, "clock", lambda: now)
    file = await made(client, org)
    first, second = [await link(client, org, file["id"]) for _ in range(2)]
    await client.delete(f"{URL}/{file['id']}/links/{first['id']}", headers=org.admin.bearer)
    gone, good = (decode(token_of(each)) for each in (first, second))
    for raw, status in ((good, 200), (good[:32] + gone[32:], 404)):
        assert (await client.get(f"{URL}/shared", params={"token": encode(raw)})).status_code == status


@pytest.mark.parametrize("change", ["number", "expires_at", "file_id"])
async def test_a_row_that_was_changed_past_us_opens_nothing(client, org, change):
    file, another = await made(client, org, b"1"), await made(client, org, b"2")
    await send(client, org, b"3", url=f"{URL}/{file['id']}/versions")
    one = await link(client, org, file["id"], number=1)
    from uuid import UUID

    from sqlalchemy import select

    from holdfast.core.files.facts import FileLinked

    async with org.work() as work:
        row = (await work.session.scalars(select(FileLink))).one()
        values = {"number": 2, "expires_at": row.expires_at + timedelta(days=1), "file_id": UUID(another["id"])}
        setattr(row, change, values[change])
        work.record(FileLinked(entity=row))
    assert (await client.get(one["url"])).status_code == 404


async def test_the_token_is_in_no_log_and_no_entry(client, org, capsys):
    one = await link(client, org, (await made(client, org))["id"])
    await client.get(one["url"])
    assert token_of(one) not in capsys.readouterr().out
    found = await client.get("/api/v1/audit/entries", headers=org.auditor.bearer)
    for row in found.json()["data"]:
        entry = await client.get(f"/api/v1/audit/entries/{row['id']}", headers=org.auditor.bearer)
        assert token_of(one) not in entry.text


async def test_who_may(client, org):
    file = await made(client, org)
    for role, status in (("viewer", 403), ("user", 403), ("operator", 201)):
        answer = await client.post(f"{URL}/{file['id']}/links", json={}, headers=org.members[role].bearer)
        assert answer.status_code == status
    too_long = await client.post(f"{URL}/{file['id']}/links", json={"hours": 2161}, headers=org.admin.bearer)
    assert too_long.status_code == 422


async def test_a_suspended_organisation_gives_nothing_out(client, org, home):
    from holdfast.core.identity.service.platform import suspend_organization
    from holdfast.kernel.permissions import SYSTEM
    from holdfast.kernel.tenancy import SYSTEM_TENANT

    one = await link(client, org, (await made(client, org))["id"])
    assert (await client.get(one["url"])).status_code == 200
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        await suspend_organization(work, organization_id=org.id, reason="Not paid")
    assert (await client.get(one["url"])).status_code == 404
