"""The demo installation: what the issue asks for, the same every time, never mixed with anything of one's own."""

import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from holdfast.core.directory.demo import LAST_DAY, ORGANISATIONS, staff_of
from holdfast.core.identity.demo import ACCESS, OPERATOR, add_operator
from holdfast.core.identity.public import create_admin, issue_setup_link, needs_setup
from holdfast.demo import AUDIT_ENDS, has_demo, load_demo, sign_ins_of
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.errors import ConfigurationError
from holdfast.main import create_app, prepare
from support import PASSWORD, installation_on

DOMAINS = ["techstart.com", "fashionhub.com", "medcare.com", "cloudwork.com", "fintech.com"]
ROLES = {"ceo": "Admin", "operator": "Operator", "user": "User", "viewer": "Viewer", "auditor": "Auditor"}


def client_of(home):
    transport = httpx.ASGITransport(app=create_app(home.settings, home))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


async def sign_in(client, email, password):
    answer = await client.post("/api/v1/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, (email, answer.text)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.unit
def test_the_plans_are_those_of_the_issue():
    people = {plan.slug: plan.people for plan in ORGANISATIONS}
    assert people == {"techstart": 25, "fashionhub": 200, "medcare": 1040, "cloudwork": 150, "fintech": 500}
    assert all(len(staff_of(plan)) == plan.people for plan in ORGANISATIONS)
    sites = {plan.slug: [site.name for site in plan.sites] for plan in ORGANISATIONS}
    assert len(sites["fashionhub"]) == 1 + 15
    assert sum("Hospital" in name or "General" in name for name in sites["medcare"][1:]) == 3


@pytest.mark.unit
@pytest.mark.parametrize("plan", ORGANISATIONS, ids=lambda plan: plan.slug)
def test_people_are_plausible(plan):
    members = staff_of(plan)
    assert members == staff_of(plan)
    assert len({member.email for member in members}) == len(members)
    assert all(member.email.isascii() and member.email.count("@") == 1 for member in members)
    assert [place for place, member in enumerate(members) if member.manager is None] == [0]
    for place, member in enumerate(members):
        assert member.manager is None or member.manager < place
        assert member.start_date < LAST_DAY
        if member.end_date is not None:
            assert member.start_date < member.end_date <= LAST_DAY
            assert all(other.manager != place for other in members)
    assert max(Counter(member.manager for member in members).values()) < 60
    if len(members) > 100:
        assert any(not member.family_name.isascii() for member in members)
        assert {member.status.value for member in members} == {"active", "left"}


@pytest.mark.unit
def test_the_page_of_the_demo_says_what_is_loaded():
    page = Path(__file__).parents[1].joinpath("docs/start/demo.md").read_text()
    for plan in ORGANISATIONS:
        assert f"| `{plan.slug}` | {plan.people} | {len(plan.companies)} | {len(plan.sites)}" in page
        assert f"| {plan.industry} |" in page
        assert plan.domain in page
        access = ACCESS[plan.slug]
        assert f"| `{plan.slug}` | {access.lead.name} | {access.duty.name} | `{access.program[0]}` |" in page
    for account in sign_ins_of(ORGANISATIONS[0], staff_of(ORGANISATIONS[0])):
        assert f"| `{account.email}` | {account.role}" in page
        assert f"`{account.password}`" in page
    assert f"`{OPERATOR.email}` with the password `{OPERATOR.password}`" in page
    assert LAST_DAY.strftime("%-d %B %Y") in page


@pytest.mark.endpoint
@pytest.mark.portable
async def test_an_empty_database_becomes_the_demo(dialect):
    async with installation_on(dialect) as home:
        assert not await has_demo(home.works)
        told = []
        started = time.process_time()  # what else the machine does at that moment is not its fault
        summary = await load_demo(home.works, lambda done, total, label: told.append((done, total, label)))
        assert time.process_time() - started < 20
        assert (summary.organizations, summary.people, summary.sign_ins, summary.loaded) == (5, 1915, 46, 5)
        assert told[-1][0] == told[-1][1] == summary.people + summary.companies
        assert await has_demo(home.works)
        assert not await needs_setup(home.works)
        again = await load_demo(home.works)
        assert (again.people, again.loaded) == (1915, 0)
        async with client_of(home) as client:
            await _look_around(client)


async def _look_around(client):
    operator = await sign_in(client, "superadmin@system.com", "SuperAdmin123!")
    me = (await client.get("/api/v1/auth/me", headers=operator)).json()
    assert (me["organization"]["slug"], me["roles"]) == ("system", ["Admin"])
    assert (await client.get("/api/v1/org/people", headers=operator)).json()["data"] == []
    for plan, domain in zip(ORGANISATIONS, DOMAINS, strict=True):
        admin = await sign_in(client, f"ceo@{domain}", "password123")
        people = (await client.get("/api/v1/org/people?page_size=200", headers=admin)).json()
        assert people["meta"]["total"] == plan.people
        companies = (await client.get("/api/v1/org/companies", headers=admin)).json()
        assert companies["meta"]["total"] == len(plan.companies)
        await _look_at_the_tree(client, admin, plan)
        await _look_at_the_users(client, admin, plan)
        await _look_at_the_group(client, admin, domain)
    for local, role in ROLES.items():
        bearer = await sign_in(client, f"{local}@medcare.com", "password123")
        assert (await client.get("/api/v1/auth/me", headers=bearer)).json()["roles"] == [role]
    auditor = await sign_in(client, "auditor@medcare.com", "password123")
    await _look_at_rights_in_units(client)
    entries = await client.get("/api/v1/audit/entries?sort=recorded_at&page_size=200", headers=auditor)
    story = [entry for entry in entries.json()["data"] if entry["category"] != "access"]
    assert all(entry["occurred_at"] < "2026-07-01" and entry["occurred_at"] < entry["recorded_at"] for entry in story)
    [last] = (await client.get("/api/v1/org/branches?code=mc-chi", headers=auditor)).json()["data"]
    history = await client.get(f"/api/v1/audit/entities/branch/{last['id']}/history", headers=auditor)
    assert [(entry["action"], entry["reason"]) for entry in history.json()["data"]] == [
        ("directory.branch.updated", "Moved back"),
        ("directory.branch.updated", "Moved into the head office during renovation"),
        ("directory.branch.created", None),
    ]
    assert history.json()["data"][0]["before"]["city"] == "Leeds"


async def _look_at_the_users(client, admin, plan):
    """Every person with an account is an employee who is still there; one is invited, one is away, one is a program."""
    access = ACCESS[plan.slug]
    users = (await client.get("/api/v1/users?page_size=200", headers=admin)).json()["data"]
    assert Counter((each["kind"], each["status"]) for each in users) == {
        ("person", "active"): 9,
        ("person", "invited"): 1,
        ("person", "suspended"): 1,
        ("service", "active"): 1,
    }
    for each in users:
        if each["kind"] == "service":
            assert (each["username"], each["roles"]) == (access.program[0], [access.duty.name])
            continue
        person = (await client.get(f"/api/v1/org/people/{each['person_id']}", headers=admin)).json()
        assert (f"{person['given_name']} {person['family_name']}", person["status"]) == (each["name"], "active")
        assert each["created_at"][:10] >= min(person["start_date"], plan.founded.isoformat())
    roles = (await client.get("/api/v1/roles", headers=admin)).json()["data"]
    assert {each["name"] for each in roles if not each["built_in"]} == {access.lead.name, access.duty.name}
    policy = (await client.get("/api/v1/sign-in-policy", headers=admin)).json()
    assert policy["mfa_roles"] == []
    assert {name: policy[name] for name in access.policy} == access.policy
    assert bool(access.policy) == (plan.slug in ("medcare", "fintech"))


async def _look_at_the_group(client, admin, domain):
    """Who trains the first aiders sees them and nobody else."""
    bearer = await sign_in(client, f"trainer@{domain}", "password123")
    [grant] = (await client.get("/api/v1/auth/me", headers=bearer)).json()["grants"]
    [group] = (await client.get("/api/v1/org/groups?code=FIRST-AID", headers=admin)).json()["data"]
    assert (grant["role"], grant["unit"], grant["ends_at"]) == ("Viewer", {"kind": "group", "id": group["id"]}, None)
    members = (await client.get(f"/api/v1/org/groups/{group['id']}/members?page_size=200", headers=admin)).json()
    seen = (await client.get("/api/v1/org/people?page_size=200", headers=bearer)).json()["data"]
    assert len(seen) >= 2
    assert {each["id"] for each in seen} == {each["person_id"] for each in members["data"]}
    assert (await client.get("/api/v1/org/tree", headers=bearer)).json()["companies"] == []


async def _look_at_rights_in_units(client):
    """Who leads a part of the organisation changes people there and nowhere else; the audit of one ends by itself."""
    held, seen, may = {}, {}, {}
    for local in ("lead", "manager", "reviewer"):
        bearer = await sign_in(client, f"{local}@fintech.com", "password123")
        me = (await client.get("/api/v1/auth/me", headers=bearer)).json()
        [held[local]] = [grant for grant in me["grants"] if grant["unit"] is not None]
        people = (await client.get("/api/v1/org/people?page_size=200&sort=number", headers=bearer)).json()
        seen[local] = people["meta"]["total"]
        assert (await client.get("/api/v1/audit/entries", headers=bearer)).status_code == 403
        kind, unit_id = held[local]["unit"]["kind"], held[local]["unit"]["id"]
        url = f"/api/v1/org/people?{kind}_id={unit_id}&page_size=1"
        inside = (await client.get(url, headers=bearer)).json()["data"]
        outside = [each for each in people["data"] if each[f"{kind}_id"] != unit_id]
        may[local] = [
            (await client.patch(f"/api/v1/org/people/{each['id']}", json={}, headers={**bearer, "If-Match": '"1"'}))
            for each in (*inside[:1], *outside[:1])
        ]
    assert (seen["lead"], seen["manager"], 100 < seen["reviewer"] < 300) == (500, 500, True)
    assert [[each.status_code for each in answers] for answers in may.values()] == [[200, 403], [200, 403], [403]]
    role = ACCESS["fintech"].lead.name
    assert [(each["role"], each["unit"]["kind"]) for each in held.values()] == [
        (role, "department"),
        (role, "branch"),
        ("Auditor", "company"),
    ]
    assert [each["ends_at"] for each in held.values()] == [None, None, rfc3339(AUDIT_ENDS).replace(".000000", "")]
    admin = await sign_in(client, "ceo@fintech.com", "password123")
    [user] = (await client.get("/api/v1/users?q=user@fintech.com", headers=admin)).json()["data"]
    url = f"/api/v1/users/{user['id']}/roles"
    assert [each["role"] for each in (await client.get(url, headers=admin)).json()["data"]] == ["User"]
    past = (await client.get(f"{url}?ended=true", headers=admin)).json()["data"]
    assert [(each["role"], each["ends_at"] is None) for each in past] == [(role, False), ("User", True)]
    history = await client.get(f"/api/v1/audit/entities/role_assignment/{past[0]['id']}/history", headers=admin)
    me = (await client.get("/api/v1/auth/me", headers=admin)).json()
    [entry] = history.json()["data"]
    assert (entry["action"], entry["actor_id"]) == ("identity.role.assigned", me["user"]["id"])


async def _look_at_the_tree(client, admin, plan):
    """Everybody is in a department of a branch, and every department has a head who is in it."""
    tree = (await client.get("/api/v1/org/tree", headers=admin)).json()
    branches = [branch for company in tree["companies"] for branch in company["branches"]]
    assert (tree["people"], len(branches)) == (plan.people, len(plan.sites))
    assert sum(each["people"] for branch in branches for each in branch["departments"] if not each["level"]) == (
        plan.people
    )
    if plan.slug == "fashionhub":
        stores = await client.get("/api/v1/org/branches?kind=store", headers=admin)
        assert stores.json()["meta"]["total"] == 15
    if plan.slug == "medcare":
        hospitals = await client.get("/api/v1/org/branches?kind=hospital", headers=admin)
        assert hospitals.json()["meta"]["total"] == 3
    departments = (await client.get("/api/v1/org/departments?page_size=200", headers=admin)).json()["data"]
    for department in departments[:: max(1, len(departments) // 3)]:
        head = await client.get(f"/api/v1/org/people/{department['head_person_id']}", headers=admin)
        assert head.json()["department_id"] == department["id"]


@pytest.mark.service
async def test_the_same_ids_names_and_dates_on_every_machine():
    seen = []
    for dialect in ("sqlite", "sqlite"):
        async with installation_on(dialect) as home:
            await load_demo(home.works)
            async with client_of(home) as client:
                admin = await sign_in(client, "ceo@fashionhub.com", "password123")
                rows = [
                    (await client.get(f"/api/v1/{what}?page_size=200", headers=admin)).json()["data"]
                    for what in ("org/people", "org/companies", "org/branches", "org/departments", "users")
                ]
                seen.append((rows, (await client.get("/api/v1/org", headers=admin)).json()))
    assert seen[0] == seen[1]
    assert seen[0][0][0][0]["id"]


@pytest.mark.service
async def test_a_broken_off_load_is_taken_up_again(dialect):
    class Stop(Exception):
        pass

    def stop(done, total, label):
        if label == "MedCare":
            raise Stop

    async with installation_on(dialect) as home:
        with pytest.raises(Stop):
            await load_demo(home.works, stop)
        assert await has_demo(home.works)
        assert (await load_demo(home.works)).loaded == 3


@pytest.mark.service
async def test_a_database_with_an_organisation_of_its_own_is_refused():
    async with installation_on("sqlite") as home:
        await create_admin(home.works, organization="system", name="Op", email="op@x.test", password=PASSWORD)
        with pytest.raises(ConfigurationError):
            await load_demo(home.works)
    async with installation_on("sqlite") as home:
        await load_demo(home.works)
        await create_admin(home.works, organization="own", name="Op", email="op@x.test", password=PASSWORD)
        with pytest.raises(ConfigurationError):
            await load_demo(home.works)


@pytest.mark.service
async def test_demo_accounts_are_served_as_the_demo_only(dialect):
    async with installation_on(dialect) as home:
        await prepare(home)
        await add_operator(home.works, founded=home.works.clock())
        with pytest.raises(ConfigurationError, match="--demo"):
            await prepare(home)
        plain = home.settings
        home.settings = plain.model_copy(update={"demo": True})
        await prepare(home)
        # Production has no --demo to advise.
        home.settings = plain.model_copy(update={"environment": "production"})
        with pytest.raises(ConfigurationError, match="demo accounts") as caught:
            await prepare(home)
        assert "--demo" not in caught.value.detail


@pytest.mark.service
async def test_a_set_up_link_does_not_open_a_demo():
    async with installation_on("sqlite") as home:
        token = await issue_setup_link(home.works)
        await load_demo(home.works)
        async with client_of(home) as client:
            answer = await client.post(
                "/api/v1/auth/setup",
                json={
                    "token": token,
                    "organization": "Own",
                    "slug": "own",
                    "email": "me@own.test",
                    "name": "Me",
                    "password": PASSWORD,
                },
            )
            assert answer.status_code == 403
