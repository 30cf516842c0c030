"""The trail's pages: what happened to what, who did it, how it ended, in words that a person reads."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import Engine, delete, event

from clients import client_of
from holdfast.core.audit.facts import RefusalsRepeated
from holdfast.core.directory.models import Company
from holdfast.core.identity.facts import UserStatusChanged
from holdfast.core.identity.models import User, UserStatus
from holdfast.kernel.permissions import SYSTEM

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/org/companies"


async def a_company(client, org, name=None):
    body = {"code": f"N-{uuid4().hex[:8]}", "name": name or f"Northern {uuid4().hex[:6]}"}
    made = await client.post(URL, json=body, headers=org.admin.bearer)
    assert made.status_code == 201, made.text
    return made.json()


async def page(client, org, path="/console/audit", **params):
    answer = await client.get(path, params=params, headers={**org.admin.bearer, "Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text.partition("<main")[2])


async def newest(client, org, **params):
    """Return the page of the newest entry that the filters choose."""
    shown = await page(client, org, **params)
    return await page(client, org, re.search(r'href="(/console/audit/[0-9a-f-]{36})"', shown)[1])


async def test_a_row_names_the_record_whose_name_did_not_change(client, org):
    company = await a_company(client, org)
    path = f"/console/companies/{company['id']}"
    await client.patch(f"{URL}/{company['id']}", json={"city": "Leeds"}, headers=org.admin.bearer)
    asked = {"action": "directory.company.updated"}
    shown = await page(client, org, **asked)
    assert "Company changed</a>" in shown
    assert f'<a href="{path}">{company["name"]}</a>' in shown
    entry = await newest(client, org, **asked)
    assert "<h1>Company changed</h1>" in entry
    assert f'<a href="{path}">{company["name"]}</a>' in entry


async def test_a_record_in_the_trash_keeps_its_name_and_its_page(client, org):
    company = await a_company(client, org)
    await client.delete(f"{URL}/{company['id']}", headers=org.admin.bearer)
    shown = await page(client, org, action="directory.company.deleted")
    assert f'<a href="/console/companies/{company["id"]}">{company["name"]}</a>' in shown


async def test_a_record_that_is_gone_is_named_by_its_newest_entry_that_has_a_name(client, org):
    company = await a_company(client, org)
    await client.patch(f"{URL}/{company['id']}", json={"name": "Southern"}, headers=org.admin.bearer)
    await client.patch(f"{URL}/{company['id']}", json={"city": "Leeds"}, headers=org.admin.bearer)
    async with org.work() as work:
        await work.link.connection.execute(delete(Company.__table__).where(Company.__table__.c.tenant_id == org.id))
    shown = await page(client, org, action="directory.company.updated")
    assert shown.count("Southern") == 2
    assert "/console/companies/" not in shown


async def test_a_failed_sign_in_names_the_account_that_was_meant(home, org):
    async with client_of(home) as client:
        body = {"email": org.viewer.email, "password": "not the password"}
        assert (await client.post("/api/v1/auth/login", json=body)).status_code == 401
        shown = await page(client, org, outcome="failed")
        assert "Sign-in failed</a>" in shown
        assert f"Viewer of {org.slug}" in shown
        assert "Nobody signed in" in shown
        entry = await newest(client, org, outcome="failed")
    assert "wrong name or password" in entry
    assert "<dd>POST /api/v1/auth/login</dd>" in entry
    assert "fingerprint" in entry


async def test_a_refusal_is_titled_by_what_was_not_permitted(client, org):
    company = await a_company(client, org)
    refused = await client.delete(f"{URL}/{company['id']}", headers=org.viewer.bearer)
    assert refused.status_code == 403
    assert "Delete companies refused</a>" in await page(client, org, outcome="refused")
    entry = await newest(client, org, outcome="refused")
    assert "FORBIDDEN" in entry
    assert f"<dd>DELETE {URL}/{company['id']}</dd>" in entry


async def test_the_start_page_shows_how_each_act_ended(client, org):
    company = await a_company(client, org)
    await client.delete(f"{URL}/{company['id']}", headers=org.viewer.bearer)
    start = await page(client, org, "/console")
    refused, made = re.findall(r'<li class="(\w+)">(.*?)</li>', start)[:2]
    assert refused[0] == "warn"
    assert "Delete companies refused" in refused[1]
    assert '<span class="badge warn">Refused</span>' in refused[1]
    assert f"Viewer of {org.slug}" in refused[1]
    assert made[0] == "good"
    assert "Company added" in made[1]
    assert company["name"] in made[1]


async def test_the_system_acts_in_its_own_name(client, org, home):
    async with home.works.begin(org.id, SYSTEM) as work:
        work.record(RefusalsRepeated(first_entry=org.id, repeats=3))
    asked = {"action": "audit.refusal.repeated"}
    assert "The system" in await page(client, org, **asked)
    entry = await newest(client, org, **asked)
    assert "The system" in entry
    assert f'href="/console/audit/{org.id}"' in entry


async def test_values_are_written_as_people_read_them(client, org, home):
    entry = await newest(client, org, action="identity.session.opened")
    assert re.search(rf"<th[^>]*>User</th>.*?<ins>Auditor of {org.slug}</ins>", entry)
    assert re.search(r"<ins>\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d:\d\d UTC</ins>", entry)
    assert not re.search(r"<ins>\d{4}-\d\d-\d\dT", entry)
    async with home.works.begin(org.id, SYSTEM) as work:
        user = await work.session.get(User, (org.id, org.user.id))
        user.status = UserStatus.SUSPENDED
        work.record(UserStatusChanged(entity=user, reason="Left the company"))
    entry = await newest(client, org, action="identity.user.status_changed")
    assert "Left the company" in entry
    assert f"User of {org.slug}" in entry


async def test_a_time_is_shown_to_the_second_and_told_in_full(client, org):
    await a_company(client, org)
    shown = await page(client, org)
    assert re.search(r'datetime="(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)" title="\1">[^<]*\d\d:\d\d UTC<', shown)
    entry = await newest(client, org)
    assert re.search(r"Recorded</dt><dd><time [^>]*>[^<]*\d\d:\d\d:\d\d UTC<", entry)


async def test_a_page_asks_as_often_for_many_entries_as_for_few(client, org):
    async def asked(size):
        statements = []
        event.listen(Engine, "before_cursor_execute", lambda *each: statements.append(each[2]))
        await page(client, org, page_size=size)
        return len(statements)

    for _ in range(9):
        await a_company(client, org)
    few = await asked(1)
    assert 0 < few < 8
    assert await asked(9) == few


async def filtered(client, org, **params):
    """Return status and page for filters that a person typed."""
    answer = await client.get("/console/audit", params=params, headers={**org.admin.bearer, "Accept": "text/html"})
    return answer.status_code, re.sub(r"\s+", " ", answer.text.partition("<main")[2])


@pytest.mark.parametrize("how", ["name", "part of the name", "e-mail", "id"])
async def test_who_acted_is_found_by_name_or_address(client, org, how):
    company = await a_company(client, org)
    await client.delete(f"{URL}/{company['id']}", headers=org.viewer.bearer)
    text = {"name": f"Viewer of {org.slug}", "part of the name": "viewer OF", "e-mail": org.viewer.email.upper()}
    status, shown = await filtered(client, org, actor=text.get(how, str(org.viewer.id)))
    assert status == 200
    assert "Delete companies refused</a>" in shown
    assert "Company added" not in shown


async def test_a_link_to_what_somebody_did_shows_who_it_is(client, org):
    status, shown = await filtered(client, org, actor_id=str(org.viewer.id))
    assert status == 200
    assert re.search(rf'name="actor"[^>]* value="{org.viewer.email}"', shown)


async def test_several_people_of_a_name_are_shown_to_choose_from(client, org):
    status, shown = await filtered(client, org, actor=f"of {org.slug}", outcome="refused")
    assert status == 422
    assert f"Viewer of {org.slug} ({org.viewer.email})" in shown
    assert re.search(rf'name="actor"[^>]* value="of {org.slug}" aria-describedby="filter-actor-fault"', shown)
    assert '<option value="refused" selected>' in shown


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"actor": "Nobody Atall"}, "Nobody here has this name or e-mail"),
        ({"entity_id": "x"}, "Record is not a valid id"),
        ({"recorded_from": "2026-13-45"}, "Since is not a valid time"),
        ({"outcome": "x"}, "Outcome must be one of the choices"),
        ({"nope": "x"}, "has a field that is not known here"),
        ({"q": "x" * 201}, "must have 200 characters or fewer"),
    ],
)
async def test_a_filter_that_is_wrong_says_so_and_the_others_stay(client, org, wrong, said):
    status, shown = await filtered(client, org, action="directory.company.updated", **wrong)
    assert status == 422
    assert said in shown
    assert 'value="directory.company.updated"' in shown
    assert "Error 422" not in shown
