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

SEALED = """
import support
import httpx
from holdfast.core.audit.public import EntryList
from holdfast.core.audit.service.reading import browse_entries
from holdfast.core.identity.public import rotate_keys
from holdfast.core.identity.service.tenant_keys import reseal_all
from holdfast.main import create_app
from holdfast_lending.models import LendingItem
from holdfast_lending.service import read_lock_code
from sqlalchemy import select

async def stored(home, org):
    async with org.work("admin", write=False) as work:
        return (await work.session.execute(select(LendingItem.lock_code, LendingItem.lock_index))).one()

async def main():
    async with support.installation_on(DIALECT) as home:
        org, other = await support.make_org(home), await support.make_org(home)
        transport = httpx.ASGITransport(app=create_app(home.settings, home))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            body = {"title": "Safe", "lock_code": "4711-0815"}
            made = await client.post("/api/v1/lending/items", json=body, headers=org.admin.bearer)
            assert made.status_code == 201, made.text
            assert "4711-0815" not in made.text
        before = await stored(home, org)
        assert b"4711" not in before.lock_code.raw
        assert len(before.lock_index) == 32
        [_] = [each async for each in rotate_keys(home.works, data=True, slug=org.slug)]
        await reseal_all(home.works, org.id)
        after = await stored(home, org)
        assert after.lock_code != before.lock_code and after.lock_index == before.lock_index
        async with org.work("user", write=False) as work:
            assert await read_lock_code(work, code="4711-0815") == "Safe: 4711-0815"
            assert await read_lock_code(work, code="4711-0816") is None
        async with other.work("user", write=False) as work:
            assert await read_lock_code(work, code="4711-0815") is None
        async with org.work("auditor", write=False) as work:
            found, _ = await browse_entries(work, EntryList(action="lending.item.added"))
        assert len(found) == 1
        said = found[0].model_dump_json()
        assert "4711" not in said and before.lock_index.hex() not in said and before.lock_code.raw.hex() not in said
"""


@pytest.mark.endpoint
@pytest.mark.portable
def test_a_foreign_app_has_table_migration_endpoint_and_page(dialect: str) -> None:
    run_with_lending(SCRIPT, dialect)


@pytest.mark.service
@pytest.mark.portable
def test_a_foreign_app_seals_a_field_and_finds_by_it(dialect: str) -> None:
    run_with_lending(SEALED, dialect)
