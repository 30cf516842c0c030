"""What the contract tests know of each operation: a valid request, and a real row for each path parameter.

A route is tested because it exists: the tests walk the route table, and an operation or path parameter that this file
does not know fails them.
"""

import importlib.util
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx

from authenticator import Authenticator, give_authenticator, link_sent
from callers import Caller, add_caller
from holdfast.core.directory.facts import PersonImported
from holdfast.core.directory.models import Person
from holdfast.core.files.models import Derived
from holdfast.core.files.queries import find_object
from holdfast.core.files.service.cabinet import cabinet_of
from holdfast.core.identity.facts import PasswordSet, SignedIn, UserStatusChanged
from holdfast.core.identity.models import Password, SessionKind, UserStatus
from holdfast.core.identity.public import open_session
from holdfast.core.identity.queries import find_password, get_user
from holdfast.core.jobs.queries import get_job
from holdfast.kernel.clock import rfc3339, system_clock
from holdfast.kernel.discovery import Endpoint, discover
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.jobs.tables import JobState
from holdfast.kernel.plugins import installed_apps
from holdfast.kernel.storage import key_of as address_of
from posts import last_link
from support import PASSWORD, Org

COMPANIES = "/api/v1/org/companies"
BRANCHES = "/api/v1/org/branches"
DEPARTMENTS = "/api/v1/org/departments"
PEOPLE = "/api/v1/org/people"
GROUPS = "/api/v1/org/groups"
EVERY = tuple(endpoint for endpoint in discover(installed_apps()) if endpoint.kind == "api")
# What operators do concerns two organisations at once, so it is tested apart: tests/core/identity/test_platform.py and
# test_break_glass.py.
OPERATORS = tuple(endpoint for endpoint in EVERY if endpoint.path.startswith("/api/v1/platform/"))
API = tuple(endpoint for endpoint in EVERY if endpoint not in OPERATORS)
USERS, ROLES = "/api/v1/users", "/api/v1/roles"
THEME = "console.theme"


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


NAMES = re.compile(r"\{(\w+)\}")


@dataclass
class Stage:
    """One organisation, the client to reach it, and the values that its path parameters have got."""

    client: httpx.AsyncClient
    org: Org
    values: dict[str, str] = field(default_factory=dict)

    async def send(
        self, key: str, *, headers: dict[str, str] | None = None, extra: dict[str, str] | None = None, **request: object
    ) -> httpx.Response:
        """Send a request, with `extra` headers that belong to it whoever sends it."""
        method, path = key.split(" ")
        sent = {**(headers or {}), **(extra or {})}
        return await self.client.request(method, path.format_map(self.values), headers=sent, **request)

    async def made(self, url: str, **fields: object) -> str:
        """Add a row as Admin and return its id."""
        answer = await self.client.post(url, json=fields, headers=self.org.admin.bearer)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def company(self) -> str:
        return await self.made(COMPANIES, code=f"C-{uuid4().hex[:8]}", name="Ours")

    async def branch(self) -> str:
        return await self.made(BRANCHES, code="B-1", name="Our place", company_id=await self.company())

    async def department(self) -> str:
        return await self.made(DEPARTMENTS, code=f"D-{uuid4().hex[:8]}", name="Ours", branch_id=await self.branch())

    async def group(self) -> str:
        return await self.made(GROUPS, code=f"G-{uuid4().hex[:8]}", name="Ours")

    async def person(self, company_id: UUID | None = None) -> str:
        names = {"number": uuid4().hex[:8], "given_name": "Ann", "family_name": "Other"}
        async with self.org.work() as work:
            person = Person(id=work.new_id(), company_id=company_id, **names)
            work.session.add(person)
            work.record(PersonImported(entity=person, line=2))
        return str(person.id)

    async def imported(self) -> str:
        text = f"number,given_name,family_name\n{uuid4().hex[:8]},Ann,Other\n"
        headers = {**self.org.admin.bearer, "Content-Type": "text/csv"}
        answer = await self.client.post(f"{PEOPLE}/imports", content=text, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def job(self) -> str:
        """Let the administrator ask for a job, which waits: nothing runs jobs here."""
        async with self.org.work() as work:
            return str(await work.enqueue(JOBS["jobs.job.sweep"]))

    async def file(self) -> str:
        """Upload a file as Admin, with thumbnail and text as a job would make them, and return its id."""
        file = await self.uploaded("/api/v1/files")
        async with self.org.work() as work:
            content = await find_object(work, sha256=file["sha256"])
            content.derived, content.has_thumbnail, content.has_text = Derived.DONE, True, True
        for part in ("thumb", "text"):
            key = address_of(self.org.id, content.id, part)
            await cabinet_of(self.org.home.works).storage.put(key, once(b"made of it"))
        return file["id"]

    async def uploaded(self, url: str) -> dict[str, object]:
        """Send bytes that no other file has as Admin and return the answer."""
        sent = {"params": {"name": "note.txt"}, "content": uuid4().hex.encode()}
        answer = await self.client.post(url, **sent, headers=self.org.admin.bearer)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def entry(self) -> str:
        listed = await self.client.get("/api/v1/audit/entries?page_size=1", headers=self.org.admin.bearer)
        return listed.json()["data"][0]["id"]

    async def user(self, *roles: str, **known: str | None) -> Caller:
        """Add a user with just these roles and a session; with a password they can sign in."""
        return await add_caller(self.org, *roles, **known)


# ── one maker a path parameter: a real row of the stage's organisation ───────────────────────────────────────────────


async def _entity_type(_: Stage) -> str:
    return "company"


async def _some_user(stage: Stage) -> str:
    return str((await stage.user("Viewer")).id)


async def _session(stage: Stage) -> str:
    """Open a session of the user that the path names, else one of the administrator, who acts."""
    user_id = UUID(stage.values.get("user_id", str(stage.org.admin.id)))
    async with stage.org.work() as work:
        user = await get_user(work, user_id=user_id)
        opened = open_session(work, stage.org.home.desk, user=user, kind=SessionKind.TOKEN)
        work.record(SignedIn(entity=opened.session))
    return str(opened.session.id)


async def _api_key(stage: Stage) -> str:
    """Make an API key of the user that the path names, a program then, else one of the administrator, who acts."""
    user_id = stage.values.get("user_id")
    if user_id is not None:
        user_id = stage.values["user_id"] = await stage.made("/api/v1/service-accounts", name="Payroll")
    return await stage.made("/api/v1/api-keys" if user_id is None else f"/api/v1/users/{user_id}/api-keys", **_key())


def _key() -> dict[str, str]:
    return {"label": "Nightly", "expires_at": rfc3339(system_clock() + timedelta(days=9))}


async def _role(stage: Stage) -> str:
    return await stage.made(ROLES, name=f"Role {uuid4().hex[:8]}", permissions=["directory.company.read"])


async def _assignment(stage: Stage) -> str:
    return await stage.made(f"{USERS}/{stage.values['user_id']}/roles", role="User")


async def _preference(_: Stage) -> str:
    return THEME


async def _upload(stage: Stage) -> str:
    """Announce a file of five bytes, of which three have come."""
    upload_id = await stage.made("/api/v1/files/uploads", name="large.txt", size=5)
    headers = {**stage.org.admin.bearer, "Upload-Offset": "0", "Content-Type": "application/octet-stream"}
    answer = await stage.client.patch(f"/api/v1/files/uploads/{upload_id}", content=b"abc", headers=headers)
    assert answer.status_code == 200, answer.text
    return upload_id


async def _link(stage: Stage) -> str:
    return await stage.made(f"/api/v1/files/{stage.values['file_id']}/links", hours=1)


async def _suppression(stage: Stage) -> str:
    return await stage.made("/api/v1/notify/suppressions", address=f"{uuid4().hex[:8]}@x.test")


async def _number(_: Stage) -> str:
    return "1"


async def _message(_: Stage) -> str:
    return "identity.new_sign_in"


async def _locale(_: Stage) -> str:
    return "en"


async def _inbox_notice(stage: Stage) -> str:
    """Tell the administrator, who acts, something; return the message in their inbox."""
    async with stage.org.work() as work:
        await work.tell("identity.new_sign_in", [stage.org.admin.id], key=uuid4().hex)
    listed = await stage.client.get("/api/v1/notify/inbox", headers=stage.org.admin.bearer)
    return listed.json()["data"][0]["id"]


MAKERS: dict[str, Callable[[Stage], Awaitable[str]]] = {
    "company_id": Stage.company,
    "branch_id": Stage.branch,
    "department_id": Stage.department,
    "person_id": Stage.person,
    "group_id": Stage.group,
    "import_id": Stage.imported,
    "entry_id": Stage.entry,
    "job_id": Stage.job,
    "file_id": Stage.file,
    "suppression_id": _suppression,
    "number": _number,
    "upload_id": _upload,
    "link_id": _link,
    "user_id": _some_user,
    "session_id": _session,
    "key_id": _api_key,
    "role_id": _role,
    "assignment_id": _assignment,
    "name": _preference,
    "message": _message,
    "locale": _locale,
    "notice_id": _inbox_notice,
    "entity_type": _entity_type,
    "entity_id": Stage.company,
}
# Parameters that name a kind and no row: the same for every organisation.
KINDS = frozenset({"entity_type", "name", "number", "message", "locale"})


def parameters(endpoint: Endpoint) -> list[str]:
    """Return the names of a path's parameters."""
    return NAMES.findall(endpoint.path)


async def fill(stage: Stage, endpoint: Endpoint) -> None:
    """Give each path parameter the id of a real row; KeyError for one that has no maker."""
    stage.values = {}
    for name in parameters(endpoint):  # one after the other: a maker may need what stands before it in the path
        stage.values[name] = await MAKERS[name](stage)


def random_values(stage: Stage) -> dict[str, str]:
    """Return values of the same types that belong to nobody."""
    return {name: value if name in KINDS else str(uuid4()) for name, value in stage.values.items()}


# ── one request a changing operation, valid after what it needs has been prepared ────────────────────────────────────

Prepare = Callable[[Stage], Awaitable[dict[str, object]]]


def body(**fields: object) -> Prepare:
    async def prepare(_: Stage) -> dict[str, object]:
        return {"json": fields}

    return prepare


async def nothing(_: Stage) -> dict[str, object]:
    return {}


def deleted(path: str) -> Prepare:
    async def prepare(stage: Stage) -> dict[str, object]:
        gone = await stage.client.delete(path.format_map(stage.values), headers=stage.org.admin.bearer)
        assert gone.status_code == 204, gone.text
        return {}

    return prepare


async def _branch(stage: Stage) -> dict[str, object]:
    return {"json": {"code": "NEW-1", "name": "New", "company_id": await stage.company()}}


async def _department(stage: Stage) -> dict[str, object]:
    return {"json": {"code": "NEW-1", "name": "New", "parent_id": await stage.department()}}


async def _person(stage: Stage) -> dict[str, object]:
    names = {"number": uuid4().hex[:8], "given_name": "Ann", "family_name": "Other", "email": "ann@x.test"}
    return {"json": {**names, "department_id": await stage.department(), "manager_id": await stage.person()}}


async def _placed(stage: Stage) -> dict[str, object]:
    return {"json": {"department_id": await stage.department(), "end_date": "2026-01-31", "status": "left"}}


async def _member(stage: Stage) -> dict[str, object]:
    """Put the person of the path into the group of the path."""
    put = {"json": {"person_ids": [stage.values["person_id"]]}, "headers": stage.org.admin.bearer}
    assert (await stage.send(f"POST {GROUPS}/{{group_id}}/members", **put)).status_code == 200
    return {}


async def _members(stage: Stage) -> dict[str, object]:
    return {"json": {"person_ids": [await stage.person(), await stage.person()]}}


async def _moved(stage: Stage) -> dict[str, object]:
    return {"json": {"name": "Patched", "parent_id": await stage.department()}}


async def _top(stage: Stage) -> dict[str, object]:
    return {"json": {"code": "PUT-1", "name": "Put", "company_id": await stage.company()}}


async def _password(stage: Stage) -> dict[str, object]:
    user = await stage.user("Viewer", password=PASSWORD)
    return {"json": {"email": user.email, "password": PASSWORD, "organization": stage.org.slug}}


async def _password_form(stage: Stage) -> dict[str, object]:
    user = await stage.user("Viewer", password=PASSWORD)
    return {"data": {"grant_type": "password", "username": user.email, "password": PASSWORD}}


async def _people(stage: Stage) -> dict[str, object]:
    company = await stage.client.get(f"{COMPANIES}/{await stage.company()}", headers=stage.org.admin.bearer)
    code, first = company.json()["code"], uuid4().hex[:8]
    lines = [
        "number,given_name,family_name,email,company_code,manager_number,start_date",
        f"{first},Ada,Smith,ada@x.test,{code},,2024-02-29",
        f"{uuid4().hex[:8]},Łucja,Nowak,,,{first},",
    ]
    return {"files": {"file": ("people.csv", "\n".join(lines).encode(), "text/csv")}}


def _batch(new: Prepare, make: Callable[[Stage], Awaitable[str]], **change: object) -> Prepare:
    async def prepare(stage: Stage) -> dict[str, object]:
        created = (await new(stage))["json"]
        changed, gone = await make(stage), await make(stage)
        return {"json": {"create": [created], "update": [{"id": changed, **change}], "delete": [gone]}}

    return prepare


async def _company(_: Stage) -> dict[str, object]:
    return {"json": {"code": f"N-{uuid4().hex[:8]}", "name": "New"}}


async def _refresh_token(stage: Stage) -> dict[str, object]:
    return {"json": {"refresh_token": (await stage.user("Viewer")).refresh}}


async def _knows_password(stage: Stage) -> None:
    """Give the administrator, who acts, the password of the tests."""
    hashed = await stage.org.home.desk.passwords.hash(PASSWORD)
    async with stage.org.work() as work:
        known = await find_password(work, user_id=stage.org.admin.id)
        if known is None:
            known = Password(id=stage.org.admin.id, hash=hashed, changed_at=work.now(), failures=0)
            work.session.add(known)
        known.hash = hashed
        work.record(PasswordSet(entity=known))


async def _new_password(stage: Stage) -> dict[str, object]:
    await _knows_password(stage)
    return {"json": {"current_password": PASSWORD, "new_password": f"quite another {uuid4().hex}"}}


async def _new_key(_: Stage) -> dict[str, object]:
    return {"json": {**_key(), "scopes": ["directory.person.read"], "networks": ["10.0.0.0/8", "127.0.0.0/8"]}}


async def _programs_key(stage: Stage) -> dict[str, object]:
    stage.values["user_id"] = await stage.made("/api/v1/service-accounts", name="Payroll")
    return {"json": _key()}


async def _rotation(_: Stage) -> dict[str, object]:
    return {"json": {"expires_at": _key()["expires_at"], "overlap_minutes": 5}}


async def _shown_password(stage: Stage) -> dict[str, object]:
    await _knows_password(stage)
    return {"json": {"password": PASSWORD}}


async def _first_code(stage: Stage) -> dict[str, object]:
    """Make an authenticator known, whose first code the request shows."""
    made = await stage.client.post("/api/v1/auth/mfa/totp", headers=stage.org.admin.bearer)
    return {"json": {"code": Authenticator(made.json()["secret"], stage.org.home.works.clock).code()}}


async def _has_factor(stage: Stage) -> dict[str, object]:
    """Give whom the path names, else the administrator, who acts, a second factor."""
    user_id = UUID(stage.values.get("user_id", str(stage.org.admin.id)))
    await give_authenticator(stage.org.home, stage.org, user_id)
    return {}


async def _second_step(stage: Stage) -> dict[str, object]:
    user = await stage.user("Viewer", password=PASSWORD)
    app, _ = await give_authenticator(stage.org.home, stage.org, user.id)
    body = {"email": user.email, "password": PASSWORD}
    waits = await stage.client.post("/api/v1/auth/login", json=body)
    return {"json": {"mfa_token": waits.json()["mfa_token"], "code": app.code()}}


async def _forgotten(stage: Stage) -> dict[str, object]:
    return {"json": {"email": (await stage.user("Viewer", password=PASSWORD)).email, "organization": stage.org.slug}}


async def _link(stage: Stage) -> dict[str, object]:
    asked = await stage.client.post("/api/v1/auth/password/forgot", **await _forgotten(stage))
    assert asked.status_code == 202, asked.text
    token = await link_sent(stage.org.home, stage.org)
    return {"json": {"token": token, "new_password": f"quite another {uuid4().hex}"}}


async def _signed_in_twice(stage: Stage) -> dict[str, object]:
    await _session(stage)
    return {}


async def _user(stage: Stage) -> dict[str, object]:
    unit = {"role": "User", "department_id": await stage.department()}
    names = {"email": f"n-{uuid4().hex[:8]}@x.test", "username": uuid4().hex[:12], "name": "Newt"}
    return {"json": {**names, "roles": ["Viewer", unit], "person_id": await stage.person(), "locale": "en-GB"}}


async def _other_user(_: Stage) -> dict[str, object]:
    return {"json": {"email": f"p-{uuid4().hex[:8]}@x.test", "name": "Put", "username": uuid4().hex[:12]}}


async def _linked(stage: Stage) -> dict[str, object]:
    return {"json": {"name": "Patched", "username": uuid4().hex[:12], "person_id": await stage.person()}}


async def _invited(stage: Stage) -> dict[str, object]:
    async with stage.org.work() as work:
        user = await get_user(work, user_id=UUID(stage.values["user_id"]))
        user.status = UserStatus.INVITED
        work.record(UserStatusChanged(entity=user))
    return {}


async def _invitation(stage: Stage) -> dict[str, object]:
    request = await _user(stage)
    await stage.made(USERS, **request["json"])
    return {"json": {"token": await last_link(stage.org, request["json"]["email"]), "password": PASSWORD}}


async def _new_address(stage: Stage) -> dict[str, object]:
    email = f"n-{uuid4().hex[:8]}@x.test"
    asked = await stage.client.post("/api/v1/auth/email", json={"email": email}, headers=stage.org.admin.bearer)
    assert asked.status_code == 202, asked.text
    return {"json": {"token": await last_link(stage.org, email)}}


async def _users(stage: Stage) -> dict[str, object]:
    own = (await stage.client.get(f"{ROLES}/{await _role(stage)}", headers=stage.org.admin.bearer)).json()["name"]
    lines = [
        "email,username,name,password_hash,roles,status",
        f"{uuid4().hex}@x.test,{uuid4().hex[:12]},Ada,$2b$12${'a' * 53},Viewer; {own},suspended",
        f"{uuid4().hex}@x.test,,Bo,,,",
    ]
    return {"files": {"file": ("users.csv", "\n".join(lines).encode(), "text/csv")}}


def chosen(**request: object) -> Prepare:
    async def prepare(stage: Stage) -> dict[str, object]:
        path = f"/api/v1/auth/preferences/{THEME}"
        done = await stage.client.put(path, json={"theme": "dark"}, headers=stage.org.admin.bearer)
        assert done.status_code == 200, done.text
        return request

    return prepare


def told(**request: object) -> Prepare:
    """Let the administrator have chosen how they are told."""

    async def prepare(stage: Stage) -> dict[str, object]:
        url, admin = "/api/v1/notify/preferences", stage.org.admin.bearer
        assert (await stage.client.put(url, json={"digest": "weekly"}, headers=admin)).status_code == 200
        return request

    return prepare


TEXT = {"subject": "Seen at {{ at }}", "text": "Hello {{ name }}"}


def worded(**request: object) -> Prepare:
    """Let the organisation have written the text of the path."""

    async def prepare(stage: Stage) -> dict[str, object]:
        url = "/api/v1/notify/templates/{message}/{locale}".format_map(stage.values)
        written = await stage.client.put(url, json={**TEXT, "text": "Hello"}, headers=stage.org.admin.bearer)
        assert written.status_code == 200, written.text
        return request

    return prepare


async def _failed(stage: Stage) -> dict[str, object]:
    """Let the job of the path have failed."""
    async with stage.org.work() as work:
        (await get_job(work, job_id=UUID(stage.values["job_id"]))).state = JobState.FAILED
    return {}


async def _bytes(_: Stage) -> dict[str, object]:
    return {"files": {"file": ("New.txt", uuid4().hex.encode())}}


async def _last_piece(_: Stage) -> dict[str, object]:
    return {"content": b"de", "extra": {"Upload-Offset": "3"}}


REQUESTS: dict[str, Prepare] = {
    "POST /api/v1/jobs/{job_id}/retry": _failed,
    "POST /api/v1/jobs/{job_id}/cancel": nothing,
    "PATCH /api/v1/notify/inbox/{notice_id}": body(read=True),
    "POST /api/v1/notify/inbox/read-all": nothing,
    "PUT /api/v1/notify/preferences": told(json={"quiet_from": "22:00", "quiet_until": "06:00"}),
    "PATCH /api/v1/notify/preferences": told(json={"digest": "daily"}),
    "PUT /api/v1/notify/templates/{message}/{locale}": worded(json=TEXT),
    "DELETE /api/v1/notify/templates/{message}/{locale}": worded(),
    "POST /api/v1/notify/templates/{message}/{locale}/preview": body(**TEXT),
    "POST /api/v1/auth/login": _password,
    "POST /api/v1/auth/token": _password_form,
    "POST /api/v1/auth/refresh": _refresh_token,
    "POST /api/v1/auth/logout": nothing,
    "POST /api/v1/auth/password": _new_password,
    "POST /api/v1/auth/password/forgot": _forgotten,
    "POST /api/v1/auth/password/reset": _link,
    "POST /api/v1/auth/step-up": _shown_password,
    "POST /api/v1/auth/mfa/totp": nothing,
    "POST /api/v1/auth/mfa/totp/confirm": _first_code,
    "DELETE /api/v1/auth/mfa/totp": _has_factor,
    "POST /api/v1/auth/mfa/recovery-codes": _has_factor,
    "POST /api/v1/auth/mfa/verify": _second_step,
    "DELETE /api/v1/users/{user_id}/mfa": _has_factor,
    "PATCH /api/v1/users/{user_id}/password": body(),
    "DELETE /api/v1/auth/sessions": _signed_in_twice,
    "DELETE /api/v1/auth/sessions/{session_id}": nothing,
    "DELETE /api/v1/users/{user_id}/sessions": nothing,
    "DELETE /api/v1/users/{user_id}/sessions/{session_id}": nothing,
    "POST /api/v1/api-keys": _new_key,
    "DELETE /api/v1/api-keys/{key_id}": nothing,
    "POST /api/v1/api-keys/{key_id}/rotate": _rotation,
    "POST /api/v1/users/{user_id}/api-keys": _programs_key,
    "DELETE /api/v1/users/{user_id}/api-keys/{key_id}": nothing,
    "POST /api/v1/users/{user_id}/api-keys/{key_id}/rotate": _rotation,
    "POST /api/v1/users/{user_id}/impersonate": body(reason="Ticket 4711: sees an empty page", minutes=5),
    "POST /api/v1/audiences/members": body(page_size=10),
    "POST /api/v1/service-accounts": body(name="Payroll", username="payroll"),
    "PUT /api/v1/sign-in-policy": body(mfa_roles=["Auditor"], session_idle_minutes=15, networks=["10.0.0.0/8"]),
    "PUT /api/v1/applications": body(off=[]),  # with one installed: tests/test_applications.py
    "PATCH /api/v1/org": body(name="Renamed", industry="Retail", locale="de", website="https://example.com"),
    "POST /api/v1/org/companies": body(code="NEW-1", name="New", country="GB"),
    "PUT /api/v1/org/companies/{company_id}": body(code="PUT-1", name="Put", city="Leeds", status="inactive"),
    "PATCH /api/v1/org/companies/{company_id}": body(name="Patched", country="DE"),
    "DELETE /api/v1/org/companies/{company_id}": nothing,
    "POST /api/v1/org/companies/{company_id}/restore": deleted(f"{COMPANIES}/{{company_id}}"),
    "POST /api/v1/org/branches": _branch,
    "PUT /api/v1/org/branches/{branch_id}": body(code="PUT-1", name="Put", city="Leeds", kind="store"),
    "PATCH /api/v1/org/branches/{branch_id}": body(name="Patched", time_zone="Europe/Berlin"),
    "DELETE /api/v1/org/branches/{branch_id}": nothing,
    "POST /api/v1/org/branches/{branch_id}/restore": deleted(f"{BRANCHES}/{{branch_id}}"),
    "POST /api/v1/org/departments": _department,
    "PUT /api/v1/org/departments/{department_id}": _top,
    "PATCH /api/v1/org/departments/{department_id}": _moved,
    "DELETE /api/v1/org/departments/{department_id}": nothing,
    "POST /api/v1/org/departments/{department_id}/restore": deleted(f"{DEPARTMENTS}/{{department_id}}"),
    "POST /api/v1/org/groups": body(code="NEW-1", name="New", description="First aiders"),
    "PUT /api/v1/org/groups/{group_id}": body(code="PUT-1", name="Put"),
    "PATCH /api/v1/org/groups/{group_id}": body(name="Patched", description="First aiders"),
    "DELETE /api/v1/org/groups/{group_id}": nothing,
    "POST /api/v1/org/groups/{group_id}/restore": deleted(f"{GROUPS}/{{group_id}}"),
    "POST /api/v1/org/groups/{group_id}/members": _members,
    "DELETE /api/v1/org/groups/{group_id}/members/{person_id}": _member,
    "POST /api/v1/org/companies/batch": _batch(_company, Stage.company, name="Batch"),
    "POST /api/v1/org/branches/batch": _batch(_branch, Stage.branch, city="Leeds"),
    "POST /api/v1/org/departments/batch": _batch(_department, Stage.department, name="Batch"),
    "POST /api/v1/org/people/batch": _batch(_person, Stage.person, phone="1"),
    "POST /api/v1/org/people": _person,
    "PUT /api/v1/org/people/{person_id}": body(number="PUT-1", given_name="Ada", family_name="Smith"),
    "PATCH /api/v1/org/people/{person_id}": _placed,
    "DELETE /api/v1/org/people/{person_id}": nothing,
    "POST /api/v1/org/people/{person_id}/restore": deleted(f"{PEOPLE}/{{person_id}}"),
    "POST /api/v1/org/people/imports": _people,
    "POST /api/v1/org/people/imports/{import_id}/undo": nothing,
    "POST /api/v1/files": _bytes,
    "PATCH /api/v1/files/{file_id}": body(name="Patched"),
    "DELETE /api/v1/files/{file_id}": nothing,
    "POST /api/v1/files/{file_id}/restore": deleted("/api/v1/files/{file_id}"),
    "POST /api/v1/files/{file_id}/purge": deleted("/api/v1/files/{file_id}"),
    "POST /api/v1/files/{file_id}/versions": _bytes,
    "POST /api/v1/files/uploads": body(name="large.bin", size=1000),
    "PATCH /api/v1/files/uploads/{upload_id}": _last_piece,
    "DELETE /api/v1/files/uploads/{upload_id}": nothing,
    "POST /api/v1/files/{file_id}/links": body(hours=48),
    "DELETE /api/v1/files/{file_id}/links/{link_id}": nothing,
    "POST /api/v1/notify/suppressions": body(address="ann@x.test", said="Asked by telephone"),
    "DELETE /api/v1/notify/suppressions/{suppression_id}": nothing,
    "POST /api/v1/users": _user,
    "POST /api/v1/users/imports": _users,
    "PUT /api/v1/users/{user_id}": _other_user,
    "PATCH /api/v1/users/{user_id}": _linked,
    "DELETE /api/v1/users/{user_id}": nothing,
    "POST /api/v1/users/{user_id}/restore": deleted(f"{USERS}/{{user_id}}"),
    "POST /api/v1/users/{user_id}/invitation": _invited,
    "POST /api/v1/users/{user_id}/roles": body(role="User", ends_at="2099-01-01T00:00:00Z"),
    "PATCH /api/v1/users/{user_id}/roles/{assignment_id}": body(ends_at="2099-01-01T00:00:00Z"),
    "DELETE /api/v1/users/{user_id}/roles/{assignment_id}": nothing,
    "POST /api/v1/roles": body(name="New", permissions=["directory.company.read", "audit.entry.read"]),
    "PUT /api/v1/roles/{role_id}": body(name="Put", description="All", permissions=["directory.branch.read"]),
    "PATCH /api/v1/roles/{role_id}": body(permissions=[]),
    "DELETE /api/v1/roles/{role_id}": nothing,
    "POST /api/v1/roles/{role_id}/restore": deleted(f"{ROLES}/{{role_id}}"),
    "POST /api/v1/auth/invitations/accept": _invitation,
    "POST /api/v1/auth/email": body(email="another@x.test"),
    "POST /api/v1/auth/email/confirm": _new_address,
    "PATCH /api/v1/auth/me": body(name="Ann Other", locale="de-CH", time_zone="Europe/Zurich"),
    "PUT /api/v1/auth/preferences/{name}": chosen(json={"theme": "light"}),
    "DELETE /api/v1/auth/preferences/{name}": chosen(),
    "PATCH /api/v1/users/{user_id}/status": body(status="suspended", reason="left"),
}


# Operations that need an installation of their own; each has a test in test_trail.py, or in its slice's tests.
ALONE = frozenset({"POST /api/v1/auth/setup", "POST /api/v1/notify/events/sendgrid"})


def key_of(endpoint: Endpoint) -> str:
    """Return how an operation is named in this file and in test ids."""
    return f"{endpoint.method} {endpoint.path}"


async def prepare(stage: Stage, endpoint: Endpoint) -> dict[str, object]:
    """Prepare what the operation needs and return its valid request; KeyError for an operation that has none."""
    if endpoint.method == "GET":
        return {}
    return await REQUESTS[key_of(endpoint)](stage)


def _of_the_apps() -> None:
    """Learn what each app says of its own operations, in tests/apps/<name>/operations.py."""
    for file in sorted((Path(__file__).parent.parent / "apps").glob("*/operations.py")):
        spec = importlib.util.spec_from_file_location(f"operations_of_{file.parent.name}", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        MAKERS.update(module.MAKERS)
        REQUESTS.update(module.REQUESTS)


_of_the_apps()
