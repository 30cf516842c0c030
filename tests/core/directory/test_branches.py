"""Branches through the whole application."""

import pytest

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org/branches"


async def company(client, org, code="N-1"):
    answer = await client.post("/api/v1/org/companies", json={"code": code, "name": code}, headers=org.admin.bearer)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def newest(client, org, kind, row_id):
    history = await client.get(f"/api/v1/audit/entities/{kind}/{row_id}/history", headers=org.auditor.bearer)
    return history.json()["data"][0]


async def test_who_may_and_what_the_trail_says(client, org, other):
    admin = org.admin.bearer
    body = {"company_id": await company(client, org), "code": "LDS", "name": "Leeds", "kind": "store", "city": "Leeds"}
    assert (await client.post(URL, json=body)).status_code == 401
    assert (await client.post(URL, json=body, headers=org.viewer.bearer)).status_code == 403
    made = await client.post(URL, json=body, headers=admin)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"'), made.text
    branch, url = made.json(), made.headers["location"]
    assert url == f"{URL}/{branch['id']}"
    assert (branch["time_zone"], branch["status"]) == (None, "active")
    assert (await client.get(url, headers=other.admin.bearer)).status_code == 404
    assert (await client.get(url, headers=org.viewer.bearer)).json() == branch
    change = {"name": "Leeds, Briggate", "time_zone": "Europe/London"}
    assert (await client.patch(url, json=change)).status_code == 401
    assert (await client.patch(url, json=change, headers=other.admin.bearer)).status_code == 404
    assert (await client.patch(url, json=change, headers=org.user.bearer)).status_code == 403
    changed = await client.patch(url, json=change, headers={**admin, "If-Match": '"1"'})
    assert (changed.status_code, changed.json()["version"]) == (200, 2), changed.text
    assert (await client.patch(url, json=change, headers={**admin, "If-Match": '"1"'})).status_code == 412
    entry = await newest(client, org, "branch", branch["id"])
    assert (entry["action"], entry["before"]["name"]) == ("directory.branch.updated", "Leeds")
    assert entry["after"].items() >= change.items()
    put = await client.put(url, json={"code": "LDS", "name": "Leeds"}, headers=admin)
    assert (put.json()["city"], put.json()["kind"], put.json()["company_id"]) == (None, "office", body["company_id"])
    for refused, caller in ((401, {}), (404, other.admin.bearer), (403, org.viewer.bearer)):
        assert (await client.delete(url, headers=caller)).status_code == refused
    assert (await client.delete(url, headers=admin)).status_code == 204
    assert (await newest(client, org, "branch", branch["id"]))["action"] == "directory.branch.deleted"
    assert (await client.get(url, headers=admin)).status_code == 404
    trash = (await client.get(f"{URL}?deleted=true", headers=admin)).json()["data"]
    assert [row["id"] for row in trash] == [branch["id"]]
    for refused, caller in ((401, {}), (404, other.admin.bearer), (403, org.viewer.bearer)):
        assert (await client.post(f"{url}/restore", headers=caller)).status_code == refused
    back = await client.post(f"{url}/restore", headers=admin)
    assert (back.status_code, back.json()["deleted_at"]) == (200, None), back.text
    assert (await newest(client, org, "branch", branch["id"]))["action"] == "directory.branch.restored"
    again = await client.post(f"{url}/restore", headers=admin)
    assert (again.status_code, again.json()["code"]) == (409, "BRANCH_NOT_DELETED")


async def test_a_code_is_unique_in_its_company_whatever_the_case(client, org):
    north, south = await company(client, org), await company(client, org, "S-1")
    one = await client.post(URL, json={"company_id": north, "code": "Hq", "name": "A"}, headers=org.admin.bearer)
    twice = await client.post(URL, json={"company_id": north, "code": "hQ", "name": "B"}, headers=org.admin.bearer)
    assert (twice.status_code, twice.json()["errors"][0]["location"]) == (409, "body.code"), twice.text
    elsewhere = await client.post(URL, json={"company_id": south, "code": "HQ", "name": "C"}, headers=org.admin.bearer)
    assert elsewhere.status_code == 201, elsewhere.text
    assert (await client.delete(one.headers["location"], headers=org.admin.bearer)).status_code == 204
    after = await client.post(URL, json={"company_id": north, "code": "hq", "name": "D"}, headers=org.admin.bearer)
    assert after.status_code == 201, after.text
    back = await client.post(f"{one.headers['location']}/restore", headers=org.admin.bearer)
    assert (back.status_code, back.json()["code"]) == (409, "CODE_TAKEN"), back.text
    assert back.json()["errors"] == [
        {"location": "branch.Hq", "code": "taken", "message": "another branch has it meanwhile"}
    ]


async def test_list_searches_filters_and_sorts(client, org, other):
    north, south = await company(client, org), await company(client, org, "S-1")
    for place, (code, name, kind, owner) in enumerate(
        (("A", "Zürich", "office", north), ("B", "Aberdeen", "store", north), ("C", "Leeds", "store", south))
    ):
        body = {"company_id": owner, "code": code, "name": name, "kind": kind, "country": ["CH", "GB", "GB"][place]}
        assert (await client.post(URL, json=body, headers=org.admin.bearer)).status_code == 201

    async def names(query):
        answer = await client.get(f"{URL}?{query}", headers=org.viewer.bearer)
        assert answer.status_code == 200, answer.text
        return [row["name"] for row in answer.json()["data"]]

    assert await names("") == ["Aberdeen", "Leeds", "Zürich"]
    assert await names("sort=-code") == ["Leeds", "Aberdeen", "Zürich"]
    assert await names("q=ZÜR") == ["Zürich"]
    assert await names("kind=store&country=GB") == ["Aberdeen", "Leeds"]
    assert await names(f"company_id={south}") == ["Leeds"]
    assert await names("code=a") == ["Zürich"]
    assert (await client.get(URL, headers=other.admin.bearer)).json()["data"] == []
    assert (await client.get(f"{URL}?city=Leeds", headers=org.viewer.bearer)).status_code == 422


async def test_a_branch_belongs_to_a_living_company_of_the_organisation(client, org, other):
    gone = await company(client, org)
    assert (await client.delete(f"/api/v1/org/companies/{gone}", headers=org.admin.bearer)).status_code == 204
    for owner in (gone, await company(client, other)):
        answer = await client.post(URL, json={"company_id": owner, "code": "A", "name": "A"}, headers=org.admin.bearer)
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "body.company_id"), answer.text
    none = await client.post(URL, json={"code": "A", "name": "A"}, headers=org.admin.bearer)
    assert (none.status_code, none.json()["errors"][0]["location"]) == (422, "body.company_id")
    for field in ({"time_zone": "Mars/Olympus"}, {"kind": "castle"}, {"phone": "a\nb"}, {"country": "gb"}):
        body = {"company_id": gone, "code": "A", "name": "A", **field}
        answer = await client.post(URL, json=body, headers=org.admin.bearer)
        assert answer.json()["errors"][0]["location"] == f"body.{next(iter(field))}", answer.text
