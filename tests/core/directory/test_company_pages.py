"""The pages of a company: what they take, what they say when something is wrong."""

import pytest

pytestmark = pytest.mark.endpoint
COMPANIES = "/api/v1/org/companies"
PAGES = "/console/companies"


async def sent(client, org, path, **fields):
    """Send a form as the administrator and return the answer; a bearer's forms need no token."""
    headers = {**org.admin.bearer, "Accept": "text/html", "Origin": "http://127.0.0.1:8000"}
    return await client.post(path, data=fields, headers=headers)


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
