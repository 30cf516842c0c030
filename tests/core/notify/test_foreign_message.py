"""An app that is no part of Holdfast declares a message, and its text stands in inbox and mail."""

import pytest

from foreigner import run_with_lending

SCRIPT = """
import email, email.policy
import support
import httpx
from background import quick, until, working
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import create_app
from sqlalchemy import select

async def main():
    async with support.installation_on(DIALECT) as home:
        quick(home, demo=True)
        org = await support.make_org(home)
        transport = httpx.ASGITransport(app=create_app(home.settings, home))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            who = org.admin.bearer
            made = await client.post("/api/v1/lending/items", json={"title": "Saw & Drill"}, headers=who)
            assert made.status_code == 201, made.text
            [item] = (await client.get("/api/v1/notify/inbox", headers=who)).json()["data"]
            assert (item["subject"], item["link"]) == ("Saw & Drill can be lent", "/console/lending"), item
            async with home.works.begin(org.id, SYSTEM, write=False) as work:
                [job] = await work.session.scalars(select(JobRow).where(JobRow.name == "notify.message.send"))
            async with working(home):
                assert (await until(home, org.id, job.id)).state == "done"
            [file] = (home.settings.holdfast_home / "mail").iterdir()
            mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            assert mail["Subject"] == "Saw & Drill can be lent"
            assert "was added to what can be lent" in mail.get_body(("plain",)).get_content()
            page = mail.get_body(("html",)).get_content()
            assert '<p style="color: #1d4ed8' in page and "Saw &amp; Drill can be lent." in page, page
"""


@pytest.mark.endpoint
def test_a_foreign_app_tells_people(dialect: str) -> None:
    run_with_lending(SCRIPT, dialect)
