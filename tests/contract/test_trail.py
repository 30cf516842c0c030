"""The trail tells of every change: generated from the route table, compared with the rows themselves."""

import asyncio
import hashlib
import json
from collections import defaultdict
from datetime import date, datetime
from enum import Enum
from uuid import UUID

import pytest
from operations import ALONE, API, COMPANIES, Stage, fill, key_of, prepare
from rows import AUDIT, Rows, dump, rows
from sqlalchemy import select

from authenticator import enrol, link_sent
from clients import client_of
from holdfast.core.directory.schemas import CompanyCreate
from holdfast.core.directory.service.companies import create_company
from holdfast.core.identity.facts import PasswordSet
from holdfast.core.identity.models import Password
from holdfast.core.identity.public import issue_setup_link
from holdfast.kernel.db import Base, TenantOwned
from holdfast.kernel.keys import Sealed
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.plugins import installed_apps
from holdfast.kernel.work import RequestInfo
from holdfast.migrations.run import load_models
from support import PASSWORD, installation_on, owner_database

load_models(installed_apps())
pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
# A question too long for an address.
ASKING = {"POST /api/v1/audiences/members", "POST /api/v1/notify/templates/{message}/{locale}/preview"}
# What one has read of one's own inbox is nobody else's business.
OWN = {"PATCH /api/v1/notify/inbox/{notice_id}", "POST /api/v1/notify/inbox/read-all"}
CHANGING = [each for each in API if each.method != "GET" and key_of(each) not in ALONE | ASKING | OWN]
MODELS = {mapper.local_table.name: mapper for mapper in Base.registry.mappers if issubclass(mapper.class_, TenantOwned)}

# What may change without standing in an entry. Whoever adds to it says here why.
UNAUDITED_TABLES = {
    "audit_entry",  # the trail itself
    "audit_part",
    "refusal_count",
    "job_attempt",  # the last of a job that failed for good has an entry
    "import_change",  # what the entries of an import say once more, for undoing it
    "file_space",  # follows from the contents
    "file_upload",  # what comes of it has an entry
    "file_upload_piece",
    "file_version",  # the file's entries tell of each version
    "stored_object",  # the entries of its files tell of it
    "idempotency_key",  # the answer to a request whose changes have entries
    "group_member",  # the group's entries name who came and went
    "person_word",  # follows from the person
    "placement",  # the history of what the person's entries tell
    "structure_mark",  # says only that the structure changed
    "refresh_token",  # the mechanism of a rotation that is recorded on the session
    "sign_in_challenge",  # the mechanism of a sign-in in two steps, each of which is recorded
    "user_token",  # the mechanism of a one-time link, whose issue and use are recorded
    "notice",  # derived from what is recorded
    "announcement",  # whoever announces records of what
}
# Operations that change nothing but rows without entries of their own.
TOLD_OTHERWISE = {
    "POST /api/v1/auth/refresh",
    "POST /api/v1/jobs/{job_id}/retry",  # a job is the installation's, its entry names it
    "POST /api/v1/jobs/{job_id}/cancel",
    "POST /api/v1/auth/email",
    "POST /api/v1/files/uploads",
    "DELETE /api/v1/files/uploads/{upload_id}",
    "POST /api/v1/users/{user_id}/invitation",
    "POST /api/v1/org/groups/{group_id}/members",  # the group's entry names them: tests/core/directory/test_groups.py
    "DELETE /api/v1/org/groups/{group_id}/members/{person_id}",
    "POST /api/v1/auth/password/forgot",
    "PATCH /api/v1/users/{user_id}/password",
}
EXEMPT_COLUMNS = {
    "company.code_key": "omit",  # derived from another column
    "company.name_key": "omit",
    "company.deleted_key": "omit",
    "branch.code_key": "omit",
    "branch.name_key": "omit",
    "branch.deleted_key": "omit",
    "department.code_key": "omit",
    "department.name_key": "omit",
    "department.deleted_key": "omit",
    "person.number_key": "omit",
    "person.name_key": "omit",
    "person.email_key": "omit",
    "person.deleted_key": "omit",
    "person.access_ends_at": "omit",
    "person_group.code_key": "omit",
    "person_group.name_key": "omit",
    "person_group.deleted_key": "omit",
    "file.name_key": "omit",
    "file.deleted_key": "omit",
    "user_account.email_key": "omit",
    "user_account.username_key": "omit",
    "user_account.name_key": "omit",
    "user_account.deleted_key": "omit",
    "role.name_key": "omit",
    "role.deleted_key": "omit",
    "role_assignment.role_key": "omit",
    "role_assignment.scope_key": "omit",
    "role_assignment.ended_key": "omit",
    "mail_suppression.address_key": "secret",
    "mail_suppression.address": "secret",
    "mail_suppression.said": "secret",  # a mail server's words may name the address
    "user_totp.secret": "secret",
    "tenant_key.wrapped": "secret",
    "user_totp.last_step": "untracked",  # each sign-in has an entry of its own
    "recovery_code.code_hash": "secret",
    "user_password.hash": "secret",
    "user_password.failures": "untracked",  # each failure has an entry of its own
    "session.secret_hash": "secret",
    "session.last_seen_at": "untracked",
    "session.idle_expires_at": "untracked",  # until when it may idle follows from when it was seen
}


@pytest.mark.unit
def test_what_leaves_no_entry_is_listed_here() -> None:
    unaudited = {name for name, mapper in MODELS.items() if not mapper.class_.__audited__}
    assert unaudited == UNAUDITED_TABLES
    exempt = {
        f"{name}.{column.name}": column.info["audit"]
        for name, mapper in MODELS.items()
        if mapper.class_.__audited__
        for column in mapper.local_table.columns
        if "audit" in column.info
    }
    assert exempt == EXEMPT_COLUMNS


# ── rows and entries ─────────────────────────────────────────────────────────────────────────────────────────────────


def shown(value: object) -> object:
    """Return a column's value as an entry would show it; written apart from the code under test."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, UUID | date):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Sealed):
        return value.raw.hex()
    return value


def differences(before: Rows, after: Rows) -> dict[tuple[str, str], tuple[dict | None, dict | None]]:
    """Return for each row that changed what its entry must show as before and after."""
    found = {}
    for table in set(MODELS) - UNAUDITED_TABLES:
        for key in set(before[table]) | set(after[table]):
            old, new = before[table].get(key), after[table].get(key)
            if old == new:
                continue
            was, now = {}, {}
            for name in new or old:
                mode = EXEMPT_COLUMNS.get(f"{table}.{name}")
                if name == "tenant_id" or mode in ("omit", "untracked"):
                    continue
                left, right = (old or {}).get(name), (new or {}).get(name)
                if left == right or (name == "version" and old and new):  # the entry has it as entity_version
                    continue
                if mode == "secret" and old and new:
                    was[name], now[name] = "(secret)", "(changed)"
                elif mode is None:
                    was[name], now[name] = shown(left), shown(right)
            if was:
                found[table, str((new or old)["id"])] = (was if old else None, now if new else None)
    return found


def told(after: Rows, request_id: str) -> dict[tuple[str, str], tuple[dict | None, dict | None]]:
    """Return before and after of the entries of one request, by entity."""
    found = {}
    for (_, entry_id), entry in after["audit_entry"].items():
        if entry["request_id"] == request_id:
            parts = {
                row["part"]: json.loads(row["data"]) for row in after["audit_part"].values() if row["id"] == entry_id
            }
            if "before" in parts or "after" in parts:
                key = (entry["entity_type"], str(entry["entity_id"]))
                row = after[entry["entity_type"]].get((entry["tenant_id"], entry["entity_id"]))
                assert row is None or entry["entity_version"] == row.get("version")
                assert key not in found, f"two entries show the change of {key}"
                found[key] = (parts.get("before"), parts.get("after"))
    return found


@pytest.mark.parametrize("endpoint", CHANGING, ids=key_of)
async def test_entries_show_exactly_what_changed(endpoint, stage: Stage, owner) -> None:
    await fill(stage, endpoint)
    request = await prepare(stage, endpoint)
    before = await rows(owner.engine, stage.org.id)
    headers = {} if endpoint.declared.verb.access == "public" else stage.org.admin.bearer
    answer = await stage.send(key_of(endpoint), **request, headers=headers)
    assert answer.is_success, answer.text
    after = await rows(owner.engine, stage.org.id)
    changes = differences(before, after)
    assert changes or key_of(endpoint) in TOLD_OTHERWISE, "the request changed nothing: nothing was proved"
    assert told(after, answer.headers["x-request-id"]) == changes
    assert any(row["request_id"] == answer.headers["x-request-id"] for row in after["audit_entry"].values())


async def test_entries_show_exactly_what_the_set_up_made(dialect) -> None:
    async with installation_on(dialect) as home, owner_database(home.settings) as owner, client_of(home) as client:
        request = {
            "token": await issue_setup_link(home.works),
            "organization": "First",
            "slug": "first",
            "email": "ada@first.test",
            "name": "Ada",
            "password": PASSWORD,
        }
        answer = await client.post("/api/v1/auth/setup", json=request)
        assert answer.status_code == 201, answer.text
        after = await rows(owner.engine, UUID(answer.json()["organization"]["id"]))
        changes = differences({table: {} for table in after}, after)
        made = {"organization", "tenant_key", "user_account", "user_password", "role_assignment"}
        assert {table for table, _ in changes} == made
        assert told(after, answer.headers["x-request-id"]) == changes


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def trail(stage: Stage, owner, **wanted: object) -> list[dict[str, object]]:
    """Return the entries of the organisation that have these values, oldest first, with their parts."""
    found = await rows(owner.engine, stage.org.id)
    parts: dict[UUID, dict[str, object]] = defaultdict(dict)
    for row in found["audit_part"].values():
        parts[row["id"]][row["part"]] = json.loads(row["data"])
    entries = sorted(found["audit_entry"].values(), key=lambda row: row["id"])
    return [
        entry | {"parts": parts[entry["id"]]}
        for entry in entries
        if all(entry[name] == value for name, value in wanted.items())
    ]


async def test_a_refusal_is_recorded_though_the_request_rolled_back(stage, owner) -> None:
    before = await dump(owner.engine, stage.org.id)
    refused = await stage.client.post(COMPANIES, json={"code": "X", "name": "X"}, headers=stage.org.viewer.bearer)
    assert refused.status_code == 403, refused.text
    after = await dump(owner.engine, stage.org.id)
    assert {name for name in before if before[name] != after[name]} == AUDIT
    [entry] = await trail(stage, owner, outcome="refused")
    assert entry["action"] == "directory.company.create"
    assert (entry["actor_id"], entry["session_id"]) == (stage.org.viewer.id, stage.org.viewer.session_id)
    assert entry["request_id"] == refused.headers["x-request-id"]
    assert entry["parts"]["ctx"] == {"reason": "FORBIDDEN", "method": "POST", "path": COMPANIES}
    assert entry["parts"]["pii"]["user_agent"].startswith("python-httpx")


async def test_a_refusal_names_what_was_asked_for_and_another_record_is_another_refusal(stage, owner) -> None:
    companies = [await stage.company() for _ in range(3)]
    user = await stage.user("Viewer")
    asked = [("DELETE", f"{COMPANIES}/{company}", "company", company) for company in companies]
    asked.append(("PATCH", f"/api/v1/users/{user.id}/status", "user_account", str(user.id)))
    asked.append(("POST", f"{COMPANIES}/{companies[0]}/restore", "company", companies[0]))
    for method, path, _, _ in asked:
        body = {"json": {"status": "suspended"}} if method == "PATCH" else {}
        refused = await stage.client.request(method, path, headers=stage.org.viewer.bearer, **body)
        assert refused.status_code == 403, refused.text
    entries = await trail(stage, owner, outcome="refused")
    named = sorted((entry["entity_type"], str(entry["entity_id"])) for entry in entries)
    assert named == sorted((kind, id_) for _, _, kind, id_ in asked)


async def test_a_refused_request_for_what_is_no_id_is_recorded_without_one(stage, owner) -> None:
    refused = await stage.client.delete(f"{COMPANIES}/nonsense", headers=stage.org.viewer.bearer)
    assert refused.status_code in (403, 422), refused.text
    entries = await trail(stage, owner, outcome="refused")
    assert [(entry["entity_type"], entry["entity_id"]) for entry in entries] in ([], [("company", None)])


async def test_names_tried_at_an_organisation_are_in_its_trail_each(stage, owner) -> None:
    for number in range(4):
        tried = {"username": f"nobody{number}", "organization": stage.org.slug, "password": PASSWORD}
        assert (await stage.client.post("/api/v1/auth/login", json=tried)).status_code == 401
    entries = await trail(stage, owner, outcome="failed")
    assert [entry["entity_id"] for entry in entries] == [None] * 4
    assert len({entry["parts"]["detail"]["name"] for entry in entries}) == 4
    assert {entry["parts"]["ctx"]["reason"] for entry in entries} == {"wrong name or password"}


async def test_repeats_within_a_minute_become_one_entry_with_a_count(home, stage, owner, monkeypatch) -> None:
    moment = home.works.clock().replace(second=0, microsecond=0)
    monkeypatch.setattr(home.works, "clock", lambda: moment)
    for _ in range(5):
        refused = await stage.client.post(COMPANIES, json={"code": "X", "name": "X"}, headers=stage.org.viewer.bearer)
        assert refused.status_code == 403
    [first] = await trail(stage, owner, outcome="refused")
    moment = moment.replace(minute=(moment.minute + 1) % 60, hour=moment.hour + (moment.minute == 59))
    await home.tidy()
    [repeats] = await trail(stage, owner, action="audit.refusal.repeated")
    assert repeats["parts"]["detail"] == {"first_entry": str(first["id"]), "repeats": 4}
    await home.tidy()
    assert len(await trail(stage, owner, action="audit.refusal.repeated")) == 1


async def test_refusals_at_the_same_moment_are_all_refused_alike(stage, owner) -> None:
    async def attempt() -> int:
        send = stage.client.post(COMPANIES, json={"code": "X", "name": "X"}, headers=stage.org.viewer.bearer)
        return (await send).status_code

    assert await asyncio.gather(*(attempt() for _ in range(6))) == [403] * 6
    entries = await trail(stage, owner, outcome="refused")
    counts = (await rows(owner.engine, stage.org.id))["refusal_count"].values()
    assert len(entries) + sum(row["repeats"] for row in counts) == 6


async def test_failed_sign_ins_are_recorded_in_the_organisation_they_concern(home, stage, owner, monkeypatch) -> None:
    user = await stage.user("Viewer", password=PASSWORD)
    moment = home.works.clock()  # two within one minute are one entry, and a minute may begin at any time
    monkeypatch.setattr(home.works, "clock", lambda: moment)
    wrong = {"email": user.email, "password": "wrong " + PASSWORD}
    for path in ("/api/v1/auth/login", "/api/v1/auth/token"):
        body = {"json": wrong} if path.endswith("login") else {"data": {**wrong, "username": user.email}}
        body.get("data", {}).pop("email", None)
        assert (await stage.client.post(path, **body)).status_code == 401
    [entry] = await trail(stage, owner, outcome="failed")
    assert (entry["action"], entry["entity_id"]) == ("identity.session.refused", user.id)
    assert (entry["actor_type"], entry["actor_id"]) == ("anonymous", None)
    password = (await rows(owner.engine, stage.org.id))["user_password"][stage.org.id, user.id]
    assert password["failures"] == 2


async def test_no_secret_and_no_hash_is_in_any_entry(home, stage, owner) -> None:
    """Everything that can carry a secret is used; then its text is searched for in every part and every core."""
    client, new = stage.client, "another " + PASSWORD
    user = await stage.user("Admin", password=PASSWORD)
    name = {"email": user.email, "password": PASSWORD}
    tokens = (await client.post("/api/v1/auth/login", json=name)).json()
    cookie = await client.post("/api/v1/auth/login", json={**name, "session": "cookie"})
    await client.post("/api/v1/auth/login", json={"email": user.email, "password": new})
    renewed = (await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})).json()
    secrets = [PASSWORD, new, user.access, user.refresh, tokens["access_token"], tokens["refresh_token"]]
    secrets += [renewed["access_token"], renewed["refresh_token"], cookie.json()["csrf_token"]]
    secrets += [cookie.headers["set-cookie"].partition("=")[2].partition(";")[0]]
    client.cookies.clear()
    bearer = {"Authorization": f"Bearer {renewed['access_token']}"}
    app, codes = await enrol(client, home, user)
    waits = (await client.post("/api/v1/auth/login", json=name)).json()["mfa_token"]
    used = await client.post("/api/v1/auth/mfa/verify", json={"mfa_token": waits, "recovery_code": codes[0]})
    assert used.status_code == 200, used.text
    await client.post("/api/v1/auth/password/forgot", json={"email": user.email})
    link = await link_sent(home, stage.org)
    reset = {"token": link, "new_password": "third " + PASSWORD}
    assert (await client.post("/api/v1/auth/password/reset", json=reset)).status_code == 204
    secrets += [waits, link, app.secret, *codes, used.json()["access_token"], reset["new_password"]]
    await client.post("/api/v1/auth/logout", headers=bearer)
    found = await rows(owner.engine, stage.org.id)
    secrets += [row["hash"] for row in found["user_password"].values() if row["hash"] != "$argon2id$none"]
    secrets += [row["code_hash"].hex() for row in found["recovery_code"].values()]
    secrets += [row["wrapped"].hex() for row in found["tenant_key"].values()]
    secrets += [row["secret"].raw.hex() for row in found["user_totp"].values()]
    for table in ("session", "refresh_token", "sign_in_challenge", "user_token"):
        secrets += [row["secret_hash"].hex() for row in found[table].values()]
    assert len(secrets) > 20
    assert all(len(secret) > 20 for secret in secrets)
    told_of = [row["data"].decode() for row in found["audit_part"].values()]
    told_of += [row["core"].decode() for row in found["audit_entry"].values()]
    assert len(told_of) > 20
    for secret in secrets:
        for piece in {secret, secret.rpartition("$")[2], secret[-24:]}:
            assert not any(piece in text for text in told_of), secret


async def test_a_changed_secret_is_told_of_without_its_value(stage, owner) -> None:
    async with stage.org.work() as work:
        password = (await work.session.scalars(select(Password).where(Password.id == stage.org.viewer.id))).one()
        old, password.hash = password.hash, "$argon2id$another"
        work.record(PasswordSet(entity=password))
    entry = (await trail(stage, owner, action="identity.password.set"))[-1]
    assert entry["entity_id"] == stage.org.viewer.id
    assert (entry["parts"]["before"], entry["parts"]["after"]) == ({"hash": "(secret)"}, {"hash": "(changed)"})
    assert old != "$argon2id$another"


# ── the entries themselves ───────────────────────────────────────────────────────────────────────────────────────────


async def test_leaf_hash_and_commitments_follow_from_core_and_parts(stage, owner) -> None:
    await stage.company()
    await stage.client.post(COMPANIES, json={"code": "X", "name": "X"}, headers=stage.org.viewer.bearer)
    found = await rows(owner.engine, stage.org.id)
    assert len(found["audit_entry"]) > 10
    queued = {row["entry_id"]: row["leaf_hash"] for row in found["ledger_queue"].values()}
    nonces = set()
    for (_, entry_id), entry in found["audit_entry"].items():
        core = json.loads(entry["core"])
        assert entry["core"] == json.dumps(core, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        assert entry["leaf_hash"] == hashlib.sha256(b"\x00" + entry["core"]).digest() == queued[entry_id]
        parts = {row["part"]: row for row in found["audit_part"].values() if row["id"] == entry_id}
        assert core["p"] == {
            name: hashlib.sha256(b"hf1" + name.encode() + part["salt"] + part["data"]).hexdigest()
            for name, part in parts.items()
        }
        assert all(len(part["salt"]) == 16 for part in parts.values())
        told_twice = {
            "id": entry_id,
            "log": entry["tenant_id"],
            "ts": entry["recorded_at"],
            "occ": entry["occurred_at"],
            "act": entry["action"],
            "out": entry["outcome"],
            "rid": entry["request_id"],
            "sid": entry["session_id"],
        }
        assert {name: core[name] for name in told_twice} == {name: shown(value) for name, value in told_twice.items()}
        assert core["actor"]["id"] == shown(entry["actor_id"])
        assert core["ent"] == {
            "t": entry["entity_type"],
            "id": shown(entry["entity_id"]),
            "ver": entry["entity_version"],
        }
        assert core["w"][:2] == [str(entry["writer_epoch"]), entry["writer_seq"]]
        nonces.add(core["n"])
    assert len(nonces) == len(found["audit_entry"])


async def test_the_numbers_of_a_writer_have_no_gap_but_declared_ones(home, stage, owner) -> None:
    """Units of work that fail after drawing a number leave a void, which the next entry declares."""
    await stage.company()

    async def fail() -> None:
        # No request id: the entry cannot be written, so neither can the company.
        async with home.works.begin(stage.org.id, SYSTEM, request=RequestInfo(request_id=None)) as work:
            await create_company(work, CompanyCreate(code="VOID", name="Void"))

    for _ in range(2):
        with pytest.raises(Exception, match=r"(?i)null"):
            await fail()
    await stage.company()
    seqs: dict[UUID, set[int]] = defaultdict(set)
    void = 0
    for entry in (await rows(owner.engine, stage.org.id))["audit_entry"].values():
        core = json.loads(entry["core"])
        assert core["w"][:2] == [str(entry["writer_epoch"]), entry["writer_seq"]]
        drawn = {entry["writer_seq"], *core["w"][2]}
        assert not drawn & seqs[entry["writer_epoch"]]
        seqs[entry["writer_epoch"]] |= drawn
        void += len(core["w"][2])
    assert void == 2
    for numbers in seqs.values():
        assert numbers == set(range(1, max(numbers) + 1))


async def test_every_entry_has_the_facts_that_the_issue_asks_for(stage, owner) -> None:
    made = await stage.client.post(COMPANIES, json={"code": "X", "name": "X"}, headers=stage.org.admin.bearer)
    [entry] = await trail(stage, owner, request_id=made.headers["x-request-id"])
    assert entry["tenant_id"] == stage.org.id
    assert (entry["actor_type"], entry["actor_id"]) == ("user", stage.org.admin.id)
    assert (entry["on_behalf_of"], entry["session_id"]) == (None, stage.org.admin.session_id)
    assert (entry["action"], entry["category"]) == ("directory.company.created", "data")
    assert (entry["severity"], entry["outcome"]) == ("info", "success")
    assert (entry["entity_type"], str(entry["entity_id"]), entry["entity_version"]) == ("company", made.json()["id"], 1)
    assert entry["occurred_at"] == entry["recorded_at"]
    assert "before" not in entry["parts"]
    assert entry["parts"]["after"]["name"] == "X"
    assert set(entry["parts"]["pii"]) == {"ip", "user_agent"}
