"""The pages of a company: what they take, what they say when something is wrong."""

import re
from uuid import uuid4

import pytest

pytestmark = pytest.mark.endpoint
COMPANIES = "/api/v1/org/companies"
PAGES = "/console/companies"


async def sent(client, org, path, **fields):
    """Send a form as the administrator and return the answer; a bearer's forms need no token."""
    headers = {**org.admin.bearer, "Accept": "text/html", "Origin": "http://127.0.0.1:8000"}
    return await client.post(path, data=fields, headers=headers)


async def shown(client, org, path, role="admin"):
    return await client.get(path, headers={**org.members[role].bearer, "Accept": "text/html"})


async def a_company(client, org, **fields):
    body = {"code": f"N-{uuid4().hex[:8]}", "name": f"Northern {uuid4().hex[:6]}", **fields}
    made = await client.post(COMPANIES, json=body, headers=org.admin.bearer)
    assert made.status_code == 201, made.text
    return made.json()


async def people_of(client, org, company, count):
    lines = [f"P-{number},Ann,Bo,{company['code']}" for number in range(count)]
    file = "\n".join(["number,given_name,family_name,company_code", *lines])
    headers = {**org.admin.bearer, "Content-Type": "text/csv"}
    done = await client.post("/api/v1/org/people/imports", content=file, headers=headers)
    assert done.status_code == 201, done.text


async def test_a_country_is_taken_in_small_letters_too(client, org):
    new = {"name": "Northern", "code": "N-1", "status": "active", "country": "gb"}
    assert (await sent(client, org, f"{PAGES}/new", **new)).status_code == 303
    (company,) = (await client.get(COMPANIES, headers=org.admin.bearer)).json()["data"]
    assert company["country"] == "GB"
    saved = await sent(
        client, org, f"{PAGES}/{company['id']}", **{**new, "country": "ie", "version": company["version"]}
    )
    assert saved.status_code == 303
    assert (await client.get(f"{COMPANIES}/{company['id']}", headers=org.admin.bearer)).json()["country"] == "IE"


async def test_a_wrong_form_says_which_one_is_right(client, org):
    answer = await sent(client, org, f"{PAGES}/new", name="Northern", code="N 1!", status="active", country="GBR")
    assert answer.status_code == 422
    assert "Code must be letters, digits, dots, dashes and underscores, such as NORTH-01" in answer.text
    assert "Country must be two letters, such as GB" in answer.text
    assert 'value="GBR"' in answer.text


async def test_a_company_with_people_goes_with_them_only_after_a_tick(client, org):
    company = await a_company(client, org)
    question = f"{PAGES}/{company['id']}/delete"
    assert 'name="cascade"' not in (await shown(client, org, question)).text
    await people_of(client, org, company, 3)
    assert "<dt>People</dt><dd>3</dd>" in (await shown(client, org, question)).text
    refused = await sent(client, org, question, version=company["version"])
    assert refused.status_code == 409
    assert "3 people belong to the company." in refused.text
    assert 'name="cascade"' in refused.text
    assert (await sent(client, org, question, version=company["version"], cascade="true")).status_code == 303
    people = await client.get("/api/v1/org/people?deleted=true", headers=org.admin.bearer)
    assert people.json()["meta"]["total"] == 3


async def test_a_late_deletion_asks_again_with_what_changed(client, org):
    company = await a_company(client, org, city="York")
    question = f"{PAGES}/{company['id']}/delete"
    page = (await shown(client, org, question)).text
    seen = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', page.partition("<main")[2]))
    await client.patch(f"{COMPANIES}/{company['id']}", json={"city": "Leeds"}, headers=org.admin.bearer)
    late = await sent(client, org, question, **seen)
    assert late.status_code == 412
    assert "Changed meanwhile" in late.text
    assert "<del>York</del>" in late.text
    assert "<ins>Leeds</ins>" in late.text
    assert f'name="version" value="{company["version"] + 1}"' in late.text
    again = dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', late.text.partition("<main")[2]))
    assert (await sent(client, org, question, **again)).status_code == 303


async def test_an_address_that_does_not_exist_is_a_page_in_the_persons_own_shell(client, org):
    for path in ("/console/nothing", "/console/nothing/at/all", f"{PAGES}/not-an-id/nothing"):
        page = await shown(client, org, path, role="viewer")
        assert page.status_code == 404, path
        assert "Page not found" in page.text
        assert f"Org {org.slug}" in page.text, path
        assert 'aria-label="Main"' in page.text
        stranger = await client.get(path, headers={"Accept": "text/html"})
        assert stranger.status_code == 303, path
        assert stranger.headers["location"].startswith("/console/sign-in?next=")


async def test_an_empty_list_says_why_it_is_empty(client, org):
    assert "No companies yet" in (await shown(client, org, PAGES)).text
    await a_company(client, org)
    for query, said in {
        "page=50": "There is no such page",
        "page=50&deleted=true": "There is no such page",
        "country=ZZ": "No company fits",
        "created_from=9999-12-31T00:00:00Z": "No company fits",
        "deleted=true": "Nothing is deleted",
    }.items():
        answer = await shown(client, org, f"{PAGES}?{query}")
        assert said in answer.text, query
        assert "No companies yet" not in answer.text, query
