"""How much room the files take, and who says how much they may."""

import asyncio
from uuid import uuid4

import pytest
from uploads import PNG, URL, made, send

from holdfast.core.files.service.cabinet import cabinet_of
from holdfast.kernel.plugins import FileRule
from holdfast.kernel.tenancy import SYSTEM_TENANT
from operators import PLATFORM, add_operator, entries

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
USAGE = f"{URL}/usage"


async def usage(client, org) -> dict:
    answer = await client.get(USAGE, headers=org.auditor.bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_counts_counts_once(client, org, other, home, monkeypatch):
    rule = FileRule("test.pictures", "Pictures")
    monkeypatch.setitem(cabinet_of(home.works).rules, rule.name, rule)
    limit = home.settings.files_quota_mb * 1_000_000
    nothing = {"bytes": 0, "announced_bytes": 0, "limit_bytes": limit, "own_limit_mb": None}
    assert await usage(client, org) == {**nothing, "files": 0, "versions": 0, "contents": 0, "by_rule": []}
    one = await made(client, org, b"1" * 100, "one.txt")
    await send(client, org, b"2" * 30, url=f"{URL}/{one['id']}/versions")
    await made(client, org, b"1" * 100, "the same.txt")
    await made(client, org, PNG, "a.png", rule="test.pictures")
    gone = await made(client, org, PNG, "b.png", rule="test.pictures")
    await client.delete(f"{URL}/{gone['id']}", headers=org.admin.bearer)
    await made(client, other, b"3" * 1000)
    begun = await client.post(f"{URL}/uploads", json={"name": "large", "size": 5000}, headers=org.user.bearer)
    assert begun.status_code == 201, begun.text
    assert await usage(client, org) == {
        **nothing,
        "bytes": 130 + len(PNG),
        "announced_bytes": 5000,
        "files": 4,
        "versions": 5,
        "contents": 3,
        "by_rule": [
            {"rule": "files.general", "title": "Any file", "files": 2, "bytes": 130},
            {"rule": "test.pictures", "title": "Pictures", "files": 2, "bytes": len(PNG)},
        ],
    }
    assert (await client.get(USAGE)).status_code == 401
    for role, status in (("admin", 200), ("operator", 403), ("user", 403), ("viewer", 403)):
        assert (await client.get(USAGE, headers=org.members[role].bearer)).status_code == status
    page = {"Accept": "text/html"}
    shown = await client.get("/console/files", headers={**org.admin.bearer, **page})
    assert "10.24 GB taken, 5.0 kB on the way" in shown.text
    assert "<meter" in shown.text
    assert "taken" not in (await client.get("/console/files", headers={**org.user.bearer, **page})).text


async def test_operators_say_how_much_an_organisation_may_keep(client, org, other, home):
    olga = await add_operator(home)
    url = f"{PLATFORM}/organizations/{org.id}/file-quota"
    assert (await client.get(url)).status_code == 401
    for method in ("GET", "PUT"):
        refused = await client.request(method, url, json={"megabytes": 1}, headers=org.admin.bearer)
        assert refused.status_code == 403, "nobody but an operator"
    for wrong in ({"megabytes": -1}, {"megabytes": "many"}, {}, {"megabytes": 1, "more": 1}):
        assert (await client.put(url, json=wrong, headers=olga.bearer)).status_code == 422
    nobody = f"{PLATFORM}/organizations/{uuid4()}/file-quota"
    for method in ("GET", "PUT"):
        answer = await client.request(method, nobody, json={"megabytes": 1}, headers=olga.bearer)
        assert answer.status_code == 404, answer.text
    done = await client.put(url, json={"megabytes": 1}, headers=olga.bearer)
    assert done.status_code == 200, done.text
    shown = {"organization_id": str(org.id), "megabytes": 1, "limit_bytes": 1_000_000, "bytes": 0, "announced_bytes": 0}
    assert done.json() == shown == (await client.get(url, headers=olga.bearer)).json()
    for tenant_id, kind in ((org.id, "operator"), (SYSTEM_TENANT, "user")):
        told = [each for each in await entries(home, tenant_id) if each["action"].endswith("file_quota_set")]
        assert (told[-1]["actor_type"], told[-1]["actor_id"]) == (kind, str(olga.id))
    answers = await asyncio.gather(*(send(client, org, bytes([65 + at]) * 600_000) for at in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 413, 413]
    assert (await usage(client, org))["bytes"] == 600_000
    assert (await send(client, other, b"x" * 1_100_000)).status_code == 201, "others have room of their own"
    for megabytes, status in ((0, 201), (None, 201), (1, 413)):
        assert (await client.put(url, json={"megabytes": megabytes}, headers=olga.bearer)).status_code == 200
        assert (await send(client, org, uuid4().hex.encode() * 25_000)).status_code == status, megabytes


async def test_what_is_announced_takes_room_from_uploads_and_gives_it_to_its_own(client, org, home, monkeypatch):
    monkeypatch.setattr(home.works, "settings", home.settings.model_copy(update={"files_quota_mb": 1}))
    begun = await client.post(f"{URL}/uploads", json={"name": "large.bin", "size": 900_000}, headers=org.user.bearer)
    refused = await send(client, org, b"x" * 200_000)
    assert (refused.status_code, refused.json()["code"]) == (413, "QUOTA_EXCEEDED")
    headers = {**org.user.bearer, "Upload-Offset": "0"}
    done = await client.patch(begun.headers["location"], content=b"y" * 900_000, headers=headers)
    assert done.json()["file_id"], done.text
    assert (await send(client, org, b"x" * 100_000)).status_code == 201
