"""Read-only mode: every change is refused by name, signing in and reading go on."""

import httpx
import pytest

from holdfast.main import create_app
from support import PASSWORD, installation_on, make_org

pytestmark = pytest.mark.endpoint


async def test_changes_are_refused_and_reading_goes_on():
    async with installation_on("sqlite") as home:
        org = await make_org(home, password=True)
        home.settings = home.works.settings = home.settings.model_copy(update={"read_only": True})
        transport = httpx.ASGITransport(app=create_app(home.settings, home))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            url = "/api/v1/org/companies"
            refused = await client.post(url, json={"code": "A", "name": "B"}, headers=org.admin.bearer)
            assert (refused.status_code, refused.json()["code"]) == (503, "READ_ONLY")
            assert refused.headers["retry-after"] == "60"
            assert (await client.get(url, headers=org.admin.bearer)).json()["data"] == []
            name = {"email": org.admin.email, "password": PASSWORD}
            assert (await client.post("/api/v1/auth/login", json=name)).status_code == 200
