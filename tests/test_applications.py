"""An application is there for an organisation or not: as its administrators say, for every caller, at once.

The application is the foreign one of these tests, in a process in which it is installed.
"""

import pytest

from foreigner import run_with_lending
from holdfast.kernel.plugins import installed_apps

SCRIPT = """
import httpx
import support
from datetime import timedelta
from clients import client_of
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.queries import get_user
from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.public import open_session
from holdfast.kernel.clock import rfc3339, system_clock
from holdfast.main import open_installation
from operators import PLATFORM, REASON, add_operator

ITEMS, APPLICATIONS, ME = "/api/v1/lending/items", "/api/v1/applications", "/api/v1/auth/me"
PAGE = {"accept": "text/html"}


def bearing(token):
    return {"Authorization": f"Bearer {token}"}


async def callers(home, org, client):
    admin = org.admin.bearer
    ends = {"label": "Nightly", "expires_at": rfc3339(system_clock() + timedelta(days=9))}
    key = (await client.post("/api/v1/api-keys", json=ends, headers=admin)).json()["key"]
    program = (await client.post("/api/v1/service-accounts", json={"name": "P"}, headers=admin)).json()["id"]
    await client.post(f"/api/v1/users/{program}/roles", json={"role": "User"}, headers=admin)
    own = (await client.post(f"/api/v1/users/{program}/api-keys", json=ends, headers=admin)).json()["key"]
    shown = f"/api/v1/users/{org.user.id}/impersonate"
    placed = (await client.post(shown, json={"reason": REASON}, headers=admin)).json()["access_token"]
    olga = await add_operator(home)
    body = {"organization_id": str(org.id), "reason": REASON}
    inside = (await client.post(f"{PLATFORM}/break-glass", json=body, headers=olga.bearer)).json()["access_token"]
    async with org.work() as work:
        user = await get_user(work, user_id=org.admin.id)
        opened = open_session(work, home.desk, user=user, kind=SessionKind.COOKIE)
        work.record(SignedIn(entity=opened.session))
    cookie = {"Cookie": f"{home.desk.cookie.name}={opened.cookie}"}
    named = {"admin": admin, "user": org.user.bearer, "viewer": org.viewer.bearer, "cookie": cookie}
    return named | {n: bearing(t) for n, t in (("key", key), ("program", own), ("as user", placed), ("glass", inside))}


async def main():
    async with support.installation_on(DIALECT) as home:
        home.settings = home.works.settings = home.settings.model_copy(update={"rate_limit_enabled": False})
        org, other = await support.make_org(home), await support.make_org(home)
        second = open_installation(home.settings)  # as another process of the installation
        async with client_of(home) as client, client_of(second) as elsewhere:
            try:
                await checks(home, org, other, client, elsewhere)
            finally:
                await second.close()


async def checks(home, org, other, client, elsewhere):
    admin = org.admin.bearer
    assert (await client.post(ITEMS, json={"title": "Projector"}, headers=admin)).status_code == 201
    here = await client.get(APPLICATIONS, headers=org.auditor.bearer)
    listed = {"version": 0, "applications": [{"name": "lending", "title": "Lending", "on": True}]}
    assert here.json() == listed, here.text
    assert (await client.get(ME, headers=admin)).json()["applications"] == ["lending"]
    assert 'href="/console/lending"' in (await client.get("/console", headers={**admin, **PAGE})).text

    for off, location in ((["audit"], "body.off[0]"), (["lending", "nothing"], "body.off[1]")):
        refused = await client.put(APPLICATIONS, json={"off": off}, headers=admin)
        assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, location), refused.text
        assert refused.json()["errors"][0]["message"] == "must be one of lending"
    assert (await client.put(APPLICATIONS, json={"off": ["lending"]}, headers=org.user.bearer)).status_code == 403

    who = await callers(home, org, client)
    for name, headers in who.items():
        expected = 403 if name == "viewer" else 200
        assert (await elsewhere.get(ITEMS, headers=headers)).status_code == expected, name

    told = await client.put(APPLICATIONS, json={"off": ["lending", "lending"]}, headers=admin)
    assert told.status_code == 200, told.text
    assert (told.headers["etag"], told.json()["applications"][0]["on"]) == ('"1"', False)

    def plain(answer):
        body = answer.json()
        return answer.status_code, answer.headers["content-type"], {n: v for n, v in body.items() if n != "request_id"}

    for server in (client, elsewhere):
        for name, headers in who.items():
            asked = [
                await server.get("/api/v1/lending/nowhere", headers=headers),
                await server.get(ITEMS, headers=headers),
                await server.get("/api/lending/items", headers=headers),
                await server.get(ITEMS, params={"nonsense": "1"}, headers=headers),
                await server.get(ITEMS, params={"q": chr(0)}, headers=headers),
            ]
            if name != "cookie":
                asked.append(await server.post(ITEMS, json={"title": "x"}, headers=headers))
                asked.append(await server.post(ITEMS, json={"title": 7}, headers=headers))
                asked.append(await server.post(ITEMS, content=b"{", headers={**headers, "content-type": "application/json"}))
            assert [plain(each) for each in asked] == [plain(asked[0])] * len(asked), (name, [a.text for a in asked])
            assert asked[0].status_code == 404
        for name in ("user", "cookie"):
            shell = {**who[name], **PAGE}
            gone, none = await server.get("/console/lending", headers=shell), await server.get("/console/none", headers=shell)
            assert (gone.status_code, none.status_code) == (404, 404)
            assert "/console/companies" in gone.text, "in the caller's shell"
            for page in (gone, none, await server.get("/console", headers=shell), await server.get("/console/companies", headers=shell)):
                assert "/console/lending" not in page.text.replace('next" value="/console/lending', ""), page.text
        assert (await server.get("/api/v1/org/companies", headers=who["user"])).status_code == 200
        assert (await server.get(ME, headers=who["user"])).json()["applications"] == []
        assert (await server.get(ITEMS)).status_code == 401
        assert (await server.get(ITEMS, headers=other.admin.bearer)).status_code == 200
        assert (await server.get(ME, headers=other.admin.bearer)).json()["applications"] == ["lending"]

    stale = await client.put(APPLICATIONS, json={"off": []}, headers={**admin, "If-Match": '"9"'})
    assert stale.status_code == 412
    back = await elsewhere.put(APPLICATIONS, json={"off": []}, headers={**admin, "If-Match": '"1"'})
    assert (back.status_code, back.json()["version"]) == (200, 2), back.text
    same = await elsewhere.put(APPLICATIONS, json={"off": []}, headers=admin)
    assert same.json()["version"] == 2
    for server in (client, elsewhere):
        kept = await server.get(ITEMS, headers=who["user"])
        assert [row["title"] for row in kept.json()["data"]] == ["Projector"]
    entries = await client.get("/api/v1/audit/entries?action=identity.applications.chosen", headers=org.auditor.bearer)
    shown = [(row["actor_id"], row["entity_id"]) for row in entries.json()["data"]]
    assert shown == [(str(org.admin.id), str(org.id))] * 2, entries.text
    ids = [row["id"] for row in entries.json()["data"]]
    first, last = [(await client.get(f"/api/v1/audit/entries/{i}", headers=org.auditor.bearer)).json() for i in reversed(ids)]
    assert (first["before"], first["after"]["switched_off"]) == (None, ["lending"])
    assert (last["before"]["switched_off"], last["after"]["switched_off"]) == (["lending"], [])
"""


@pytest.mark.endpoint
@pytest.mark.portable
def test_an_application_is_there_for_an_organisation_or_not(dialect: str) -> None:
    run_with_lending(SCRIPT, dialect)


@pytest.mark.unit
def test_no_slice_of_the_core_can_be_switched_off() -> None:
    of_the_core = {app.name for app in installed_apps() if app.package.startswith("holdfast.core.")}
    assert of_the_core == {app.name for app in installed_apps() if not app.optional}
