"""Companies through the whole application."""

import pytest

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org/companies"


async def test_walk(client, org, other):
    made = await client.post(URL, json={"code": "N-1", "name": "North"}, headers=org.admin.bearer)
    assert made.status_code == 201, made.text
    company = made.json()
    assert made.headers["location"] == f"{URL}/{company['id']}"
    assert made.headers["etag"] == '"1"'
    url = made.headers["location"]
    changed = await client.patch(url, json={"name": "Northern"}, headers={**org.admin.bearer, "If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert changed.json()["version"] == 2
    stale = await client.patch(url, json={"name": "X"}, headers={**org.admin.bearer, "If-Match": '"1"'})
    assert stale.status_code == 412, stale.text
    listed = await client.get(URL, headers=org.viewer.bearer)
    assert listed.status_code == 200, listed.text
    assert [row["name"] for row in listed.json()["data"]] == ["Northern"]
    assert (await client.get(url, headers=other.admin.bearer)).status_code == 404
    assert (await client.post(URL, json={"code": "x", "name": "y"}, headers=org.viewer.bearer)).status_code == 403
    assert (await client.get(URL)).status_code == 401
    twice = await client.post(URL, json={"code": "n-1", "name": "Z"}, headers=org.admin.bearer)
    assert twice.status_code == 409, twice.text
    assert twice.json()["errors"][0]["location"] == "body.code"
    history = await client.get(f"/api/v1/audit/entities/company/{company['id']}/history", headers=org.auditor.bearer)
    assert history.status_code == 200, history.text
    newest, first = history.json()["data"]
    assert newest["action"] == "directory.company.updated"
    assert (newest["before"]["name"], newest["after"]["name"]) == ("North", "Northern")
    assert first["after"]["code"] == "N-1"
    assert first["actor_id"] == str(org.admin.id)
    refused = await client.get("/api/v1/audit/entries?outcome=refused&ip=127.0.0.1", headers=org.auditor.bearer)
    assert [row["action"] for row in refused.json()["data"]] == ["directory.company.create"], refused.text
    gone = await client.delete(url, headers=org.admin.bearer)
    assert gone.status_code == 204, gone.text
    back = await client.post(f"{url}/restore", headers=org.admin.bearer)
    assert back.status_code == 200, back.text
