"""Authorisation and tenants, by the numbers of our list of tests after OWASP ASVS 5.0.0.

What the contract tests prove of every route by walking the route table is not repeated here: 38 (route × role × whose:
test_roles.py, test_tenants.py), 39 (another organisation's id answers as one that there is none of: test_tenants.py),
41 (answers show what is declared: test_openapi.py), 44 in the schema (test_locks.py). 46 to 48 are not of this part.
"""

import asyncio
import importlib.util
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from callers import Caller, add_caller
from clients import client_of
from holdfast.core.identity import queries
from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import Session
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import open_installation
from support import Org

CONTRACT = Path(__file__).parents[2] / "contract"


def _contract(name: str):
    """Return a module of the contract tests, which know a valid request of every operation."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, CONTRACT / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


operations = _contract("operations")
Stage, key_of = operations.Stage, operations.key_of
pytestmark = [pytest.mark.endpoint]

USERS, ROLES, ME = "/api/v1/users", "/api/v1/roles", "/api/v1/auth/me"
INJECTED = {
    "tenant_id": str(uuid4()),
    "id": str(uuid4()),
    "is_admin": True,
    "owner_id": str(uuid4()),
    "created_at": "2020-01-01T00:00:00Z",
    "created_by": str(uuid4()),
    "version": 7,
    "permissions": ["*"],
    "role": "Admin",
}


def body_of(endpoint) -> type[BaseModel] | None:
    """Return the schema that an operation takes as JSON."""
    found = endpoint.declared.function.__annotations__.get("body")
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


WRITING = [endpoint for endpoint in operations.API if body_of(endpoint) is not None]
REFERENCES = [
    (endpoint, name)
    for endpoint in WRITING
    for name, field in body_of(endpoint).model_fields.items()
    if name.endswith("_id") and "UUID" in str(field.annotation) and name != "owner_id"  # a mark of the app's own
]


@pytest.fixture
async def stage(client, org: Org):
    return Stage(client, org)


async def long_ago(org: Org, caller: Caller) -> None:
    """Let it be long ago that the caller showed who they are."""
    async with org.home.works.begin(org.id, SYSTEM) as work:
        session = await work.session.get(Session, (org.id, caller.session_id))
        session.verified_at = session.signed_in_at.replace(year=2020)
        work.record(SignedIn(entity=session))


# ── 27 and 30: what ends at once, what asks again who one is ─────────────────────────────────────────────────────────


@pytest.mark.portable
@pytest.mark.parametrize("change", ["role taken", "role shrunk", "user deleted", "user suspended"])
async def test_27_what_is_taken_away_is_gone_in_every_process_on_the_next_request(change, client, timed, org) -> None:
    body = {"name": f"R {uuid4().hex[:8]}", "permissions": ["directory.company.read"]}
    role = (await client.post(ROLES, json=body, headers=org.admin.bearer)).json()
    ben = await add_caller(org)
    held = await client.post(f"{USERS}/{ben.id}/roles", json={"role": role["id"]}, headers=org.admin.bearer)
    ended = asyncio.Event()
    after: list[int] = []

    async def knock(caller) -> None:
        while len(after) < 20:
            late = ended.is_set()
            answer = await caller.get("/api/v1/org/companies", headers=ben.bearer)
            if late:
                after.append(answer.status_code)
            await asyncio.sleep(0)  # SQLite answers on the event loop, which others need too

    async def take() -> None:
        await asyncio.sleep(0.2)
        if change == "role taken":
            answer = await client.delete(held.headers["location"], headers=org.admin.bearer)
        elif change == "role shrunk":
            answer = await client.patch(f"{ROLES}/{role['id']}", json={"permissions": []}, headers=org.admin.bearer)
        elif change == "user deleted":
            answer = await client.delete(f"{USERS}/{ben.id}", headers=org.admin.bearer)
        else:
            url = f"{USERS}/{ben.id}/status"
            answer = await client.patch(url, json={"status": "suspended"}, headers=org.admin.bearer)
        assert answer.is_success, answer.text
        ended.set()

    second = open_installation(timed.settings)
    try:
        async with client_of(second) as elsewhere, asyncio.timeout(60):
            await asyncio.gather(take(), *(knock(each) for each in (client, client, elsewhere, elsewhere)))
    finally:
        await second.close()
    assert set(after) == {401 if change.startswith("user") else 403}, after


STEP_UP = {
    "POST /api/v1/users/{user_id}/roles",
    "PATCH /api/v1/users/{user_id}/roles/{assignment_id}",
    "DELETE /api/v1/users/{user_id}/roles/{assignment_id}",
    "POST /api/v1/users/{user_id}/restore",
    "POST /api/v1/users/imports",
    "POST /api/v1/roles",
    "PUT /api/v1/roles/{role_id}",
    "PATCH /api/v1/roles/{role_id}",
    "DELETE /api/v1/roles/{role_id}",
    "POST /api/v1/roles/{role_id}/restore",
    "POST /api/v1/auth/email",
}


@pytest.mark.parametrize("key", sorted(STEP_UP))
async def test_30_roles_and_addresses_ask_again_who_one_is(key: str, stage, org) -> None:
    endpoint = next(each for each in operations.API if key_of(each) == key)
    assert endpoint.declared.verb.step_up
    await operations.fill(stage, endpoint)
    request = await operations.prepare(stage, endpoint)
    late = await add_caller(org, "Admin")
    await long_ago(org, late)
    refused = await stage.send(key, **request, headers=late.bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "STEP_UP_REQUIRED")
    done = await stage.send(key, **request, headers=org.admin.bearer)
    assert done.is_success, done.text


@pytest.mark.served
async def test_30_who_adds_a_user_with_roles_or_changes_an_address_is_asked_too(client, org) -> None:
    late, ben = await add_caller(org, "Admin"), await add_caller(org)
    await long_ago(org, late)
    fields = {"email": f"{uuid4().hex}@x.test", "name": "New"}
    refused = await client.post(USERS, json={**fields, "roles": ["Viewer"]}, headers=late.bearer)
    assert refused.json()["code"] == "STEP_UP_REQUIRED"
    refused = await client.patch(f"{USERS}/{ben.id}", json={"email": fields["email"]}, headers=late.bearer)
    assert refused.json()["code"] == "STEP_UP_REQUIRED"
    assert (await client.post(USERS, json=fields, headers=late.bearer)).status_code == 201


# ── 40: what is not a field is not taken ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("endpoint", WRITING, ids=key_of)
async def test_40_fields_that_are_not_ones_own_to_write_are_refused(endpoint, stage, org, client) -> None:
    if key_of(endpoint) in operations.ALONE:
        request: dict = {"json": dict.fromkeys(body_of(endpoint).model_fields, "x")}
        stage.values = {}
    else:
        await operations.fill(stage, endpoint)
        request = await operations.prepare(stage, endpoint)
    assert "json" in request, "a JSON body has a valid request in operations.py"
    more = {name: value for name, value in INJECTED.items() if name not in body_of(endpoint).model_fields}
    assert {"tenant_id", "id", "is_admin", "created_at"} <= set(more), "no schema takes these"
    # A file says by it which record it hangs on, not whose it is.
    assert ("owner_id" in more) == (key_of(endpoint) != "POST /api/v1/files/uploads")
    public = endpoint.declared.verb.access == "public"
    headers = {} if public else org.admin.bearer
    answer = await stage.send(key_of(endpoint), json={**request["json"], **more}, headers=headers)
    assert answer.status_code == 422, answer.text
    refused = {each["location"] for each in answer.json()["errors"]}
    assert refused >= {f"body.{name}" for name in more}, refused


@pytest.mark.served
async def test_40_nor_inside_of_what_is_given(client, org) -> None:
    roles = [{"role": "Viewer", "tenant_id": str(uuid4()), "given_at": "2020-01-01T00:00:00Z", "user_id": str(uuid4())}]
    body = {"email": f"{uuid4().hex}@x.test", "name": "New", "roles": roles}
    answer = await client.post(USERS, json=body, headers=org.admin.bearer)
    places = {each["location"] for each in answer.json()["errors"]}
    assert places == {f"body.roles[0].{name}" for name in ("tenant_id", "given_at", "user_id")}


# ── 42 to 45: nothing but the credential says which organisation ─────────────────────────────────────────────────────


@pytest.mark.portable
async def test_42_no_header_parameter_or_host_changes_the_organisation(client, org, other) -> None:
    mine = await Stage(client, org).company()
    theirs = await Stage(client, other).company()
    says = {
        "X-Tenant-Id": str(other.id),
        "X-Tenant": other.slug,
        "X-Organization": other.slug,
        "X-Organization-Id": str(other.id),
        "X-Forwarded-Host": f"{other.slug}.example.com",
        "Forwarded": f"host={other.slug}.example.com",
        "X-User-Id": str(other.admin.id),
        "X-Original-User": other.admin.email,
        "Cookie": f"tenant={other.id}; organization={other.slug}",
    }
    for name, value in says.items():
        headers = {**org.user.bearer, name: value}
        listed = (await client.get("/api/v1/org/companies", headers=headers)).json()["data"]
        assert [each["id"] for each in listed] == [mine], name
        assert (await client.get(f"/api/v1/org/companies/{theirs}", headers=headers)).status_code == 404, name
        assert (await client.get(ME, headers=headers)).json()["organization"]["id"] == str(org.id), name
    for parameter in ("tenant_id", "organization", "tenant"):
        answer = await client.get("/api/v1/org/companies", params={parameter: str(other.id)}, headers=org.user.bearer)
        assert answer.status_code == 422


KINDS = {
    "company_id": Stage.company,
    "branch_id": Stage.branch,
    "department_id": Stage.department,
    "parent_id": Stage.department,
    "group_id": Stage.group,
    "person_id": Stage.person,
    "manager_id": Stage.person,
    "head_person_id": Stage.person,
    "user_id": operations.MAKERS["user_id"],
    "role_id": operations.MAKERS["role_id"],
    "replaces_id": Stage.file,
}


@pytest.mark.parametrize(
    ("endpoint", "name"), REFERENCES, ids=lambda each: each if isinstance(each, str) else key_of(each)
)
async def test_43_another_organisations_row_is_named_as_one_that_there_is_none_of(
    endpoint, name, stage, org, other
) -> None:
    key = key_of(endpoint)
    await operations.fill(stage, endpoint)
    request = await operations.prepare(stage, endpoint)
    theirs = await KINDS[name](Stage(stage.client, other))
    told = []
    for value in (theirs, str(uuid4())):
        units = ("company_id", "branch_id", "department_id", "group_id", "parent_id")
        fields = {n: v for n, v in request["json"].items() if n not in units or name not in units}
        answer = await stage.send(key, json={**fields, name: value}, headers=org.admin.bearer)
        assert not answer.is_success, answer.text
        told.append((answer.status_code, {**answer.json(), "request_id": None}))
    assert told[0] == told[1]
    assert [each["location"] for each in told[0][1]["errors"]] == [f"body.{name}"]


@pytest.mark.served
async def test_43_nor_is_a_role_of_another_organisation_one(client, org, other) -> None:
    body = {"name": "Theirs", "permissions": []}
    theirs = (await client.post(ROLES, json=body, headers=other.admin.bearer)).json()["id"]
    ben = await add_caller(org)
    told = []
    for value in (theirs, str(uuid4())):
        answer = await client.post(f"{USERS}/{ben.id}/roles", json={"role": value}, headers=org.admin.bearer)
        told.append((answer.status_code, {**answer.json(), "request_id": None}))
    assert told[0] == told[1]
    assert (await client.post(f"{USERS}/{ben.id}/roles", json={"role": "Theirs"}, headers=org.admin.bearer)).is_error


@pytest.mark.portable
async def test_44_what_another_organisation_has_is_not_taken_here(client, org, other) -> None:
    email, username = f"{uuid4().hex}@x.test", uuid4().hex[:12]
    for url, body in (
        (USERS, {"email": email, "username": username, "name": "New"}),
        (ROLES, {"name": "Registrar", "permissions": []}),
        ("/api/v1/org/companies", {"code": "N-1", "name": "N"}),
        ("/api/v1/org/people", {"number": "N-1", "given_name": "A", "family_name": "B"}),
    ):
        for each in (other, org):
            answer = await client.post(url, json=body, headers=each.admin.bearer)
            assert answer.status_code == 201, (url, answer.text)
            again = await client.post(url, json=body, headers=each.admin.bearer)
            assert again.status_code == 409, (url, again.text)


LISTS = [endpoint for endpoint in operations.API if endpoint.method == "GET" and not operations.parameters(endpoint)]


async def test_45_no_list_search_or_export_shows_what_another_organisation_has(client, org, other) -> None:
    canary = f"canary{uuid4().hex[:10]}"
    for url, body in (
        (USERS, {"email": f"{canary}@x.test", "name": canary}),
        (ROLES, {"name": canary, "permissions": []}),
        ("/api/v1/org/companies", {"code": "N-1", "name": canary}),
        ("/api/v1/org/people", {"number": "N-1", "given_name": canary, "family_name": "B"}),
    ):
        assert (await client.post(url, json=body, headers=other.admin.bearer)).status_code == 201
    seen = 0
    for endpoint in LISTS:
        for query in ({}, {"q": canary}):
            answer = await client.get(endpoint.path, params=query, headers=org.admin.bearer)
            # What one searched for oneself stands in links to the next page and in the own trail.
            told = answer.text.replace(f"q={canary}", "").replace(f'"q":"{canary}"', "")
            assert canary not in told, endpoint.path
            own = await client.get(endpoint.path, params=query, headers=other.admin.bearer)
            seen += canary in own.text
    assert seen >= 8, "the canary is seen at home"


# ── 49: somebody administers ─────────────────────────────────────────────────────────────────────────────────────────


async def assignment_of(client, org: Org, user: Caller, by: Caller) -> str:
    listed = await client.get(f"{USERS}/{user.id}/roles", headers=by.bearer)
    return f"{USERS}/{user.id}/roles/{listed.json()['data'][0]['id']}"


async def put_out(client, how: str, url: str, held: str, by: Caller):
    """Let one administrator take another's power, in one of the ways that there are."""
    if how == "suspend":
        return await client.patch(f"{url}/status", json={"status": "suspended"}, headers=by.bearer)
    if how == "delete":
        return await client.delete(url, headers=by.bearer)
    if how == "end":
        return await client.patch(held, json={"ends_at": "2099-01-01T00:00:00Z"}, headers=by.bearer)
    return await client.delete(held, headers=by.bearer)


async def administrators(org: Org) -> set[UUID]:
    async with org.home.works.begin(org.id, SYSTEM, write=False) as work:
        return set(await queries.list_administrators(work, role="Admin"))


@pytest.mark.parametrize("how", ["role", "end"])
@pytest.mark.served
async def test_49_the_last_administrator_keeps_the_role(how: str, client, org) -> None:
    temporary = await add_caller(org)
    body = {"role": "Admin", "ends_at": "2099-01-01T00:00:00Z"}
    await client.post(f"{USERS}/{temporary.id}/roles", json=body, headers=org.admin.bearer)
    suspended = await add_caller(org, "Admin")
    url = f"{USERS}/{suspended.id}/status"
    assert (await client.patch(url, json={"status": "suspended"}, headers=org.admin.bearer)).status_code == 200
    held = await assignment_of(client, org, org.admin, org.admin)
    for by in (org.admin, temporary):
        answer = await put_out(client, how, f"{USERS}/{org.admin.id}", held, by)
        assert (answer.status_code, answer.json()["code"]) == (409, "LAST_ADMINISTRATOR"), answer.text
    assert await administrators(org) == {org.admin.id}


@pytest.mark.parametrize("how", ["suspend", "delete"])
@pytest.mark.served
async def test_49_the_last_administrator_is_neither_suspended_nor_deleted(how: str, client, org) -> None:
    temporary = await add_caller(org)
    body = {"role": "Admin", "ends_at": "2099-01-01T00:00:00Z"}
    await client.post(f"{USERS}/{temporary.id}/roles", json=body, headers=org.admin.bearer)
    answer = await put_out(client, how, f"{USERS}/{org.admin.id}", "", temporary)
    assert (answer.status_code, answer.json()["code"]) == (409, "LAST_ADMINISTRATOR")
    assert (await client.get(ME, headers=org.admin.bearer)).status_code == 200


@pytest.mark.portable
async def test_49_who_has_left_administers_nothing(client, org) -> None:
    gone = await add_caller(org, "Admin")
    body = {"number": "1", "given_name": "A", "family_name": "B"}
    person = await client.post("/api/v1/org/people", json=body, headers=org.admin.bearer)
    link = {"person_id": person.json()["id"]}
    assert (await client.patch(f"{USERS}/{gone.id}", json=link, headers=org.admin.bearer)).status_code == 200
    assert await administrators(org) == {org.admin.id, gone.id}
    end = {"end_date": "2020-01-31"}
    left = await client.patch(person.headers["location"], json=end, headers=org.admin.bearer)
    assert left.status_code == 200, left.text
    assert await administrators(org) == {org.admin.id}
    held = await assignment_of(client, org, org.admin, org.admin)
    answer = await client.delete(held, headers=org.admin.bearer)
    assert (answer.status_code, answer.json()["code"]) == (409, "LAST_ADMINISTRATOR")


@pytest.mark.portable
@pytest.mark.parametrize("ways", [("suspend", "suspend"), ("delete", "role"), ("role", "role"), ("end", "delete")])
async def test_49_two_administrators_who_put_each_other_out_at_once_leave_one(ways, client, org) -> None:
    first = org.admin
    for _ in range(3):
        second = await add_caller(org, "Admin")
        pair = (first, second)
        assert await administrators(org) == {each.id for each in pair}
        held = [await assignment_of(client, org, each, first) for each in pair]
        answers = await asyncio.gather(
            *(
                put_out(client, ways[turn], f"{USERS}/{pair[1 - turn].id}", held[1 - turn], pair[turn])
                for turn in (0, 1)
            )
        )
        left = await administrators(org)
        assert len(left) == 1, [each.text for each in answers]
        assert sum(each.is_success for each in answers) == 1, [each.text for each in answers]
        [refused] = [each for each in answers if not each.is_success]
        assert refused.status_code in (401, 403, 409), refused.text
        first = next(each for each in pair if each.id in left)
