"""Roles of the organisation's own, and who holds which role where and until when."""

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import pytest

from callers import Caller, add_caller
from holdfast.core.identity.public import ROLES as BUILT_IN
from holdfast.core.identity.service.rights import known_permissions
from holdfast.kernel.clock import rfc3339, system_clock
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from operators import PLATFORM, add_operator
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
ROLES, USERS, ME, PERMISSIONS = "/api/v1/roles", "/api/v1/users", "/api/v1/auth/me", "/api/v1/permissions"
COMPANIES = "/api/v1/org/companies"
READ = "directory.company.read"


async def role(client, org: Org, *permissions: str, **fields: object) -> dict:
    body = {"name": f"R {uuid4().hex[:8]}", "permissions": list(permissions), **fields}
    made = await client.post(ROLES, json=body, headers=org.admin.bearer)
    assert made.status_code == 201, made.text
    return made.json()


async def give(client, org: Org, user: Caller, name: str, by: Caller | None = None, **fields: object):
    headers = (by or org.admin).bearer
    return await client.post(f"{USERS}/{user.id}/roles", json={"role": name, **fields}, headers=headers)


async def holder(client, org: Org, *permissions: str) -> Caller:
    """Add a user who holds just these permissions, everywhere."""
    caller = await add_caller(org)
    given = await give(client, org, caller, (await role(client, org, *permissions))["id"])
    assert given.status_code == 201, given.text
    return caller


async def may(client, caller: Caller) -> list[str]:
    return (await client.get(ME, headers=caller.bearer)).json()["permissions"]


async def test_built_in_and_own_roles_are_one_list(client, org: Org) -> None:
    own = await role(client, org, READ, "directory.branch.read", name="Registrar", description="Keeps it")
    for caller in (org.admin, org.auditor):
        listed = (await client.get(ROLES, headers=caller.bearer)).json()["data"]
        assert [(each["name"], each["built_in"]) for each in listed] == [
            *((name, True) for name in BUILT_IN),
            ("Registrar", False),
        ]
        assert listed[-1] == own
        assert listed[-1]["permissions"] == ["directory.branch.read", READ]
    assert (await client.get(ROLES, headers=org.viewer.bearer)).status_code == 403
    known = (await client.get(PERMISSIONS, headers=org.auditor.bearer)).json()["data"]
    assert [each["name"] for each in known] == listed[0]["permissions"], "Admin holds all that an organisation has"
    assert {each["slice"] for each in known if each["name"] == READ} == {"directory"}
    declared = [each for app in org.home.apps for each in app.permissions]
    assert {each["name"] for each in known} == {each.name for each in declared if not each.platform}


async def test_what_a_role_holds_counts_from_the_next_request_on_and_so_does_what_it_does_not(client, org: Org) -> None:
    made = await role(client, org, READ)
    ben = await add_caller(org)
    assert await may(client, ben) == []
    assert (await give(client, org, ben, made["name"].upper())).status_code == 201, "by its name, whatever the case"
    assert await may(client, ben) == [READ]
    url = f"{ROLES}/{made['id']}"
    changed = await client.patch(url, json={"permissions": ["audit.entry.read"]}, headers=org.admin.bearer)
    assert changed.json()["permissions"] == ["audit.entry.read"]
    assert await may(client, ben) == ["audit.entry.read"]
    history = await client.get(f"/api/v1/audit/entities/role/{made['id']}/history", headers=ben.bearer)
    newest = history.json()["data"][0]
    assert (newest["action"], newest["before"]["permissions"]) == ("identity.role.changed", [READ])


async def test_a_renamed_role_has_its_new_name_wherever_it_was_given(client, org: Org) -> None:
    made, ben = await role(client, org, READ, name="Registrar"), await add_caller(org, "User")
    kept = await role(client, org, READ, name="Keeper")
    over = (await give(client, org, ben, "Registrar")).headers["location"]
    assert (await client.delete(over, headers=org.admin.bearer)).status_code == 204
    for name in ("Registrar", "Keeper"):
        assert (await give(client, org, ben, name)).status_code == 201
    url = f"{ROLES}/{made['id']}"
    renamed = await client.patch(url, json={"name": "Archivist"}, headers=org.admin.bearer)
    assert renamed.status_code == 200, renamed.text
    now, user = ["Archivist", "Keeper", "User"], f"{USERS}/{ben.id}"
    me = (await client.get(ME, headers=ben.bearer)).json()
    assert (me["roles"], [each["role"] for each in me["grants"]]) == (now, now)
    assert (await client.get(user, headers=org.admin.bearer)).json()["roles"] == now
    for name in ("Archivist", made["id"]):
        listed = (await client.get(USERS, params={"role": name}, headers=org.admin.bearer)).json()["data"]
        assert [(each["id"], each["roles"]) for each in listed] == [(str(ben.id), now)]
    query = {"ended": True, "sort": "role"}
    ever = (await client.get(f"{user}/roles", params=query, headers=org.admin.bearer)).json()["data"]
    assert [(each["role"], each["role_id"]) for each in ever] == [
        *[("Archivist", made["id"])] * 2,
        ("Keeper", kept["id"]),
        ("User", None),
    ]
    assert (await client.get(over, headers=org.admin.bearer)).json()["role"] == "Archivist"
    olga = await add_operator(org.home)
    exported = await client.post(f"{PLATFORM}/organizations/{org.id}/exports", headers=olga.bearer)
    rows = [json.loads(line) for line in exported.text.splitlines()]
    held = [each["row"]["role"] for each in rows if each.get("table") == "role_assignment"]
    assert (held.count("Archivist"), held.count("Registrar")) == (2, 0)
    history = f"/api/v1/audit/entities/role/{made['id']}/history"
    newest = (await client.get(history, headers=org.auditor.bearer)).json()["data"][0]
    assert (newest["before"]["name"], newest["after"]["name"]) == ("Registrar", "Archivist")


async def test_a_renamed_role_needs_the_second_factor_that_it_needed_before(client, org: Org) -> None:
    made = await role(client, org, READ, name="Registrar")
    policy = "/api/v1/sign-in-policy"
    named = {"mfa_roles": ["Auditor", "REGISTRAR"]}
    headers = {**org.admin.bearer, "If-Match": '"0"'}
    assert (await client.put(policy, json=named, headers=headers)).status_code == 200
    ben = await add_caller(org, password=PASSWORD)
    await give(client, org, ben, "Registrar")
    body = {"email": ben.email, "password": PASSWORD, "organization": org.slug}
    assert "mfa_token" in (await client.post("/api/v1/auth/login", json=body)).json()
    url = f"{ROLES}/{made['id']}"
    assert (await client.patch(url, json={"name": "Archivist"}, headers=org.admin.bearer)).status_code == 200
    assert "mfa_token" in (await client.post("/api/v1/auth/login", json=body)).json()
    rules = (await client.get(policy, headers=org.admin.bearer)).json()
    assert (rules["mfa_roles"], rules["version"]) == (["Auditor", "Archivist"], 2)
    history = f"/api/v1/audit/entities/sign_in_policy/{org.id}/history"
    newest = (await client.get(history, headers=org.auditor.bearer)).json()["data"][0]
    assert newest["before"]["mfa_roles"] == ["Auditor", "REGISTRAR"]
    assert (await client.patch(url, json={"description": "Keeps it"}, headers=org.admin.bearer)).status_code == 200
    assert (await client.get(policy, headers=org.admin.bearer)).json()["version"] == 2


async def test_renaming_a_role_and_giving_or_taking_it_at_once_agree(client, org: Org) -> None:
    made = await role(client, org, READ)
    for number in range(3):
        ann, *holders = [await add_caller(org) for _ in range(5)]
        held = [(await give(client, org, each, made["id"])).headers["location"] for each in holders]
        name = f"Name {number}"
        renamed, given, *taken = await asyncio.gather(
            client.patch(f"{ROLES}/{made['id']}", json={"name": name}, headers=org.admin.bearer),
            give(client, org, ann, made["id"]),
            *(client.delete(each, headers=org.admin.bearer) for each in held),
        )
        assert [each.status_code for each in (renamed, given, *taken)] == [200, 201, *[204] * 4]
        for url in (given.headers["location"], *held):
            assert (await client.get(url, headers=org.admin.bearer)).json()["role"] == name


@pytest.mark.parametrize(
    ("fields", "place", "status"),
    [
        ({"permissions": [READ, "directory.company.read", "no.such.right"]}, "body.permissions[2]", 422),
        ({"permissions": ["x", READ, "y"]}, "body.permissions[0]", 422),
        ({"permissions": [7]}, "body.permissions[0]", 422),
        ({"name": "Admin"}, "body.name", 409),
        ({"name": "aDMIN"}, "body.name", 409),
        ({"name": "viewer "}, "body.name", 409),
        ({"name": str(uuid4())}, "body.name", 422),
        ({"name": ""}, "body.name", 422),
        ({"name": "x" * 64}, "body.name", 422),
        ({"built_in": True}, "body.built_in", 422),
        ({"id": str(uuid4())}, "body.id", 422),
    ],
)
async def test_what_a_role_cannot_be_names_its_field(fields, place, status, client, org: Org) -> None:
    body = {"name": "Own", "permissions": [READ], **fields}
    answer = await client.post(ROLES, json=body, headers=org.admin.bearer)
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (status, place), answer.text
    own = await role(client, org, READ)
    if "built_in" not in fields and "id" not in fields:
        changed = await client.put(f"{ROLES}/{own['id']}", json=body, headers=org.admin.bearer)
        assert (changed.status_code, changed.json()["errors"][0]["location"]) == (status, place), changed.text


async def test_two_roles_have_two_names_also_when_made_at_once(client, org: Org) -> None:
    body = {"name": "Registrar", "permissions": []}
    answers = await asyncio.gather(*(client.post(ROLES, json=body, headers=org.admin.bearer) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409]
    other = await role(client, org)
    taken = await client.patch(f"{ROLES}/{other['id']}", json={"name": "REGISTRAR"}, headers=org.admin.bearer)
    assert (taken.status_code, taken.json()["errors"][0]["location"]) == (409, "body.name")


async def test_nobody_makes_changes_deletes_or_gives_a_role_beyond_what_they_hold(client, org: Org) -> None:
    rights = [f"identity.role.{each}" for each in ("read", "create", "update", "delete", "restore", "assign")]
    maker = await holder(client, org, *rights, READ)
    more = {"name": "More", "permissions": [READ, "audit.entry.read"]}
    refused = await client.post(ROLES, json=more, headers=maker.bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "MORE_RIGHTS")
    assert [each["location"] for each in refused.json()["errors"]] == ["body.permissions[1]"]
    own = await client.post(ROLES, json={"name": "Less", "permissions": [READ]}, headers=maker.bearer)
    assert own.status_code == 201, own.text
    url = f"{ROLES}/{own.json()['id']}"
    grown = await client.patch(url, json={"permissions": [READ, "audit.entry.read"]}, headers=maker.bearer)
    assert grown.json()["code"] == "MORE_RIGHTS"
    beyond = await role(client, org, READ, "audit.entry.read")
    url, ben = f"{ROLES}/{beyond['id']}", await add_caller(org)
    for body in ({"name": "Mine"}, {"permissions": []}, {"permissions": [READ]}):
        assert (await client.patch(url, json=body, headers=maker.bearer)).json()["code"] == "MORE_RIGHTS"
    assert (await client.delete(url, headers=maker.bearer)).json()["code"] == "MORE_RIGHTS"
    for name in (beyond["id"], "Viewer", "Admin"):
        assert (await give(client, org, ben, name, by=maker)).json()["code"] == "MORE_RIGHTS", name
    assert (await give(client, org, ben, "Less", by=maker)).status_code == 201
    held = (await give(client, org, ben, "Viewer")).json()["id"]
    taken = await client.delete(f"{USERS}/{ben.id}/roles/{held}", headers=maker.bearer)
    assert taken.json()["code"] == "MORE_RIGHTS", "nor takes away what is beyond"
    await client.delete(url, headers=org.admin.bearer)
    assert (await client.post(f"{url}/restore", headers=maker.bearer)).json()["code"] == "MORE_RIGHTS"


async def test_what_holds_in_a_unit_only_cannot_be_given(client, org: Org) -> None:
    company = (await client.post(COMPANIES, json={"code": "N", "name": "N"}, headers=org.admin.bearer)).json()["id"]
    maker = await holder(client, org, "identity.role.assign", "identity.role.read")
    assert (await give(client, org, maker, "User", company_id=company)).status_code == 201
    ben = await add_caller(org)
    answer = await give(client, org, ben, "User", by=maker, company_id=company)
    assert (answer.status_code, answer.json()["code"]) == (403, "MORE_RIGHTS")


async def test_a_role_that_somebody_holds_stays_and_comes_back_from_the_trash(client, org: Org) -> None:
    made = await role(client, org, READ, name="Registrar")
    url = f"{ROLES}/{made['id']}"
    ann, ben = await add_caller(org), await add_caller(org)
    held = [(await give(client, org, each, "Registrar")).json()["id"] for each in (ann, ben)]
    refused = await client.delete(url, headers=org.admin.bearer)
    assert (refused.status_code, refused.json()["code"]) == (409, "ROLE_IN_USE")
    assert "2 users hold" in refused.json()["detail"]
    assert (await client.delete(f"{USERS}/{ann.id}", headers=org.admin.bearer)).status_code == 204
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 409, "who comes back, comes with it"
    await client.post(f"{USERS}/{ann.id}/restore", headers=org.admin.bearer)
    for user, assignment in zip((ann, ben), held, strict=True):
        path = f"{USERS}/{user.id}/roles/{assignment}"
        assert (await client.delete(path, headers=org.admin.bearer)).status_code == 204
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
    assert (await client.get(url, headers=org.admin.bearer)).status_code == 404
    assert (await give(client, org, ben, "Registrar")).status_code == 422
    [gone] = (await client.get(ROLES, params={"deleted": True}, headers=org.admin.bearer)).json()["data"]
    assert gone["id"] == made["id"]
    await role(client, org, name="registrar")
    taken = await client.post(f"{url}/restore", headers=org.admin.bearer)
    assert taken.status_code == 409
    other = (await client.get(ROLES, headers=org.admin.bearer)).json()["data"][-1]
    await client.delete(f"{ROLES}/{other['id']}", headers=org.admin.bearer)
    assert (await client.post(f"{url}/restore", headers=org.admin.bearer)).status_code == 200


async def test_of_giving_and_deleting_a_role_at_once_one_happens(client, org: Org) -> None:
    for _ in range(3):
        made, ben = await role(client, org, READ), await add_caller(org)
        given, deleted = await asyncio.gather(
            give(client, org, ben, made["id"]), client.delete(f"{ROLES}/{made['id']}", headers=org.admin.bearer)
        )
        assert (given.status_code, deleted.status_code) in ((201, 409), (422, 204)), (given.text, deleted.text)


async def test_a_role_given_ended_and_given_again(client, hands, org: Org) -> None:
    ben = await add_caller(org)
    url = f"{USERS}/{ben.id}/roles"
    first = await give(client, org, ben, "Viewer")
    assert first.headers["location"] == f"{url}/{first.json()['id']}"
    assert READ in await may(client, ben)
    twice = await give(client, org, ben, "Viewer")
    assert (twice.status_code, twice.json()["errors"][0]["location"]) == (409, "body.role")
    assert (await client.delete(first.headers["location"])).status_code == 401
    for caller in (org.auditor, org.viewer):
        assert (await client.delete(first.headers["location"], headers=caller.bearer)).status_code == 403
    assert (await client.delete(first.headers["location"], headers=org.admin.bearer)).status_code == 204
    assert await may(client, ben) == []
    again = await client.delete(first.headers["location"], headers=org.admin.bearer)
    assert (again.status_code, again.json()["code"]) == (404, "ASSIGNMENT_NOT_FOUND")
    soon = rfc3339(system_clock() + timedelta(minutes=5))
    assert (await give(client, org, ben, "Viewer", ends_at=soon)).status_code == 201
    assert READ in await may(client, ben)
    hands.forward(minutes=6)
    assert await may(client, ben) == [], "it ended by itself"
    third = await give(client, org, ben, "Viewer")
    assert third.status_code == 201, "what is over stands in nobody's way"
    held = (await client.get(url, headers=org.auditor.bearer)).json()["data"]
    assert [each["id"] for each in held] == [third.json()["id"]]
    ever = (await client.get(url, params={"ended": True}, headers=org.auditor.bearer)).json()["data"]
    assert len(ever) == 3
    assert ever[-1] == (await client.get(first.headers["location"], headers=org.admin.bearer)).json()
    assert (await client.get(url, headers=org.viewer.bearer)).status_code == 403
    found = await client.get(USERS, params={"role": "Viewer"}, headers=org.admin.bearer)
    assert str(ben.id) in [each["id"] for each in found.json()["data"]]


async def test_the_end_of_a_role_is_set_and_taken_back(client, hands, org: Org) -> None:
    ben = await add_caller(org)
    held = await give(client, org, ben, "Viewer")
    url = held.headers["location"]
    for bad in ("2020-01-01T00:00:00Z", "tomorrow", 5):
        answer = await client.patch(url, json={"ends_at": bad}, headers=org.admin.bearer)
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "body.ends_at")
    soon = rfc3339(system_clock() + timedelta(minutes=5))
    assert (await client.patch(url, json={"ends_at": soon}, headers=org.admin.bearer)).status_code == 200
    assert (await client.patch(url, json={"ends_at": None}, headers=org.admin.bearer)).json()["ends_at"] is None
    await client.patch(url, json={"ends_at": soon}, headers=org.admin.bearer)
    hands.forward(minutes=6)
    late = await client.patch(url, json={"ends_at": None}, headers=org.admin.bearer)
    assert (late.status_code, late.json()["code"]) == (404, "ASSIGNMENT_NOT_FOUND")


async def test_a_role_in_a_unit_and_the_same_elsewhere_are_two(client, org: Org, other: Org) -> None:
    ben = await add_caller(org)
    units = []
    for org_ in (org, other):
        made = await client.post(COMPANIES, json={"code": "N", "name": "N"}, headers=org_.admin.bearer)
        units.append(made.json()["id"])
    first = await give(client, org, ben, "Viewer", company_id=units[0])
    assert (first.status_code, first.json()["company_id"]) == (201, units[0])
    assert (await give(client, org, ben, "Viewer")).status_code == 201
    assert (await give(client, org, ben, "Viewer", company_id=units[0])).status_code == 409
    for absent in (units[1], str(uuid4())):
        answer = await give(client, org, ben, "User", company_id=absent)
        assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "body.company_id")
    both = await give(client, org, ben, "User", company_id=units[0], department_id=str(uuid4()))
    assert both.json()["errors"][0]["location"] == "body.department_id"


async def test_nobody_gives_or_prolongs_their_own_role_but_may_give_it_up(client, org: Org) -> None:
    ann = await add_caller(org)
    held = await give(client, org, ann, "Admin", ends_at="2099-01-01T00:00:00Z")
    url = held.headers["location"]
    for name in ("Admin", "Auditor"):
        answer = await give(client, org, ann, name, by=ann)
        assert (answer.status_code, answer.json()["code"]) == (403, "OWN_ROLES")
    for later in (None, "2099-06-01T00:00:00Z"):
        answer = await client.patch(url, json={"ends_at": later}, headers=ann.bearer)
        assert (answer.status_code, answer.json()["code"]) == (403, "OWN_ROLES")
    assert (await client.patch(url, json={"ends_at": "2098-01-01T00:00:00Z"}, headers=ann.bearer)).status_code == 200
    assert (await client.delete(url, headers=ann.bearer)).status_code == 204
    assert await may(client, ann) == []


async def test_platform_rights_are_the_operators(client, timed, org: Org) -> None:
    declared = [each.name for app in timed.apps for each in app.permissions if each.platform]
    ours = {each["name"] for each in (await client.get(PERMISSIONS, headers=org.admin.bearer)).json()["data"]}
    assert not ours & set(declared)
    async with timed.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        assert set(declared) <= set(known_permissions(work))
    for name in declared:
        answer = await client.post(ROLES, json={"name": "P", "permissions": [name]}, headers=org.admin.bearer)
        assert answer.status_code == 422, "as one that there is none of"
