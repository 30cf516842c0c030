"""The pages of signing in, without JavaScript: forms as a browser sends them."""

import html
import re

import httpx
import pytest

from authenticator import Authenticator, give_authenticator, link_sent, outbox, set_policy
from callers import Caller, add_caller
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint]
SIGN_IN, SECOND, HERE = "/console/sign-in", "/console/second-factor", {"Origin": "http://127.0.0.1:8000"}
FORGOT, RESET = "/console/forgot-password", "/console/reset-password"
NEW = "stone under the seventh bridge"


@pytest.fixture
async def bea(org: Org) -> Caller:
    return await add_caller(org, "Viewer", password=PASSWORD)


async def post(client: httpx.AsyncClient, url: str, **fields: str) -> httpx.Response:
    return await client.post(url, data=fields, headers=HERE)


def hidden(page: httpx.Response, name: str) -> str:
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page.text)[1])


async def to_second(client: httpx.AsyncClient, caller: Caller) -> httpx.Response:
    page = await post(client, SIGN_IN, name=caller.email, password=PASSWORD, next="/console/companies")
    assert page.status_code == 200, page.text
    assert not any(each.startswith("holdfast") for each in page.headers.get_list("set-cookie"))
    return page


async def test_the_second_page_takes_a_code_or_a_recovery_code(client, timed, org, hands, bea) -> None:
    app, codes = await give_authenticator(timed, org, bea.id)
    code = app.code()
    for shown in ({"code": f"{code[:3]} {code[3:]}"}, {"code": "", "recovery_code": codes[0]}):
        page = await to_second(client, bea)
        token = hidden(page, "mfa_token")
        target = hidden(page, "next")
        wrong = await post(client, SECOND, mfa_token=token, next=target, code=app.wrong())
        assert wrong.status_code == 401
        assert "wrong, too old" in html.unescape(wrong.text)
        assert hidden(wrong, "mfa_token") == token
        neither = await post(client, SECOND, mfa_token=token, next=target, code="")
        assert (neither.status_code, hidden(neither, "mfa_token")) == (422, token)
        done = await post(client, SECOND, mfa_token=token, next=target, **shown)
        assert (done.status_code, done.headers["location"]) == (303, "/console/companies")
        assert (await client.get("/api/v1/auth/me")).json()["user"]["id"] == str(bea.id)
        client.cookies.delete("holdfast")


async def test_the_second_page_sends_back_who_has_no_sign_in_that_waits(client, timed, org, bea) -> None:
    app, _ = await give_authenticator(timed, org, bea.id)
    begun = await client.get(SECOND)
    assert (begun.status_code, begun.headers["location"]) == (303, SIGN_IN)
    over = await post(client, SECOND, mfa_token="hfm_" + "A" * 86, code=app.code())
    assert (over.status_code, over.headers["location"]) == (303, SIGN_IN)
    token = hidden(await to_second(client, bea), "mfa_token")
    elsewhere = await client.post(
        SECOND, data={"mfa_token": token, "code": app.code()}, headers={"Origin": "https://evil.test"}
    )
    assert elsewhere.status_code == 403
    out = await post(client, SECOND, mfa_token=token, code=app.code(), next="https://evil.test/x")
    assert out.headers["location"] == "/console"


async def test_who_needs_a_second_factor_sets_it_up_and_sees_recovery_codes_once(client, timed, org, bea) -> None:
    await set_policy(timed, org, mfa_roles=["Viewer"])
    page = await to_second(client, bea)
    secret = re.search(r"secret=([A-Z2-7]{32})", page.text)[1]
    assert " ".join(re.findall("....", secret)) in page.text
    app, token = Authenticator(secret, timed.works.clock), hidden(page, "mfa_token")
    wrong = await post(client, SECOND, mfa_token=token, code=app.wrong())
    assert secret in wrong.text, "the secret is shown again"
    done = await post(client, SECOND, mfa_token=token, code=app.code(), next="/console/companies")
    assert done.status_code == 200, done.text
    assert done.headers["cache-control"] == "no-store"
    codes = re.findall(r"<code>([a-z2-7-]{27})</code>", done.text)
    assert len(codes) == 10
    assert 'href="/console/companies"' in done.text
    assert (await client.get("/api/v1/auth/mfa")).json()["totp"] is True
    client.cookies.delete("holdfast")
    token = hidden(await to_second(client, bea), "mfa_token")
    assert (await post(client, SECOND, mfa_token=token, recovery_code=codes[9])).status_code == 303


async def test_a_forgotten_password_by_the_pages(client, timed, org, bea) -> None:
    assert f'href="{FORGOT}"' in (await client.get(SIGN_IN)).text
    assert (await client.get(FORGOT)).status_code == 200
    for email in (bea.email, "nobody@nowhere.test"):
        sent = await post(client, FORGOT, email=email, organization="")
        assert (sent.status_code, sent.headers["location"]) == (303, SIGN_IN)
        assert "If there is such an account" in html.unescape((await client.get(SIGN_IN)).text)
    assert [message.to for message in await outbox(timed, org)] == [bea.email]
    assert (await post(client, FORGOT, email="")).status_code == 422
    token = await link_sent(timed, org)
    assert token not in (await client.get(RESET)).text
    weak = await post(client, RESET, token=token, new_password="short")
    assert weak.status_code == 422
    assert f'value="{token}"' in weak.text, "the code of the link is kept in the form"
    assert "short" not in re.sub(r"<[^>]*class=\"hint\".*", "", weak.text).replace("Short", "")
    wrong = await post(client, RESET, token="hfl_x", new_password=NEW)
    assert wrong.status_code == 403
    assert "ask for a new link" in wrong.text
    done = await post(client, RESET, token=token, new_password=NEW)
    assert (done.status_code, done.headers["location"]) == (303, SIGN_IN)
    again = await post(client, SIGN_IN, name=bea.email, password=NEW)
    assert (again.status_code, again.headers["location"]) == (303, "/console")
