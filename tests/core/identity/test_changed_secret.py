"""What another SECRET_KEY ends and what goes on, and the statement that ends every session, as the page has it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from callers import add_caller
from clients import client_of
from holdfast.kernel.clock import rfc3339, system_clock
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import open_installation
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
ME, LOGIN, REFRESH = "/api/v1/auth/me", "/api/v1/auth/login", "/api/v1/auth/refresh"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "start" / "production.md"


async def test_another_secret_ends_no_session_and_the_statement_of_the_page_ends_all(client, home, org: Org) -> None:
    ben = await add_caller(org, "Admin", password=PASSWORD)
    body = {"email": ben.email, "password": PASSWORD, "organization": org.slug}
    browser = await client.post(LOGIN, json={**body, "session": "cookie"}, headers={"Origin": "http://127.0.0.1:8000"})
    cookie = {"Cookie": browser.headers["set-cookie"].partition(";")[0]}
    client.cookies.clear()
    new = {"label": "Mine", "expires_at": rfc3339(system_clock() + timedelta(days=30))}
    made = await client.post("/api/v1/api-keys", json=new, headers=ben.bearer)
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    other = open_installation(home.settings.model_copy(update={"secret_key": "another secret that is long enough too"}))
    try:
        async with client_of(other) as late:
            assert (await late.get(ME, headers=ben.bearer)).status_code == 401, "access tokens end"
            assert (await late.post(LOGIN, json=body)).status_code == 401, "nobody is known by name"
            assert (await late.get(ME, headers=cookie)).status_code == 200, "the browser's session goes on"
            assert (await late.get(ME, headers=key)).status_code == 200, "so does the API key"
            refreshed = await late.post(REFRESH, json={"refresh_token": ben.refresh})
            assert refreshed.status_code == 200, "so does the refresh token"
            bearer = {"Authorization": f"Bearer {refreshed.json()['access_token']}"}
            assert (await late.get(ME, headers=bearer)).status_code == 200
            await end_all(other, org)
            assert (await late.get(ME, headers=bearer)).status_code == 401
            assert (await late.get(ME, headers=cookie)).status_code == 401
            again = await late.post(REFRESH, json={"refresh_token": refreshed.json()["refresh_token"]})
            assert again.status_code == 401
            assert (await late.get(ME, headers=key)).status_code == 200, "API keys are left out"
    finally:
        await other.close()


async def end_all(home, org: Org) -> None:
    """Run the statement of the page, in the test's own organisation alone."""
    [statement] = re.findall(r"^UPDATE session .*?;", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    async with home.works.begin(org.id, SYSTEM) as work:
        mark = {"postgresql": "$1", "mysql": "%s", "sqlite": "?"}[work.link.dialect]
        value = org.id if work.link.dialect == "postgresql" else org.id.hex
        await work.link.execute(f"{statement.rstrip(';')} AND tenant_id = {mark}", [value])
