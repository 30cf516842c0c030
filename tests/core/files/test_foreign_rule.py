"""A file rule of an app that is no part of Holdfast: declared beside its permissions, nothing else."""

import pytest

from foreigner import run_with_lending

SCRIPT = """
import support
import httpx
from holdfast.main import create_app

PNG = bytes.fromhex("89504e470d0a1a0a") + b"picture"

async def main():
    async with support.installation_on(DIALECT) as home:
        org = await support.make_org(home)
        transport = httpx.ASGITransport(app=create_app(home.settings, home))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            item = (await client.post("/api/v1/lending/items", json={"title": "Projector"}, headers=org.admin.bearer)).json()
            said = {"rule": "lending.attachment", "owner_kind": "lending_item", "owner_id": item["id"]}

            async def send(content, name, who):
                files = {"file": (name, content)}
                return await client.post("/api/v1/files", data=said, files=files, headers=who.bearer)

            made = await send(PNG, "a.png", org.admin)
            assert made.status_code == 201, made.text
            assert (await send(PNG, "a.png", org.operator)).status_code == 403
            for content, name in ((b"%PDF-1.4", "a.pdf"), (b"text", "a.txt"), (PNG + b"x" * 100_000, "b.png")):
                refused = await send(content, name, org.admin)
                assert refused.status_code in (413, 422), refused.text
                assert refused.json()["code"] in ("FILE_REFUSED", "CONTENT_TOO_LARGE"), refused.text
            url = f"/api/v1/files/{made.json()['id']}/content"
            assert (await client.get(url, headers=org.user.bearer)).content == PNG
            assert (await client.get(url, headers=org.viewer.bearer)).status_code == 404, "the rule asks for more"
            query = f"owner_kind=lending_item&owner_id={item['id']}"
            listed = (await client.get(f"/api/v1/files?{query}", headers=org.user.bearer)).json()["data"]
            assert [row["name"] for row in listed] == ["a.png"]
            assert (await client.get("/api/v1/files", headers=org.viewer.bearer)).json()["data"] == []
"""


@pytest.mark.endpoint
def test_a_foreign_app_declares_a_file_rule(dialect: str) -> None:
    run_with_lending(SCRIPT, dialect)
