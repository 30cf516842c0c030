"""The organisation's own record through the whole application."""

import pytest

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org"


async def test_what_is_left_out_stays_and_what_is_null_is_emptied(client, org, other):
    given = {
        "legal_name": "Ours Ltd",
        "industry": "Retail",
        "time_zone": "Europe/Berlin",
        "locale": "de",
        "website": "https://x.test",
    }
    changed = await client.patch(URL, json=given, headers=org.admin.bearer)
    assert changed.status_code == 200, changed.text
    assert changed.json().items() >= {**given, "country": "GB", "name": f"Org {org.slug}", "version": 2}.items()
    emptied = (await client.patch(URL, json={"website": None}, headers=org.admin.bearer)).json()
    assert emptied.items() >= {**given, "website": None}.items()
    assert (await client.get(URL, headers=org.viewer.bearer)).json() == emptied
    optional = ("legal_name", "industry", "country", "website", "locale")
    blank = await client.patch(URL, json=dict.fromkeys(optional, " "), headers=org.admin.bearer)
    assert [blank.json()[name] for name in optional] == [None] * 5, blank.text
    assert (await client.get(URL, headers=other.viewer.bearer)).json()["name"] == f"Org {other.slug}"
    assert (await client.patch(URL, json=given, headers=org.viewer.bearer)).status_code == 403


async def test_the_trail_says_who_chose_the_language_of_messages(client, org, other):
    assert (await client.get(URL, headers=org.viewer.bearer)).json()["locale"] is None
    changed = await client.patch(URL, json={"locale": "de-CH"}, headers=org.admin.bearer)
    assert (changed.status_code, changed.json()["locale"]) == (200, "de-CH"), changed.text
    assert (await client.patch(URL, json={"locale": "de"}, headers=org.viewer.bearer)).status_code == 403
    assert (await client.patch(URL, json={"locale": "de"})).status_code == 401
    assert (await client.get(URL, headers=other.viewer.bearer)).json()["locale"] is None
    history = f"/api/v1/audit/entities/organization/{org.id}/history"
    newest = (await client.get(history, headers=org.auditor.bearer)).json()["data"][0]
    assert (newest["action"], newest["actor_id"]) == ("directory.organization.updated", str(org.admin.id))
    assert (newest["before"]["locale"], newest["after"]["locale"]) == (None, "de-CH")


WRONG = [
    ("time_zone", "Europe/Atlantis"),
    ("time_zone", "europe/berlin"),
    ("time_zone", "../../etc/passwd"),
    ("time_zone", ""),
    ("time_zone", None),
    ("locale", "de_DE"),
    ("locale", "d"),
    ("locale", "../en"),
    ("locale", "de-" + "x" * 40),
    ("website", "javascript:alert(1)"),
    ("website", "ftp://x.test"),
    ("website", "https://"),
    ("website", "https://x.test/a b"),
    ("website", "see https://x.test"),
    ("website", f"https://x.test/{'x' * 300}"),
    ("country", "gb"),
    ("name", ""),
]


async def test_what_no_record_may_hold_is_refused_by_name(client, org):
    before = (await client.get(URL, headers=org.admin.bearer)).json()
    for name, value in WRONG:
        refused = await client.patch(URL, json={name: value}, headers=org.admin.bearer)
        assert refused.status_code == 422, (name, value, refused.text)
        assert [error["location"] for error in refused.json()["errors"]] == [f"body.{name}"]
    assert (await client.get(URL, headers=org.admin.bearer)).json() == before
