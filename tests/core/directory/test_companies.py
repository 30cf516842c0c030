"""Companies through the whole application."""

from uuid import UUID

import pytest

from holdfast.core.directory.facts import PersonImported
from holdfast.core.directory.models import Person
from holdfast.core.directory.schemas import CompanyReplace

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


WHOLE = {
    "code": "W-1",
    "name": "Whole",
    "legal_name": "Whole Ltd",
    "registration_number": "01234567",
    "country": "GB",
    "city": "Leeds",
    "status": "inactive",
}


async def company(client, org, **fields):
    made = await client.post(URL, json={"code": "N-1", "name": "North", **fields}, headers=org.admin.bearer)
    assert made.status_code == 201, made.text
    return made.headers["location"], made.json()


async def test_put_replaces_every_field_and_patch_those_it_names(client, org):
    url, made = await company(client, org, **WHOLE)
    assert {name: made[name] for name in CompanyReplace.model_fields} == WHOLE
    patched = (await client.patch(url, json={"city": None}, headers=org.admin.bearer)).json()
    assert {name: patched[name] for name in WHOLE} == {**WHOLE, "city": None}
    put = (await client.put(url, json={"code": "W-2", "name": "Half"}, headers=org.admin.bearer)).json()
    assert {name: put[name] for name in WHOLE} == {
        **dict.fromkeys(WHOLE),
        "code": "W-2",
        "name": "Half",
        "status": "active",
    }
    assert (await client.get(url, headers=org.admin.bearer)).json() == put


async def test_a_company_that_people_belong_to_is_not_deleted(client, org):
    url, made = await company(client, org)
    async with org.work() as work:
        person = Person(
            id=work.new_id(), number="1", given_name="Ann", family_name="Other", company_id=UUID(made["id"])
        )
        work.session.add(person)
        work.record(PersonImported(entity=person, line=2))
    refused = await client.delete(url, headers=org.admin.bearer)
    assert (refused.status_code, refused.json()["code"]) == (409, "COMPANY_IN_USE"), refused.text
    assert refused.json()["detail"] == "1 person belongs to the company."
    assert (await client.get(url, headers=org.admin.bearer)).status_code == 200


async def test_only_what_is_in_the_trash_is_restored(client, org):
    url, _ = await company(client, org)
    refused = await client.post(f"{url}/restore", headers=org.admin.bearer)
    assert (refused.status_code, refused.json()["code"]) == (409, "COMPANY_NOT_DELETED"), refused.text


async def test_an_optional_text_that_is_empty_is_none(client, org):
    optional = {name for name, field in CompanyReplace.model_fields.items() if field.default is None}
    assert optional == {"legal_name", "registration_number", "country", "city"}
    for blank in ("", "  "):
        blanks = dict.fromkeys(optional, blank)
        url, made = await company(client, org, code=f"N-{len(blank)}", **blanks)
        patched = (await client.patch(url, json={"city": "Leeds"}, headers=org.admin.bearer)).json()
        emptied = await client.patch(url, json=blanks, headers=org.admin.bearer)
        put = await client.put(url, json={"code": "P", "name": "Put", **blanks}, headers=org.admin.bearer)
        assert put.status_code == 200, put.text
        assert patched["city"] == "Leeds"
        for shown in (made, emptied.json(), put.json()):
            assert [shown[name] for name in optional] == [None] * 4
        assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
