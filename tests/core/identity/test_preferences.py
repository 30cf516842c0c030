"""What users choose for parts of the console."""

import asyncio

import pytest

from callers import add_caller
from support import Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/auth/preferences"
THEME, PAGE = f"{URL}/console.theme", f"{URL}/lists.page_size"


async def test_a_choice_is_ones_own_kept_changed_and_taken_back(client, org: Org, other: Org) -> None:
    ann, ben = await add_caller(org), await add_caller(org)
    assert (await client.get(URL)).status_code == 401
    assert (await client.get(URL, headers=ann.bearer)).json() == {"data": []}
    assert (await client.get(THEME, headers=ann.bearer)).status_code == 404
    made = await client.put(THEME, json={"theme": "dark"}, headers=ann.bearer)
    assert (made.status_code, made.json()["value"], made.json()["version"]) == (200, {"theme": "dark"}, 1), made.text
    await client.put(PAGE, json={"page_size": 25}, headers=ann.bearer)
    same = await client.put(THEME, json={"theme": "dark"}, headers=ann.bearer)
    assert same.json()["version"] == 1
    stale = await client.put(THEME, json={"theme": "light"}, headers={**ann.bearer, "If-Match": '"7"'})
    assert stale.status_code == 412
    changed = await client.put(THEME, json={"theme": "light"}, headers={**ann.bearer, "If-Match": '"1"'})
    assert changed.json()["value"] == {"theme": "light"}
    listed = (await client.get(URL, headers=ann.bearer)).json()["data"]
    assert [(each["name"], each["value"]) for each in listed] == [
        ("console.theme", {"theme": "light"}),
        ("lists.page_size", {"page_size": 25}),
    ]
    for stranger in (ben, other.admin, org.admin):
        assert (await client.get(URL, headers=stranger.bearer)).json() == {"data": []}
    assert (await client.delete(THEME, headers=ann.bearer)).status_code == 204
    assert (await client.delete(THEME, headers=ann.bearer)).status_code == 404
    assert (await client.get(THEME, headers=ann.bearer)).status_code == 404
    entries = await client.get(f"/api/v1/audit/entries?actor_id={ann.id}", headers=org.auditor.bearer)
    told = [each["action"] for each in entries.json()["data"]]
    assert told.count("identity.preference.chosen") == 3
    assert told[0] == "identity.preference.forgotten"


@pytest.mark.parametrize(
    ("url", "value", "status", "place"),
    [
        (THEME, {"theme": "pink"}, 422, "body.theme"),
        (THEME, {}, 422, "body.theme"),
        (THEME, {"theme": "dark", "more": 1}, 422, "body.more"),
        (THEME, [], 422, "body"),
        (THEME, "dark", 422, "body"),
        (PAGE, {"page_size": 9}, 422, "body.page_size"),
        (PAGE, {"page_size": 201}, 422, "body.page_size"),
        (PAGE, {"page_size": "many"}, 422, "body.page_size"),
        (THEME, {"theme": "dark", "x": "y" * 17_000}, 422, "body"),
    ],
)
async def test_what_the_form_does_not_take_names_its_place(url, value, status, place, client, org: Org) -> None:
    answer = await client.put(url, json=value, headers=org.user.bearer)
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (status, place), answer.text
    assert (await client.get(URL, headers=org.user.bearer)).json() == {"data": []}


async def test_a_name_that_no_app_declares_is_not_found(client, org: Org) -> None:
    for name in ("nothing.here", "console.themes", "x", "console.theme%00", ".."):
        answer = await client.put(f"{URL}/{name}", json={"theme": "dark"}, headers=org.user.bearer)
        assert answer.status_code in (404, 405, 422), (name, answer.text)
        assert (await client.delete(f"{URL}/nothing.here", headers=org.user.bearer)).status_code == 404


async def test_first_choices_at_once_come_one_after_the_other(client, org: Org) -> None:
    themes = ["dark", "light"] * 4
    answers = await asyncio.gather(
        *(client.put(THEME, json={"theme": theme}, headers=org.user.bearer) for theme in themes)
    )
    assert {each.status_code for each in answers} == {200}, [each.text for each in answers]
