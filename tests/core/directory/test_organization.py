"""The organisation's own record through the whole application."""

import pytest

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org"


async def test_what_is_left_out_stays_and_what_is_null_is_emptied(client, org, other):
    given = {"legal_name": "Ours Ltd", "industry": "Retail", "time_zone": "Europe/Berlin", "website": "https://x.test"}
    changed = await client.patch(URL, json=given, headers=org.admin.bearer)
    assert changed.status_code == 200, changed.text
    assert changed.json().items() >= {**given, "country": "GB", "name": f"Org {org.slug}", "version": 2}.items()
    emptied = (await client.patch(URL, json={"website": None}, headers=org.admin.bearer)).json()
    assert emptied.items() >= {**given, "website": None}.items()
    assert (await client.get(URL, headers=org.viewer.bearer)).json() == emptied
    optional = ("legal_name", "industry", "country", "website")
    blank = await client.patch(URL, json=dict.fromkeys(optional, " "), headers=org.admin.bearer)
    assert [blank.json()[name] for name in optional] == [None] * 4, blank.text
    assert (await client.get(URL, headers=other.viewer.bearer)).json()["name"] == f"Org {other.slug}"
    assert (await client.patch(URL, json=given, headers=org.viewer.bearer)).status_code == 403


WRONG = [
    ("time_zone", "Europe/Atlantis"),
    ("time_zone", "europe/berlin"),
    ("time_zone", "../../etc/passwd"),
    ("time_zone", ""),
    ("time_zone", None),
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
