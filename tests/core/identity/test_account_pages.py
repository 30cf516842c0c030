"""The pages of one's own account, without JavaScript: forms as a browser sends them."""

import html
import re

import httpx
import pytest

from authenticator import Authenticator
from callers import Caller, add_caller
from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.public import open_session
from holdfast.core.identity.queries import get_user
from holdfast.kernel.permissions import SYSTEM
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint]
ACCOUNT, HERE = "/console/account", "http://127.0.0.1:8000"
FACTOR, KEYS, CONFIRM = f"{ACCOUNT}/second-factor", f"{ACCOUNT}/keys", f"{ACCOUNT}/confirm"
NEW = "stone under the seventh bridge"


class Browser:
    """A signed-in browser: it carries the cookie, and the token of the page that it looks at."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.page = ""

    async def open(self, url: str, *, status: int = 200) -> str:
        answer = await self.client.get(url, headers={"Accept": "text/html"})
        assert answer.status_code == status, answer.text
        return self._look(answer)

    async def send(self, url: str, *, seen: str = ACCOUNT, status: int = 303, **fields: str) -> httpx.Response:
        headers = {"Origin": HERE, "Referer": f"{HERE}{seen}", "Accept": "text/html"}
        fields = {"csrf_token": self.hidden("csrf_token"), **fields}
        answer = await self.client.post(url, data=fields, headers=headers)
        assert answer.status_code == status, answer.text
        if answer.text:
            self._look(answer)
        return answer

    def hidden(self, name: str) -> str:
        return html.unescape(re.findall(rf'name="{name}" value="([^"]*)"', self.page)[-1])

    def _look(self, answer: httpx.Response) -> str:
        if 'name="csrf_token"' in answer.text:
            self.page = answer.text
        return html.unescape(re.sub(r"\s+", " ", answer.text))


async def signed_in(client: httpx.AsyncClient, caller: Caller) -> Browser:
    body = {"email": caller.email, "password": PASSWORD, "session": "cookie"}
    answer = await client.post("/api/v1/auth/login", json=body, headers={"Origin": HERE})
    assert answer.status_code == 200, answer.text
    browser = Browser(client)
    await browser.open(ACCOUNT)
    return browser


async def alone(client: httpx.AsyncClient, url: str, token: str) -> httpx.Response:
    """Read by a token, without the browser's cookie."""
    async with httpx.AsyncClient(transport=client._transport, base_url=client.base_url) as other:
        return await other.get(url, headers={"Authorization": f"Bearer {token}"})


async def actions(client: httpx.AsyncClient, org: Org, caller: Caller) -> list[str]:
    url = f"/api/v1/audit/entries?actor_id={caller.id}&page_size=50"
    return [each["action"] for each in (await alone(client, url, org.auditor.access)).json()["data"]]


@pytest.fixture
async def bea(org: Org) -> Caller:
    return await add_caller(org, "Operator", password=PASSWORD)


async def test_every_page_asks_who_it_is(client) -> None:
    for url in (ACCOUNT, f"{ACCOUNT}/password", FACTOR, KEYS, CONFIRM, f"{KEYS}/new"):
        answer = await client.get(url, headers={"Accept": "text/html"})
        assert answer.headers["location"].startswith("/console/sign-in?next="), url


async def test_sessions_are_shown_and_ended(client, org, bea) -> None:
    browser = await signed_in(client, bea)
    page = await browser.open(ACCOUNT)
    assert page.count("This session") == 1
    assert f"{ACCOUNT}/sessions/{bea.session_id}" in page
    await browser.send(f"{ACCOUNT}/sessions/{org.admin.session_id}", status=404)
    await browser.send(f"{ACCOUNT}/sessions/{bea.session_id}")
    assert str(bea.session_id) not in await browser.open(ACCOUNT)
    assert (await client.get("/api/v1/auth/me", headers=bea.bearer)).status_code == 401
    other = await add_session(org, bea)
    assert "Sign out everywhere else" in await browser.open(ACCOUNT)
    await browser.send(ACCOUNT)
    assert (await client.get("/api/v1/auth/me", headers=other.bearer)).status_code == 401
    assert "Sign out everywhere else" not in await browser.open(ACCOUNT)
    assert (await actions(client, org, bea)).count("identity.session.revoked") == 2


async def add_session(org: Org, caller: Caller) -> Caller:
    async with org.home.works.begin(org.id, SYSTEM) as work:
        user = await get_user(work, user_id=caller.id)
        opened = open_session(work, org.home.desk, user=user, kind=SessionKind.TOKEN)
        work.record(SignedIn(entity=opened.session))
    return Caller(caller.id, caller.email, opened.access_token, opened.refresh_token, opened.session.id)


async def test_a_form_from_elsewhere_tries_nothing(client, org, bea) -> None:
    browser = await signed_in(client, bea)
    fields = {"current_password": "wrong", "new_password": NEW, "password": PASSWORD, "next": ACCOUNT}
    for url in (f"{ACCOUNT}/password", CONFIRM):
        await browser.send(url, csrf_token="A" * 43, status=403, **fields)
    assert not {"identity.password.change", "identity.session.verified"} & set(await actions(client, org, bea))


async def test_the_password_is_changed(client, org, bea) -> None:
    browser = await signed_in(client, bea)
    url = f"{ACCOUNT}/password"
    await browser.open(url)
    await browser.send(url, current_password="no, not this one", new_password=NEW, status=422)
    assert "The present password is not your present password" in html.unescape(browser.page)
    await browser.send(url, current_password=PASSWORD, new_password="short", status=422)
    assert "The new password must have at least" in html.unescape(browser.page)
    assert "short" not in browser.page.partition("<main")[2].replace("shortest", "")
    done = await browser.send(url, current_password=PASSWORD, new_password=NEW)
    assert done.headers["location"] == ACCOUNT
    assert "Your password was changed" in await browser.open(ACCOUNT)
    assert (await client.get("/api/v1/auth/me", headers=bea.bearer)).status_code == 401
    assert "identity.password.set" in await actions(client, org, bea)


async def test_a_second_factor_is_set_up_used_and_removed(client, hands, org, bea) -> None:
    browser = await signed_in(client, bea)
    await browser.open(FACTOR)
    shown = await browser.send(FACTOR, status=200, seen=FACTOR)
    secret, uri = browser.hidden("secret"), browser.hidden("uri")
    assert secret in uri
    assert shown.headers["cache-control"] == "no-store"
    app = Authenticator(secret, hands)
    await browser.send(f"{FACTOR}/confirm", secret=secret, uri=uri, code=app.wrong(), status=422)
    assert (browser.hidden("secret"), "The code is wrong" in browser.page) == (secret, True)
    code = app.code()
    await browser.send(f"{FACTOR}/confirm", secret=secret, uri=uri, code=f"{code[:3]} {code[3:]}", status=200)
    codes = re.findall(r"<li><code>([\w-]+)</code></li>", browser.page)
    assert len(codes) == 10
    assert "10 left" in await browser.open(FACTOR)
    await browser.send(f"{FACTOR}/recovery-codes", status=200)
    renewed = re.findall(r"<li><code>([\w-]+)</code></li>", browser.page)
    assert not set(renewed) & set(codes)
    hands.forward(minutes=11)
    asked = await browser.open(f"{FACTOR}/remove", status=303)
    assert asked == ""
    await browser.open(f"{CONFIRM}?next={FACTOR}/remove")
    assert browser.hidden("next") == f"{FACTOR}/remove"
    await browser.send(CONFIRM, next=f"{FACTOR}/remove", recovery_code=codes[0], status=422)
    before = client.cookies["holdfast"]
    done = await browser.send(CONFIRM, next=f"{FACTOR}/remove", recovery_code=renewed[0])
    assert done.headers["location"] == f"{FACTOR}/remove"
    assert client.cookies["holdfast"] != before
    assert "Remove your second factor?" in await browser.open(f"{FACTOR}/remove")
    await browser.send(f"{FACTOR}/remove")
    assert "Set up an authenticator" in await browser.open(FACTOR)
    told = await actions(client, org, bea)
    assert {"identity.mfa.confirmed", "identity.mfa.removed", "identity.session.verified"} <= set(told)


async def test_what_asks_again_leads_there_and_back(client, hands, bea) -> None:
    browser = await signed_in(client, bea)
    hands.forward(minutes=11)
    for method, url in (("GET", f"{KEYS}/new"), ("POST", FACTOR)):
        headers = {"Origin": HERE, "Referer": f"{HERE}{url}", "Accept": "text/html"}
        token = {"csrf_token": browser.hidden("csrf_token")} if method == "POST" else None
        answer = await client.request(method, url, data=token, headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{CONFIRM}?next={url.replace('/', '%2F')}")
    api = await client.post("/api/v1/auth/mfa/totp", headers={"Origin": HERE, "X-CSRF-Token": token["csrf_token"]})
    assert (api.status_code, api.json()["code"]) == (403, "STEP_UP_REQUIRED")
    await browser.open(CONFIRM)
    await browser.send(CONFIRM, password="no, not this one", next=KEYS, status=422)
    assert "The password is not your present password" in html.unescape(browser.page)
    out = await browser.send(CONFIRM, password=PASSWORD, next="https://evil.test/x")
    assert out.headers["location"] == ACCOUNT
    assert "New API key" in await browser.open(f"{KEYS}/new")


async def test_keys_are_made_shown_once_and_ended(client, org, bea) -> None:
    browser = await signed_in(client, bea)
    url = f"{KEYS}/new"
    await browser.open(url)
    await browser.send(url, label="", days="30", status=422)
    assert "What it is for" in browser.page
    lacking = {"label": "Export", "days": "30", "scopes": "directory.person.read\nidentity.user.delete"}
    await browser.send(url, status=422, **lacking)
    assert "must be a permission that you hold" in browser.page
    good = {"label": "Export <b>", "days": "30", "scopes": "directory.person.read", "networks": "10.0.0.0/8"}
    await browser.send(url, status=200, **good)
    text = re.search(r"hf_test_\w+", browser.page)[0]
    people = "/api/v1/org/people"
    read = await alone(client, people, text)
    assert read.status_code == 200, (text, read.text)
    listed = await browser.open(KEYS)
    assert (text in listed, "Export <b>" in listed, "10.0.0.0/8" in listed) == (False, True, True)
    [key_id] = set(re.findall(rf"{KEYS}/([0-9a-f-]+)/end", listed))
    assert "End Export" in await browser.open(f"{KEYS}/{key_id}/end")
    await browser.send(f"{KEYS}/{key_id}/end")
    assert (await alone(client, people, text)).status_code == 401
    assert "No keys" in await browser.open(KEYS)
    assert {"identity.api_key.created", "identity.api_key.revoked"} <= set(await actions(client, org, bea))


async def test_who_may_make_no_key_sees_no_way_to(client, org) -> None:
    browser = await signed_in(client, await add_caller(org, "Viewer", password=PASSWORD))
    assert "New key" not in await browser.open(KEYS)
    await browser.open(f"{KEYS}/new", status=403)


async def test_a_permission_that_there_is_none_of_is_told_at_its_field(client, org: Org) -> None:
    browser = await signed_in(client, await add_caller(org, "Admin", password=PASSWORD))
    await browser.open(f"{KEYS}/new")
    sent = {"label": "Payroll", "days": "30", "scopes": "directory.person.read no.such.right"}
    answer = await browser.send(f"{KEYS}/new", seen=f"{KEYS}/new", status=422, **sent)
    assert 'aria-describedby="field-scopes-hint field-scopes-fault" aria-invalid="true"' in answer.text
    assert "directory.person.read no.such.right</textarea>" in answer.text
