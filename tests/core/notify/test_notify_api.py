"""Inbox, preferences and texts through the whole application, with every kind of caller."""

import html
import re
from uuid import uuid4

import pytest
from messages import lending, rows_of

from holdfast.core.notify.public import read_outbox
from holdfast.kernel.permissions import SYSTEM

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
INBOX, CHOICES, TEXTS = "/api/v1/notify/inbox", "/api/v1/notify/preferences", "/api/v1/notify/templates"
OURS = {"Accept": "text/html", "Origin": "http://127.0.0.1:8000"}


@pytest.fixture(autouse=True)
def _lending(home):
    with lending(home):
        yield


async def tell(org, *titles: str, to: str = "user") -> None:
    async with org.home.works.begin(org.id, SYSTEM) as work:
        for title in titles:
            await work.tell("lend.due", [org.members[to].id], title=title)


async def entries(client, org, action: str):
    found = await client.get(f"/api/v1/audit/entries?action={action}", headers=org.auditor.bearer)
    return found.json()["data"]


async def test_everybody_has_an_inbox_of_their_own(client, org, other):
    await tell(org, "Drill", "Saw", "Lamp")
    await tell(org, "Other", to="viewer")
    assert (await client.get(INBOX)).status_code == 401
    assert (await client.get(INBOX, headers=other.user.bearer)).json()["data"] == []
    first = (await client.get(f"{INBOX}?page_size=2", headers=org.user.bearer)).json()
    assert [item["subject"] for item in first["data"]] == ["Lamp is due", "Saw is due"]
    assert first["meta"]["total"] == 3
    rest = await client.get(f"{INBOX}?page_size=2&cursor={first['meta']['next_cursor']}", headers=org.user.bearer)
    [drill] = rest.json()["data"]
    assert (drill["message"], drill["link"], drill["read_at"]) == ("lend.due", "/console/lend/Drill", None)
    assert "bring back Drill" in drill["text"]
    url = f"{INBOX}/{drill['id']}"
    for headers, status in (({}, 401), (other.user.bearer, 404), (org.viewer.bearer, 404), (org.user.bearer, 200)):
        assert (await client.get(url, headers=headers)).status_code == status
        assert (await client.patch(url, json={"read": True}, headers=headers)).status_code == status
    assert (await client.patch(url, json={}, headers=org.user.bearer)).status_code == 422
    unread = await client.get(f"{INBOX}?unread=true", headers=org.user.bearer)
    assert [item["subject"] for item in unread.json()["data"]] == ["Lamp is due", "Saw is due"]
    assert (await client.patch(url, json={"read": False}, headers=org.user.bearer)).json()["read_at"] is None
    assert (await client.post(f"{INBOX}/read-all")).status_code == 401
    assert (await client.post(f"{INBOX}/read-all", headers=org.user.bearer)).json() == {"count": 3}
    assert (await client.post(f"{INBOX}/read-all", headers=org.user.bearer)).json() == {"count": 0}
    assert (await client.get(f"{INBOX}?unread=true", headers=org.viewer.bearer)).json()["meta"]["total"] == 1


async def test_how_one_is_told_is_ones_own_choice(client, org):
    assert (await client.get(CHOICES)).status_code == 401
    before = await client.get(CHOICES, headers=org.user.bearer)
    kinds = {each["name"]: each for each in before.json()["messages"]}
    assert (before.json()["version"], before.json()["digest"], before.headers["etag"]) == (0, "off", '"0"')
    assert kinds["identity.new_sign_in"]["fixed"]
    assert kinds["lend.due"]["channels"] == ["inbox", "mail"]
    for wrong, where in (
        ({"messages": {"lend.lost": []}}, "body.messages.lend.lost"),
        ({"messages": {"identity.new_sign_in": ["inbox"]}}, "body.messages.identity.new_sign_in"),
        ({"messages": {"lend.news": ["mail"]}}, "body.messages.lend.news"),
        ({"quiet_from": "22:00"}, "body.quiet_until"),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "body.quiet_until"),
        ({"quiet_from": "24:00", "quiet_until": "06:00"}, "body.quiet_from"),
        ({"digest_hour": 24}, "body.digest_hour"),
    ):
        for method in (client.put, client.patch):
            refused = await method(CHOICES, json=wrong, headers=org.user.bearer)
            assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, where), refused.text
    wanted = {"digest": "daily", "digest_hour": 7, "messages": {"lend.due": ["mail"]}}
    stale = {**org.user.bearer, "If-Match": '"3"'}
    assert (await client.put(CHOICES, json=wanted, headers=stale)).status_code == 412
    done = await client.put(CHOICES, json=wanted, headers=org.user.bearer)
    assert (done.status_code, done.json()["version"], done.json()["digest"]) == (200, 1, "daily"), done.text
    assert {each["name"]: each["channels"] for each in done.json()["messages"]}["lend.due"] == ["mail"]
    part = await client.patch(CHOICES, json={"messages": {"lend.news": []}}, headers=org.user.bearer)
    assert {each["name"]: each["channels"] for each in part.json()["messages"] if each["name"][:4] == "lend"} == {
        "lend.due": ["mail"],
        "lend.news": [],
    }
    assert (await client.get(CHOICES, headers=org.viewer.bearer)).json()["digest"] == "off"
    assert [entry["actor_id"] for entry in await entries(client, org, "notify.preferences.chosen")] == [
        str(org.user.id)
    ] * 2
    await tell(org, "Drill")
    [row] = await rows_of(org.home, org)
    assert (row.state, row.inbox) == ("held", False)
    await client.patch(CHOICES, json={"digest": "off"}, headers=org.user.bearer)
    [row] = await rows_of(org.home, org)
    assert row.state == "waiting", "what was held leaves where no digest is wanted any more"


async def test_an_organisation_words_messages_itself(client, org, other):
    url, text = f"{TEXTS}/lend.due/en", {"subject": "{{ title | upper }}!", "text": "Now, {{ name }}."}
    for headers, status in (({}, 401), (org.viewer.bearer, 403), (org.admin.bearer, 200)):
        assert (await client.get(TEXTS, headers=headers)).status_code == status
        assert (await client.get(url, headers=headers)).status_code == status
        assert (await client.post(f"{url}/preview", json=text, headers=headers)).status_code == status
        assert (await client.put(url, json=text, headers=headers)).status_code == status
    assert (await client.get(f"{TEXTS}/lend.lost/en", headers=org.admin.bearer)).json()["code"] == "MESSAGE_NOT_FOUND"
    assert (await client.get(f"{TEXTS}/lend.due/fr", headers=org.admin.bearer)).json()["code"] == "TEMPLATE_NOT_FOUND"
    shown = (await client.get(url, headers=org.admin.bearer)).json()
    assert (shown["own"], shown["version"], shown["subject"]) == (True, 1, text["subject"])
    listed = {each["name"]: each for each in (await client.get(TEXTS, headers=org.admin.bearer)).json()["data"]}
    assert (listed["lend.due"]["changed"], listed["lend.due"]["locales"]) == (["en"], ["de", "en"])
    theirs = (await client.get(url, headers=other.admin.bearer)).json()
    assert (theirs["own"], theirs["subject"]) == (False, "{{ title }} is due")
    for wrong, where in (
        ({**text, "text": "{% for x in name %}{% endfor %}"}, "body.text"),
        ({**text, "subject": "a\nb"}, "body.subject"),
        ({**text, "html": "<p>{{ password }}</p>"}, "body.html"),
    ):
        for send in (
            client.put(url, json=wrong, headers=org.admin.bearer),
            client.post(f"{url}/preview", json=wrong, headers=org.admin.bearer),
        ):
            refused = await send
            assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, where), refused.text
    preview = await client.post(f"{url}/preview", json={**text, "html": "<b>{{ title }}</b>"}, headers=org.admin.bearer)
    assert preview.json() == {"subject": "TITLE!", "text": "Now, Alex Example.\n", "html": "<b>Title</b>"}
    await tell(org, "Drill")
    async with org.home.works.begin(org.id, SYSTEM, write=False) as work:
        assert [each.subject for each in await read_outbox(work)] == ["DRILL!"]
    items = (await client.get(INBOX, headers=org.user.bearer)).json()["data"]
    assert items[0]["subject"] == "DRILL!"
    assert (await client.delete(url, headers={**org.admin.bearer, "If-Match": '"9"'})).status_code == 412
    assert (await client.delete(url, headers=org.viewer.bearer)).status_code == 403
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 404
    assert (await client.get(INBOX, headers=org.user.bearer)).json()["data"][0]["subject"] == "Drill is due"
    for action in ("written", "removed"):
        [entry] = await entries(client, org, f"notify.template.{action}")
        assert (entry["entity_type"], entry["actor_id"]) == ("message_template", str(org.admin.id))


async def page_of(client, org, path: str) -> str:
    answer = await client.get(path, headers={**org.user.bearer, "Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", html.unescape(answer.text))


async def test_the_pages_work_without_scripts(client, org):
    headers = {**org.user.bearer, **OURS}
    assert "Nothing here" in await page_of(client, org, "/console/inbox")
    await tell(org, "Drill", f"<b>{uuid4()}</b>")
    page = await page_of(client, org, "/console")
    assert 'Inbox</span><span class="count">2<span class="visually-hidden"> not read' in page
    item = (await client.get(INBOX, headers=org.user.bearer)).json()["data"][1]
    opened = await client.post(f"/console/inbox/{item['id']}", data={"act": "open"}, headers=headers)
    assert (opened.status_code, opened.headers["location"]) == (303, "/console/lend/Drill")
    assert '<span class="count">1' in await page_of(client, org, "/console/inbox")
    back = await client.post(
        f"/console/inbox/{item['id']}", data={"act": "unread", "next": "//evil.test"}, headers=headers
    )
    assert (back.status_code, back.headers["location"]) == (303, "/console/inbox")
    theirs = {**org.viewer.bearer, **OURS}
    assert (await client.post(f"/console/inbox/{item['id']}", data={"act": "read"}, headers=theirs)).status_code == 404
    assert (await client.post("/console/inbox/read-all", headers=headers)).status_code == 303
    assert 'class="count"' not in await page_of(client, org, "/console/inbox")
    assert "Mark as not read" in await page_of(client, org, "/console/inbox?unread=false")


async def test_the_page_of_choices_works_without_scripts(client, org):
    url, headers = "/console/account/notifications", {**org.user.bearer, **OURS}
    assert "A thing is due" in await page_of(client, org, url)
    form = {"version": 0, "digest": "weekly", "digest_hour": "9", "quiet_from": "22:00", "quiet_until": "06:00"}
    sent = {**form, "wanted": ["lend.due:inbox", "lend.news:inbox"]}
    assert (await client.post(url, data=sent, headers=headers)).status_code == 303
    chosen = (await client.get(CHOICES, headers=org.user.bearer)).json()
    assert (chosen["digest"], chosen["quiet_until"], chosen["version"]) == ("weekly", "06:00", 1)
    assert {each["name"]: each["channels"] for each in chosen["messages"]}["lend.due"] == ["inbox"]
    assert 'value="22:00"' in await page_of(client, org, url)
    wrong = await client.post(url, data={**sent, "version": 1, "quiet_until": ""}, headers=headers)
    assert (wrong.status_code, "must be given" in wrong.text) == (422, True)
    assert (await client.post(url, data=sent, headers=headers)).status_code == 412
