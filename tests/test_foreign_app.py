"""An app that is no part of Holdfast: found as ours are, with a table, a migration, endpoints and a page of its own."""

import pytest

from foreigner import run_with_lending

SCRIPT = """
import support
import httpx
from holdfast.kernel.discovery import discover
from holdfast.main import create_app

async def main():
    async with support.installation_on(DIALECT) as home:
        assert "lending" in [app.name for app in home.apps]
        assert any(e.path == "/api/v1/lending/items" for e in discover(home.apps))
        org, other = await support.make_org(home), await support.make_org(home)
        transport = httpx.ASGITransport(app=create_app(home.settings, home))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            url = "/api/v1/lending/items"
            made = await client.post(url, json={"title": "Projector"}, headers=org.admin.bearer)
            assert made.status_code == 201, made.text
            listed = await client.get(url, headers=org.user.bearer)
            assert [row["title"] for row in listed.json()["data"]] == ["Projector"], listed.text
            assert (await client.get(url, headers=other.admin.bearer)).json()["data"] == []
            assert (await client.get(url, headers=org.viewer.bearer)).status_code == 403
            assert (await client.post(url, json={"title": "x"}, headers=org.user.bearer)).status_code == 403
            trail = await client.get("/api/v1/audit/entries?action=lending.item.added", headers=org.auditor.bearer)
            assert [row["entity_id"] for row in trail.json()["data"]] == [made.json()["id"]], trail.text
            page = await client.get("/console/lending", headers={**org.user.bearer, "accept": "text/html"})
            assert page.status_code == 200 and "Projector" in page.text, page.text
"""


@pytest.mark.endpoint
@pytest.mark.portable
def test_a_foreign_app_has_table_migration_endpoint_and_page(dialect: str) -> None:
    run_with_lending(SCRIPT, dialect)
