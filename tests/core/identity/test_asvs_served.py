"""Tenants, races and limits, by the numbers of the checklist after OWASP ASVS 5.0.0, at the served program.

Of what the contract tests prove of every route by walking the route table in one process (38 to 45, 61), these are the
samples over several; the list of all numbers is docs/reference/asvs.md.
"""

import asyncio
from collections import Counter
from uuid import uuid4

import httpx
import pytest
from processes import Servers

from authenticator import give_authenticator
from callers import Caller, add_caller
from holdfast.core.identity import queries
from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import Session
from holdfast.kernel.permissions import SYSTEM
from operators import PLATFORM, REASON, add_operator
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable, pytest.mark.timeout(180)]
USERS, ROLES, ME = "/api/v1/users", "/api/v1/roles", "/api/v1/auth/me"
COMPANIES, PEOPLE = "/api/v1/org/companies", "/api/v1/org/people"
GLASS = f"{PLATFORM}/break-glass"


def told(answer: httpx.Response) -> tuple[int, dict]:
    """Return what a refused caller learns, apart from the id of the request."""
    return answer.status_code, {**answer.json(), "request_id": None}


async def add_to(org: Org, client: httpx.AsyncClient, name: str) -> dict[str, str]:
    """Add a record of each of four kinds by the API and return their addresses with their names."""
    made = {}
    for url, body in (
        (USERS, {"email": f"{name}@x.test", "name": name}),
        (ROLES, {"name": name, "permissions": []}),
        (COMPANIES, {"code": "N-1", "name": name}),
        (PEOPLE, {"number": "N-1", "given_name": name, "family_name": "B"}),
    ):
        answer = await client.post(url, json=body, headers=org.admin.bearer)
        assert answer.status_code == 201, answer.text
        made[url] = answer.json()["id"]
    return made


async def test_38_each_role_gets_its_own_answer_in_all(servers: Servers, org: Org, other: Org) -> None:
    """(8.2.1)."""
    body = {"name": "New", "code": uuid4().hex[:8]}
    company = (await servers.clients[0].post(COMPANIES, json=body, headers=org.admin.bearer)).json()["id"]
    nobody, url = await add_caller(org), f"{COMPANIES}/{company}"
    for headers, read, write in (
        ({}, 401, 401),
        (nobody.bearer, 403, 403),
        (org.viewer.bearer, 200, 403),
        (org.admin.bearer, 200, 200),
        (other.admin.bearer, 404, 404),
    ):
        assert await servers.everywhere("GET", url, headers=headers) == {read}
        assert await servers.everywhere("PATCH", url, json={}, headers=headers) == {write}


async def test_39_another_organisations_id_answers_as_one_that_there_is_none_of(servers, org, other) -> None:
    """(8.2.2)."""
    theirs = await add_to(other, servers.clients[0], f"n{uuid4().hex[:8]}")
    for turn, (url, row) in enumerate(theirs.items()):
        for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
            answers = [
                told(await client.request(method, f"{url}/{name}", json=body, headers=org.admin.bearer))
                for name, client in ((row, servers.clients[turn]), (str(uuid4()), servers.clients[turn + 1]))
            ]
            assert answers[0] == answers[1]
            assert answers[0][0] == 404
        assert await servers.everywhere("GET", f"{url}/{row}", headers=other.admin.bearer) == {200}


async def test_40_fields_that_are_not_ones_own_to_write_are_refused_in_all(servers, org, other) -> None:
    """(15.3.3)."""
    more = {"tenant_id": str(other.id), "id": str(uuid4()), "is_admin": True, "owner_id": str(uuid4())}
    more["created_at"] = "2020-01-01T00:00:00Z"
    for url, body in ((COMPANIES, {"code": "N-1", "name": "N"}), (USERS, {"email": "n@x.test", "name": "N"})):
        for client in servers.clients:
            answer = await client.post(url, json={**body, **more}, headers=org.admin.bearer)
            assert answer.status_code == 422
            assert {each["location"] for each in answer.json()["errors"]} == {f"body.{name}" for name in more}
    assert (await client.get(COMPANIES, headers=org.admin.bearer)).json()["data"] == []


async def test_41_answers_have_the_fields_that_are_declared(servers: Servers, org: Org) -> None:
    """(8.2.3, 15.3.1)."""
    schemas = (await servers.clients[0].get("/api/openapi.json")).json()["components"]["schemas"]
    made = await add_to(org, servers.clients[1], f"n{uuid4().hex[:8]}")
    shown = {USERS: "UserOut", ROLES: "RoleOut", COMPANIES: "CompanyOut", PEOPLE: "PersonOut"}
    for url, row in made.items():
        for client in servers.clients[:4]:
            answer = await client.get(f"{url}/{row}", headers=org.admin.bearer)
            assert set(answer.json()) == set(schemas[shown[url]]["properties"]), url


async def test_42_nothing_but_the_credential_says_which_organisation(servers, org, other) -> None:
    """(8.4.1)."""
    theirs = await add_to(other, servers.clients[0], f"n{uuid4().hex[:8]}")
    says = {
        "X-Tenant-Id": str(other.id),
        "X-Organization": other.slug,
        "X-Forwarded-Host": f"{other.slug}.example.com",
        "Forwarded": f"host={other.slug}.example.com",
        "X-Original-User": other.admin.email,
        "Cookie": f"tenant={other.id}; organization={other.slug}",
    }
    for name, value in says.items():
        headers = {**org.admin.bearer, name: value}
        answers = await asyncio.gather(*(client.get(COMPANIES, headers=headers) for client in servers.clients))
        assert all(answer.json()["data"] == [] for answer in answers), name
        assert await servers.everywhere("GET", f"{COMPANIES}/{theirs[COMPANIES]}", headers=headers) == {404}
    for name in ("tenant_id", "organization", "tenant"):
        request = {"params": {name: str(other.id)}, "headers": org.admin.bearer}
        assert await servers.everywhere("GET", COMPANIES, **request) == {422}


async def test_43_another_organisations_row_in_a_body_is_no_row(servers, org, other) -> None:
    """(8.2.2)."""
    theirs = await add_to(other, servers.clients[0], f"n{uuid4().hex[:8]}")
    ben = await add_caller(org)
    for method, url, field, body, kind in (
        ("POST", PEOPLE, "company_id", {"number": "1", "given_name": "A", "family_name": "B"}, COMPANIES),
        ("POST", PEOPLE, "manager_id", {"number": "1", "given_name": "A", "family_name": "B"}, PEOPLE),
        ("PATCH", f"{USERS}/{ben.id}", "person_id", {}, PEOPLE),
        ("POST", f"{USERS}/{ben.id}/roles", "role", {}, ROLES),
    ):
        answers = []
        for client, value in zip(servers.clients, [theirs[kind], str(uuid4())] * 4, strict=True):
            answer = await client.request(method, url, json={**body, field: value}, headers=org.admin.bearer)
            assert answer.status_code == 422, answer.text
            answers.append(told(answer))
        assert all(each == answers[0] for each in answers), field


async def test_44_and_45_names_and_texts_of_another_organisation_are_unknown(servers, org, other) -> None:
    """(8.2.2) What is taken there is free here, and no list, search or export shows it."""
    name = f"canary{uuid4().hex[:10]}"
    await add_to(other, servers.clients[0], name)
    lists = (USERS, ROLES, COMPANIES, PEOPLE, "/api/v1/audit/entries", f"{PEOPLE}/exports", "/api/v1/org/tree")
    for url in lists:
        for query in ({}, {"q": name} if url in (USERS, COMPANIES, PEOPLE) else {}):
            for client in servers.clients[:4]:
                answer = await client.get(url, params=query, headers=org.admin.bearer)
                assert answer.status_code == 200, answer.text
                assert name not in answer.text.replace(f"q={name}", ""), url
    await add_to(org, servers.clients[1], name)


async def test_46_who_acts_in_anothers_place_is_out_in_all_when_either_is(servers, org: Org) -> None:
    ben, url = await add_caller(org, "Viewer"), "/impersonate"
    for ends in ("own", "actor"):
        actor = await add_caller(org, "Admin")
        body = {"reason": REASON}
        made = await servers.clients[0].post(f"{USERS}/{ben.id}{url}", json=body, headers=actor.bearer)
        assert made.status_code == 201, made.text
        as_ben = {"Authorization": f"Bearer {made.json()['access_token']}"}
        assert await servers.everywhere("GET", COMPANIES, headers=as_ben) == {200}
        assert await servers.everywhere("POST", COMPANIES, json={"code": "A", "name": "A"}, headers=as_ben) == {403}
        assert await servers.everywhere("GET", "/api/v1/auth/sessions", headers=as_ben) == {403}
        ended = as_ben if ends == "own" else actor.bearer
        assert (await servers.clients[1].post("/api/v1/auth/logout", headers=ended)).status_code == 204
        assert await servers.everywhere("GET", COMPANIES, headers=as_ben) == {401}


async def test_47_without_a_reason_or_a_second_factor_no_glass_breaks(servers, home, org: Org) -> None:
    olga, weak = await add_operator(home), await add_operator(home, second_factor=False)
    body = {"organization_id": str(org.id), "reason": REASON}
    assert await servers.everywhere("POST", GLASS, json={**body, "reason": ""}, headers=olga.bearer) == {422}
    assert await servers.everywhere("POST", GLASS, json=body, headers=weak.bearer) == {403}
    grant = (await servers.clients[0].post(GLASS, json=body, headers=olga.bearer)).json()
    inside = {"Authorization": f"Bearer {grant['access_token']}"}

    async def end() -> httpx.Response:
        return await servers.clients[0].delete(f"{GLASS}/{grant['id']}", headers=olga.bearer)

    before, after = await servers.around(COMPANIES, inside, end)
    assert 200 in before
    assert after == {401}


async def test_49_eight_administrators_who_put_each_other_out_at_once_leave_one(servers, home, org: Org) -> None:
    """(15.4.2) Each suspends the next one; somebody is left who administers, whatever came first."""
    ring: list[Caller] = [await add_caller(org, "Admin") for _ in servers.clients]
    gone = await servers.clients[0].delete(f"{USERS}/{org.admin.id}", headers=ring[0].bearer)
    assert gone.is_success, gone.text

    async def suspend(turn: int) -> int:
        url = f"{USERS}/{ring[(turn + 1) % 8].id}/status"
        answer = await servers.clients[turn].patch(url, json={"status": "suspended"}, headers=ring[turn].bearer)
        assert answer.status_code in (200, 401, 403, 409), answer.text
        return answer.status_code

    statuses = Counter(await asyncio.gather(*(suspend(turn) for turn in range(8))))
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        left = set(await queries.list_administrators(work, role="Admin"))
    assert len(left) == 8 - statuses[200], statuses
    assert left, statuses


async def test_49_two_at_once_never_leave_none(servers: Servers, home, org: Org) -> None:
    """(15.4.2)."""
    first = org.admin
    for turn in range(4):
        second = await add_caller(org, "Admin")
        urls = [f"{USERS}/{each.id}/status" for each in (second, first)]
        bearers, clients = (first.bearer, second.bearer), servers.clients[turn : turn + 2]
        answers = await asyncio.gather(
            *(
                client.patch(url, json={"status": "suspended"}, headers=bearer)
                for client, url, bearer in zip(clients, urls, bearers, strict=True)
            )
        )
        assert sum(each.is_success for each in answers) == 1, [each.text for each in answers]
        async with home.works.begin(org.id, SYSTEM, write=False) as work:
            [left] = await queries.list_administrators(work, role="Admin")
        first = next(each for each in (first, second) if each.id == left)


async def test_60_one_key_at_once_in_all_makes_one(servers: Servers, org: Org, other: Org) -> None:
    body = {"code": "RACE", "name": "Race"}
    headers = {**org.admin.bearer, "Idempotency-Key": "race"}
    answers = await asyncio.gather(
        *(client.post(COMPANIES, json=body, headers=headers) for client in servers.clients * 2)
    )
    counts = Counter(answer.status_code for answer in answers)
    assert set(counts) <= {201, 409}, [answer.text for answer in answers]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"IDEMPOTENCY_KEY_IN_USE"}
    [made] = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    again = await servers.clients[3].post(COMPANIES, json=body, headers=headers)
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (made, "true")
    different = {"json": {**body, "name": "Other"}, "headers": headers}
    assert await servers.everywhere("POST", COMPANIES, **different) == {422}
    theirs = {**other.admin.bearer, "Idempotency-Key": "race"}
    assert (await servers.clients[0].post(COMPANIES, json=body, headers=theirs)).json()["id"] != made
    ann = await add_caller(org, "Admin")
    own = await servers.clients[0].post(
        COMPANIES, json={"code": "MINE", "name": "Mine"}, headers={**ann.bearer, "Idempotency-Key": "race"}
    )
    assert own.status_code == 201, own.text


async def test_61_of_many_writes_with_the_same_version_one_is_taken(servers: Servers, org: Org) -> None:
    made = await servers.clients[0].post(COMPANIES, json={"code": "N", "name": "N"}, headers=org.admin.bearer)
    headers = {**org.admin.bearer, "If-Match": made.headers["etag"]}
    url = made.headers["location"]
    answers = await asyncio.gather(
        *(client.patch(url, json={"name": f"N {n}"}, headers=headers) for n, client in enumerate(servers.clients))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7, [each.text for each in answers]
    [taken] = [answer.json()["name"] for answer in answers if answer.status_code == 200]
    assert (await servers.clients[1].get(url, headers=org.admin.bearer)).json()["name"] == taken


async def test_30_showing_who_one_is_counts_in_all_and_for_that_session_alone(servers, home, org: Org) -> None:
    """(7.5.1)."""
    bea = await add_caller(org, "Viewer", password=PASSWORD)
    app, _ = await give_authenticator(home, org, bea.id)
    async with org.work() as work:
        session = await work.session.get(Session, (org.id, bea.session_id))
        session.verified_at = session.signed_in_at.replace(year=2020)
        work.record(SignedIn(entity=session))
    wanted = {"headers": bea.bearer}
    assert await servers.everywhere("POST", "/api/v1/auth/mfa/recovery-codes", **wanted) == {403}
    shown = await servers.clients[0].post("/api/v1/auth/step-up", json={"code": app.code()}, headers=bea.bearer)
    assert shown.status_code == 200, shown.text
    again = await servers.clients[1].post("/api/v1/auth/mfa/recovery-codes", headers=bea.bearer)
    assert again.status_code == 200, again.text
