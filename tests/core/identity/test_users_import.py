"""Users from a file: their old hashes, all of them or none, and no hash in any answer."""

import bcrypt
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from callers import add_caller
from holdfast.core.identity.models import Password
from holdfast.core.identity.service.users_file import is_hash, parse_users
from holdfast.kernel.permissions import SYSTEM
from posts import last_link
from support import PASSWORD, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL, USERS, LOGIN = "/api/v1/users/imports", "/api/v1/users", "/api/v1/auth/login"
HEADING = "email,username,name,password_hash,roles,status"
# With salts that never change: they are in the names of the tests.
BCRYPT = bcrypt.hashpw(PASSWORD.encode(), b"$2b$04$" + b"abcdefghijklmnopqrstuu").decode()
ARGON2 = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD, salt=b"0123456789abcdef")


async def send(client, org: Org, *lines: str, dry_run: bool = False, by=None, heading: str = HEADING):
    return await client.post(
        URL,
        params={"dry_run": dry_run},
        content="\n".join((heading, *lines)).encode(),
        headers={**(by or org.admin).bearer, "Content-Type": "text/csv"},
    )


async def emails(client, org: Org) -> set[str]:
    listed = await client.get(USERS, params={"q": "@x.test"}, headers=org.admin.bearer)
    return {each["email"] for each in listed.json()["data"]}


async def test_users_come_in_with_what_they_had(client, org: Org) -> None:
    made = {"name": "Registrar", "permissions": ["directory.company.read"]}
    assert (await client.post("/api/v1/roles", json=made, headers=org.admin.bearer)).status_code == 201
    lines = (
        f'ann@x.test,ann,Ann Smith,"{ARGON2}",Viewer;registrar,',
        f"ben@x.test,,Ben Łucja,{BCRYPT},,active",
        f"cy@x.test,,Cy,{BCRYPT.replace('$2b$', '$2y$')},User,suspended",
        "dan@x.test,dan,Dan,,Auditor,",
        "",
    )
    dry = await send(client, org, *lines, dry_run=True)
    assert (dry.status_code, dry.json()["rows"], dry.json()["error_count"]) == (200, 4, 0), dry.text
    assert await emails(client, org) == set()
    done = await send(client, org, *lines)
    assert (done.status_code, done.json()["imported"]) == (201, 4), done.text
    listed = (await client.get(USERS, params={"q": "@x.test"}, headers=org.admin.bearer)).json()["data"]
    assert [(each["email"], each["status"], each["roles"]) for each in listed] == [
        ("ann@x.test", "active", ["Registrar", "Viewer"]),
        ("ben@x.test", "active", []),
        ("cy@x.test", "suspended", ["User"]),
        ("dan@x.test", "invited", ["Auditor"]),
    ]
    body = {"username": "ann", "password": PASSWORD, "organization": org.slug}
    assert (await client.post(LOGIN, json=body)).status_code == 200
    body = {"token": await last_link(org, "dan@x.test"), "password": PASSWORD}
    assert (await client.post("/api/v1/auth/invitations/accept", json=body)).status_code == 200
    async with org.home.works.begin(org.id, SYSTEM, write=False) as work:
        hashes = set(await work.session.scalars(select(Password.hash)))
    assert {ARGON2, BCRYPT} <= hashes or BCRYPT in hashes, "kept as they were"
    for each in listed:
        path = f"/api/v1/audit/entities/user_account/{each['id']}/history"
        told = (await client.get(path, headers=org.auditor.bearer)).json()["data"]
        assert told[-1]["action"] == "identity.user.imported"
    entries = await client.get("/api/v1/audit/entries?action=identity.users.imported", headers=org.auditor.bearer)
    assert len(entries.json()["data"]) == 1


FAULTY = {
    "no address,,A,,,": (2, "email", "invalid"),
    ",,A,,,": (2, "email", "missing"),
    "a@x.test,,,,,": (2, "name", "missing"),
    "a@x.test,an@x.test,A,,,": (2, "username", "invalid"),
    "a@x.test,,A,$1$md5$0123456789,,": (2, "password_hash", "invalid"),
    "a@x.test,,A,plain text,,": (2, "password_hash", "invalid"),
    f"a@x.test,,A,{BCRYPT[:-1]},,": (2, "password_hash", "invalid"),
    f"a@x.test,,A,{BCRYPT.replace('$04$', '$31$')},,": (2, "password_hash", "invalid"),
    f'a@x.test,,A,"{ARGON2.replace("m=64", "m=99999999")}",,': (2, "password_hash", "invalid"),
    "a@x.test,,A,,Nobody,": (2, "roles", "unknown_role"),
    "a@x.test,,A,,,active": (2, "status", "no_password"),
    f"a@x.test,,A,{BCRYPT},,invited": (2, "status", "has_password"),
    "a@x.test,,A,,,locked": (2, "status", "invalid"),
    "a@x.test,,A": (2, None, "cells"),
    'a@x.test,,"A,,,': (2, None, "quotes"),
    "a@x.test,,A,,,\nA@X.test,,B,,,": (3, "email", "duplicate"),
    "a@x.test,ann,A,,,\nb@x.test,ANN,B,,,": (3, "username", "duplicate"),
    "a@x.test,,A,,,\n\nviewer@{slug}.test,,B,,,": (4, "email", "taken"),
}


@pytest.mark.parametrize("lines", FAULTY)
async def test_a_faulty_row_is_named_and_nothing_is_taken(lines: str, client, org: Org) -> None:
    line, column, code = FAULTY[lines]
    content = lines.format(slug=org.slug)
    dry = await send(client, org, content, dry_run=True)
    assert dry.status_code == 200, dry.text
    [fault] = dry.json()["errors"]
    assert (fault["line"], fault["column"], fault["code"]) == (line, column, code), fault
    refused = await send(client, org, content)
    assert (refused.status_code, refused.json()["code"]) == (422, "USERS_NOT_IMPORTED")
    place = f"line {line}" if column is None else f"line {line}, column {column}"
    assert [(each["location"], each["code"]) for each in refused.json()["errors"]] == [(place, code)]
    for answer in (dry, refused):
        assert "$" not in answer.text.replace("($2a$, $2b$, $2y$,", ""), "no answer repeats a hash"
        assert "plain text" not in answer.text
    assert await emails(client, org) == set()


async def test_all_faults_are_told_at_once(client, org: Org) -> None:
    answer = await send(client, org, *(f"a{n}@x.test,,A,no-hash,Nobody,odd" for n in range(5)), dry_run=True)
    assert (answer.json()["rows"], answer.json()["error_count"]) == (5, 10), "roles are looked up for good rows only"


@pytest.mark.parametrize("heading", ["email,name,mail", "email,email,name", "email", "", "name,password"])
async def test_a_heading_that_names_other_columns_is_refused(heading: str, client, org: Org) -> None:
    answer = await send(client, org, "a,b,c", heading=heading)
    assert answer.status_code == 422, answer.text


async def test_who_imports_gives_no_more_than_they_hold(client, org: Org) -> None:
    made = {"name": "Importer", "permissions": ["identity.user.import"]}
    role = (await client.post("/api/v1/roles", json=made, headers=org.admin.bearer)).json()
    ann = await add_caller(org)
    await client.post(f"{USERS}/{ann.id}/roles", json={"role": role["id"]}, headers=org.admin.bearer)
    answer = await send(client, org, "a@x.test,,A,,Admin,", dry_run=True, by=ann)
    assert [(each["column"], each["code"]) for each in answer.json()["errors"]] == [("roles", "more_rights")]
    assert (await send(client, org, "a@x.test,,A,,Importer,", by=ann)).status_code == 201
    for member in (org.auditor, org.operator):
        assert (await send(client, org, "b@x.test,,B,,,", by=member)).status_code == 403
    wrong = await client.post(URL, json={}, headers=org.admin.bearer)
    assert wrong.status_code == 415


@pytest.mark.unit
def test_hashes_that_sign_in_can_verify() -> None:
    for good in (BCRYPT, BCRYPT.replace("$2b$", "$2a$"), ARGON2, PasswordHasher().hash("x")):
        assert is_hash(good), good
    for bad in (
        "",
        "$2b$",
        BCRYPT + "a",
        BCRYPT.replace("$2b$", "$2x$"),
        BCRYPT.replace("$04$", "$03$"),
        BCRYPT.replace("$04$", "$16$"),
        ARGON2.replace("t=1", "t=99"),
        ARGON2.replace("p=1", "p=99"),
        ARGON2.replace("argon2id", "scrypt"),
        ARGON2 + "\n",
        "a" * 300,
    ):
        assert not is_hash(bad), bad


@pytest.mark.unit
def test_files_of_other_programs_are_read() -> None:
    file = parse_users("\ufeffE-mail\tName\nx".encode(), file_name="a")
    assert file.faults.count
    good = parse_users('\ufeffName;Email\n"Smith; Ann";ann@x.test\r\n'.encode(), file_name="a\nb.csv")
    assert [(row.name, row.email, row.line) for row in good.rows] == [("Smith; Ann", "ann@x.test", 2)]
    assert (good.name, good.faults.count) == ("ab.csv", 0)
    assert parse_users("email,name\né@x.test,A".encode("latin-1"), file_name="a").faults.listed[0].code == "encoding"
    many = "email,name\n" + "\n".join(f"a{n}@x.test,A" for n in range(20_001))
    assert parse_users(many.encode(), file_name="a").faults.listed[0].code == "too_many_rows"
