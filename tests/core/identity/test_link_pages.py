"""The pages behind one-time links: an invitation, a new address. They work without a script, the code typed in."""

from uuid import uuid4

import pytest

from callers import add_caller
from posts import last_link
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint]
ORIGIN = {"Origin": "http://127.0.0.1:8000"}
INVITATION, EMAIL = "/console/invitation", "/console/email"


def address() -> str:
    return f"p{uuid4().hex[:10]}@x.test"


async def test_the_page_of_an_invitation_sets_the_password_once(client, org: Org) -> None:
    email = address()
    await client.post("/api/v1/users", json={"email": email, "name": "New"}, headers=org.admin.bearer)
    token = await last_link(org, email)
    shown = await client.get(INVITATION)
    assert shown.status_code == 200
    assert 'name="token"' in shown.text
    assert "identity/link.js" in shown.text
    weak = await client.post(INVITATION, data={"token": token, "password": "short"}, headers=ORIGIN)
    assert weak.status_code == 422
    assert "at least" in weak.text
    assert "short" not in weak.text.replace("shorter", "")
    done = await client.post(INVITATION, data={"token": token, "password": PASSWORD}, headers=ORIGIN)
    assert (done.status_code, done.headers["location"]) == (303, "/console/sign-in")
    signed = await client.post("/api/v1/auth/login", json={"email": email, "password": PASSWORD})
    assert signed.status_code == 200
    again = await client.post(INVITATION, data={"token": token, "password": PASSWORD}, headers=ORIGIN)
    assert again.status_code == 403
    assert "not or no longer good" in again.text


async def test_the_page_of_a_new_address_confirms_it_once(client, org: Org) -> None:
    ben, new = await add_caller(org, "Viewer"), address()
    await client.post("/api/v1/auth/email", json={"email": new}, headers=ben.bearer)
    token = await last_link(org, new)
    assert (await client.get(EMAIL)).status_code == 200
    done = await client.post(EMAIL, data={"token": token}, headers=ORIGIN)
    assert (done.status_code, done.headers["location"]) == (303, "/console/sign-in")
    me = await client.get("/api/v1/auth/me", headers=ben.bearer)
    assert me.json()["user"]["email"] == new
    assert (await client.post(EMAIL, data={"token": token}, headers=ORIGIN)).status_code == 403


@pytest.mark.parametrize("page", [INVITATION, EMAIL])
async def test_a_form_of_another_site_and_an_empty_one_are_refused(page: str, client) -> None:
    elsewhere = {"Origin": "https://evil.example"}
    assert (await client.post(page, data={"token": "x", "password": PASSWORD}, headers=elsewhere)).status_code == 403
    assert (await client.post(page, data={"token": ""}, headers=ORIGIN)).status_code == 422


async def test_the_script_of_the_pages_is_served(client) -> None:
    page = await client.get(INVITATION)
    source = next(part for part in page.text.split('"') if "identity/link.js" in part)
    served = await client.get(source)
    assert served.status_code == 200
    assert "history.replaceState" in served.text, "the secret stays in no history"
