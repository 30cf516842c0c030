"""Every filter, sort and search of every list answers what plain Python picks from the same rows, page after page."""

import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from operator import attrgetter
from typing import Any
from uuid import UUID

import pytest
from operations import COMPANIES, Stage
from sqlalchemy import select

from clients import client_of
from holdfast.core.audit.models import AuditEntry, AuditPart
from holdfast.core.audit.queries import ENTRIES
from holdfast.core.directory.facts import CompanyCreated, PersonImported
from holdfast.core.directory.models import Branch, Company, Department, GroupMember, ImportRun, Person, PersonGroup
from holdfast.core.directory.queries import (
    BRANCHES,
    DEPARTMENTS,
    GROUPS,
    IMPORTS,
    MEMBERS,
    MEMBERSHIPS,
    PEOPLE,
    PEOPLE_EXPORT,
    PLACEMENTS,
)
from holdfast.core.directory.queries import COMPANIES as COMPANY_LIST
from holdfast.core.files.queries import FILES, LINKS, VERSIONS
from holdfast.core.identity.facts import UserStatusChanged
from holdfast.core.identity.models import RoleAssignment, User
from holdfast.core.identity.queries import API_KEYS, ASSIGNMENTS, BREAK_GLASS, SESSIONS, USERS
from holdfast.core.jobs.queries import JOBS as JOB_LIST
from holdfast.core.jobs.queries import get_job
from holdfast.core.notify.models import Reason, Suppression
from holdfast.core.notify.queries import INBOX, SUPPRESSIONS
from holdfast.core.notify.service.suppressions import suppress
from holdfast.kernel.db import folded
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.jobs.tables import JobRow
from holdfast.kernel.lists import HotList

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
Holds = Callable[[Any, Any], bool]
SIZE = 3
WITHIN = {"address_key": "address"}  # filters that ask the database for something else than the caller gives
BRANCHES_URL, DEPARTMENTS_URL = "/api/v1/org/branches", "/api/v1/org/departments"


@dataclass(frozen=True)
class Filter:
    """Which values to ask for, told from a row, and whether a row is to be found by such a value."""

    of: Callable[[Any], Any]
    holds: Holds | None = None
    fold: Callable[[Any], Any] = lambda value: value

    def finds(self, row: Any, value: Any) -> bool:
        return self.holds(row, value) if self.holds else self.fold(self.of(row)) == self.fold(value)


@dataclass(frozen=True)
class Case:
    """What a list is declared to do, said once more in plain Python."""

    listed: HotList
    url: str
    model: type
    make: Callable[[Stage], Awaitable[None]]
    default: str
    filters: dict[str, Filter]
    sorts: dict[str, Callable[[Any], Any]]
    search: dict[str, str] = field(default_factory=dict)  # column → a text that only this column holds
    texts: tuple[str, ...] = ()


def attribute(name: str, fold: Callable[[Any], Any] = lambda value: value) -> Filter:
    return Filter(lambda row: getattr(row, name), fold=fold)


def moments(name: str, begin: str, end: str) -> dict[str, Filter]:
    def of(row: Any) -> datetime:
        return getattr(row, name)

    return {begin: Filter(of, lambda row, value: of(row) >= value), end: Filter(of, lambda row, value: of(row) < value)}


# ── rows: differing in all that can be asked for, each order of its own ──────────────────────────────────────────────


async def companies(stage: Stage) -> None:
    admin = stage.org.admin.bearer
    made = []
    for code, name, status, country in (
        ("b-3", "Éclair Works", "active", "GB"),
        ("A-9", "zebra", "inactive", "DE"),
        ("C-1", "Apple %_ Ltd", "active", None),
        ("B-2", "ﬁne Arts", "inactive", "GB"),
        ("D-7", "beta", "active", "DE"),
        ("D-8", "Gone", "active", "GB"),
    ):
        body = {"code": code, "name": name, "status": status, "country": country}
        made.append((await stage.client.post(COMPANIES, json=body, headers=admin)).json()["id"])
    for place in (2, 0):
        await stage.client.patch(f"{COMPANIES}/{made[place]}", json={"city": "Leeds"}, headers=admin)
    await stage.client.delete(f"{COMPANIES}/{made[5]}", headers=admin)


async def branches(stage: Stage) -> None:
    admin = stage.org.admin.bearer
    first, second = await stage.company(), await stage.company()
    made = []
    for code, name, status, country, kind, company in (
        ("b-3", "Éclair Works", "active", "GB", "office", first),
        ("A-9", "zebra", "inactive", "DE", "store", first),
        ("C-1", "Apple %_ House", "active", None, "office", second),
        ("B-2", "ﬁne Arts", "inactive", "GB", "store", second),
        ("D-7", "beta", "active", "DE", "office", first),
        ("D-8", "Gone", "active", "GB", "office", first),
    ):
        body = {"code": code, "name": name, "status": status, "country": country, "kind": kind, "company_id": company}
        answer = await stage.client.post(BRANCHES_URL, json=body, headers=admin)
        made.append(answer.json()["id"])
    for place in (2, 0):
        await stage.client.patch(f"{BRANCHES_URL}/{made[place]}", json={"city": "Leeds"}, headers=admin)
    await stage.client.delete(f"{BRANCHES_URL}/{made[5]}", headers=admin)


async def departments(stage: Stage) -> None:
    admin = stage.org.admin.bearer
    first, second = await stage.company(), await stage.company()
    branch = (
        await stage.client.post(
            BRANCHES_URL, json={"code": "HQ", "name": "Head office", "company_id": first}, headers=admin
        )
    ).json()["id"]
    made: list[str] = []
    for code, name, place in (
        ("b-3", "Éclair Works", {"branch_id": branch}),
        ("A-9", "zebra", {"company_id": first}),
        ("C-1", "Apple %_ House", {"company_id": second}),
        ("B-2", "ﬁne Arts", {"parent_id": 0}),
        ("D-7", "beta", {"parent_id": 0}),
        ("D-8", "Gone", {"company_id": second}),
    ):
        above = {"parent_id": made[0]} if "parent_id" in place else place
        answer = await stage.client.post(DEPARTMENTS_URL, json={"code": code, "name": name, **above}, headers=admin)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
    for place in (2, 0):
        name = {"name": "Éclairs" if place == 0 else "Apple %_ Hall"}
        await stage.client.patch(f"{DEPARTMENTS_URL}/{made[place]}", json=name, headers=admin)
    await stage.client.delete(f"{DEPARTMENTS_URL}/{made[5]}", headers=admin)


async def people(stage: Stage) -> None:
    first, second = UUID(await stage.company()), UUID(await stage.company())
    admin = stage.org.admin.bearer
    branch = await stage.client.post(
        BRANCHES_URL, json={"code": "HQ", "name": "Head office", "company_id": str(first)}, headers=admin
    )
    branch_id = UUID(branch.json()["id"])
    department = await stage.client.post(
        DEPARTMENTS_URL, json={"code": "D", "name": "Ward", "branch_id": str(branch_id)}, headers=admin
    )
    department_id, leader = UUID(department.json()["id"]), None
    for number, given, family, email, status, start in (
        ("n-3", "Emeka", "Adeyemi", "z@x.test", "active", "2024-02-29"),
        ("N-1", "Łucja", "nowak", None, "left", None),
        ("n-2", "Ann", "Zhou", "ann@x.test", "active", "2019-01-01"),
        ("N-5", "Zoë", "Adams", None, "left", "2025-06-30"),
        ("N-4", "Bo", "Kim", "bo@y.test", "active", None),
        ("N-6", "Away", "Away", "away@x.test", "active", "2020-01-01"),
    ):
        async with stage.org.work() as work:
            person = Person(id=work.new_id(), number=number, given_name=given, family_name=family, email=email)
            person.status, person.start_date = status, start and datetime.fromisoformat(start).date()
            person.company_id = {"n-3": first, "N-5": first, "N-4": second}.get(number)
            if number == "N-5":
                person.branch_id, person.department_id, person.manager_id = branch_id, department_id, leader
            leader = leader or person.id
            work.session.add(person)
            if given == "Away":
                person.deleted_at, person.deleted_key = work.now(), person.id
            work.record(PersonImported(entity=person, line=2))

    everyone = {row.number: row for row in await rows_of(stage, Person)}
    first, second = await stage.group(), await stage.group()
    for group, numbers in ((first, ("n-3", "n-2")), (second, ("N-4",))):
        body = {"person_ids": [str(everyone[number].id) for number in numbers]}
        put = await stage.client.post(f"/api/v1/org/groups/{group}/members", json=body, headers=admin)
        assert put.status_code == 200, put.text
    await stage.client.delete(f"/api/v1/org/groups/{first}/members/{everyone['n-2'].id}", headers=admin)


async def groups(stage: Stage) -> None:
    admin, url = stage.org.admin.bearer, "/api/v1/org/groups"
    made = []
    for code, name in (
        ("b-3", "Éclair Works"),
        ("A-9", "zebra"),
        ("C-1", "Apple %_ Society"),
        ("B-2", "ﬁne Arts"),
        ("D-7", "beta"),
        ("D-8", "Gone"),
    ):
        made.append((await stage.client.post(url, json={"code": code, "name": name}, headers=admin)).json()["id"])
    for place in (2, 0):
        await stage.client.patch(f"{url}/{made[place]}", json={"description": "Ours"}, headers=admin)
    await stage.client.delete(f"{url}/{made[5]}", headers=admin)


async def imports(stage: Stage) -> None:
    admin = stage.org.admin.bearer
    made = [await stage.imported() for _ in range(6)]
    for place in (4, 1):
        await stage.client.post(f"/api/v1/org/people/imports/{made[place]}/undo", headers=admin)


async def jobs(stage: Stage) -> None:
    who = [await stage.user("Admin"), await stage.user("Viewer")]
    states = ["ready", "failed", "done", "running", "failed", "cancelled"]
    for at, state in enumerate(states):
        async with stage.org.work() as work:
            made = await work.enqueue(JOBS["jobs.job.sweep"], delay=timedelta(minutes=(7 * at) % 5))
            job = await get_job(work, job_id=made)
            job.state, job.asked_by = state, who[at % 2].id
            job.name = "jobs.job.sweep" if at % 3 else "other.job.name"
            job.finished_at = None if at < 2 else work.now() - timedelta(minutes=at)


async def suppressions(stage: Stage) -> None:
    """Suppress addresses, each with itself as what was said: the column cannot be read from outside."""
    for name, reason in (
        ("ann", "manual"),
        ("Bo", "bounced"),
        ("cy", "complained"),
        ("di", "bounced"),
        ("ed", "manual"),
        ("Fy", "bounced"),
    ):
        async with stage.org.work() as work:
            await suppress(work, f"{name}@x.test", reason=Reason(reason), said=f"{name}@x.test")


async def users(stage: Stage) -> None:
    for email, username, name, kind in (
        ("zed@z.test", "amy", "Élan Zed", "person"),
        ("BEN@b.test", "Zorro", "ben", "person"),
        ("cy@b.test", "cyril", "Zebra", "service"),
        ("gone@g.test", "gone", "Gone", "person"),
    ):
        user = await stage.user("Viewer", email=email, username=username)
        person = await stage.person()
        async with stage.org.work() as work:
            row = await work.session.get(User, (stage.org.id, user.id))
            row.status = "suspended" if username == "Zorro" else "active"
            row.name, row.kind, row.person_id = name, kind, UUID(person)
            if username == "gone":
                row.deleted_at, row.deleted_key = work.now(), row.id
            work.record(UserStatusChanged(entity=row))


async def entries(stage: Stage) -> None:
    company = await stage.company()
    async with client_of(stage.org.home) as elsewhere:
        for who, method, identifier in (("admin", "PATCH", "request-one"), ("viewer", "DELETE", "request-two")):
            body = {"json": {"name": "Changed"}} if method == "PATCH" else {}
            headers = {**getattr(stage.org, who).bearer, "X-Request-ID": identifier}
            await elsewhere.request(method, f"{COMPANIES}/{company}", headers=headers, **body)
    await stage.client.delete(f"{COMPANIES}/{company}", headers=stage.org.admin.bearer)


# ── the lists ────────────────────────────────────────────────────────────────────────────────────────────────────────

UNIT_SORTS = {
    "name": lambda row: folded(row.name),
    "code": lambda row: row.code.lower(),
    "created_at": lambda row: row.created_at,
    "updated_at": lambda row: row.updated_at,
}
CASES = [
    Case(
        COMPANY_LIST,
        COMPANIES,
        Company,
        companies,
        "name",
        filters={
            "status": attribute("status"),
            "country": attribute("country"),
            "code": Filter(lambda row: row.code.swapcase(), lambda row, value: row.code.lower() == value.lower()),
            "deleted": Filter(lambda row: row.deleted_at is not None),
            **moments("created_at", "created_from", "created_to"),
        },
        sorts=UNIT_SORTS,
        search={"name_key": "ZEB", "code_key": "D-"},
        texts=("%", "_", "fine a", "éc", "nowhere"),
    ),
    Case(
        BRANCHES,
        BRANCHES_URL,
        Branch,
        branches,
        "name",
        filters={
            **{name: attribute(name) for name in ("status", "kind", "country", "company_id")},
            "code": Filter(lambda row: row.code.swapcase(), lambda row, value: row.code.lower() == value.lower()),
            "deleted": Filter(lambda row: row.deleted_at is not None),
        },
        sorts=UNIT_SORTS,
        search={"name_key": "ZEB", "code_key": "D-"},
        texts=("%", "_", "fine a", "éc", "nowhere"),
    ),
    Case(
        DEPARTMENTS,
        DEPARTMENTS_URL,
        Department,
        departments,
        "name",
        filters={
            **{name: attribute(name) for name in ("company_id", "branch_id", "parent_id")},
            "code": Filter(lambda row: row.code.swapcase(), lambda row, value: row.code.lower() == value.lower()),
            "deleted": Filter(lambda row: row.deleted_at is not None),
        },
        sorts=UNIT_SORTS,
        search={"name_key": "ZEB", "code_key": "D-"},
        texts=("%", "_", "fine a", "éc", "nowhere"),
    ),
    Case(
        GROUPS,
        "/api/v1/org/groups",
        PersonGroup,
        groups,
        "name",
        filters={
            "code": Filter(lambda row: row.code.swapcase(), lambda row, value: row.code.lower() == value.lower()),
            "deleted": Filter(lambda row: row.deleted_at is not None),
        },
        sorts=UNIT_SORTS,
        search={"name_key": "ZEB", "code_key": "D-"},
        texts=("%", "_", "fine a", "éc", "nowhere"),
    ),
    Case(
        PEOPLE,
        "/api/v1/org/people",
        Person,
        people,
        "name",
        filters={
            "status": attribute("status"),
            **{
                name: attribute(name) for name in ("company_id", "branch_id", "department_id", "manager_id", "group_id")
            },
            "deleted": Filter(lambda row: row.deleted_at is not None),
            "number": Filter(lambda row: row.number.swapcase(), lambda row, value: row.number.lower() == value.lower()),
        },
        sorts={
            "name": lambda row: folded(f"{row.family_name} {row.given_name}"),
            "number": lambda row: row.number.lower(),
            "created_at": lambda row: row.created_at,
            "start_date": lambda row: row.start_date,
        },
        search={"name_key": "ADE", "number_key": "n-5", "email_key": "y.test"},
        texts=("n-", "Zhou Ann", "Ann Zhou", "emeka  ADE z@x", "Ann Kim", "x.test", "yemi", "bo@y.te", "@y.test"),
    ),
    Case(
        IMPORTS,
        "/api/v1/org/people/imports",
        ImportRun,
        imports,
        "-created_at",
        filters={"undone": Filter(lambda row: row.undone_at is not None)},
        sorts={"created_at": lambda row: row.created_at},
    ),
    Case(
        JOB_LIST,
        "/api/v1/jobs",
        JobRow,
        jobs,
        "-created_at",
        filters={name: attribute(name) for name in ("state", "name", "asked_by")},
        sorts={name: attrgetter(name) for name in ("created_at", "run_at", "finished_at")},
    ),
    Case(
        SUPPRESSIONS,
        "/api/v1/notify/suppressions",
        Suppression,
        suppressions,
        "-created_at",
        filters={
            "reason": attribute("reason"),
            "address": Filter(lambda row: row.said.swapcase(), lambda row, value: row.said.lower() == value.lower()),
            **moments("created_at", "created_from", "created_to"),
        },
        sorts={"created_at": lambda row: row.created_at},
    ),
    Case(
        USERS,
        "/api/v1/users",
        User,
        users,
        "email",
        filters={
            **{name: attribute(name) for name in ("status", "kind", "person_id")},
            "email": attribute("email", str.lower),
            "role": Filter(lambda row: row.role),
            "deleted": Filter(lambda row: row.deleted_at is not None),
        },
        sorts={
            "email": lambda row: row.email.lower(),
            "name": lambda row: folded(row.name),
            "created_at": lambda row: row.created_at,
        },
        search={"name_key": "ÉLAN", "email_key": "ben@", "username_key": "AMY"},
        texts=("Z", "viewer@"),
    ),
    Case(
        ENTRIES,
        "/api/v1/audit/entries",
        AuditEntry,
        entries,
        "-recorded_at",
        filters={
            **{
                name: attribute(name)
                for name in (
                    "actor_id",
                    "action",
                    "category",
                    "severity",
                    "outcome",
                    "entity_type",
                    "entity_id",
                    "request_id",
                )
            },
            "ip": Filter(lambda row: row.ip),
            **moments("recorded_at", "recorded_from", "recorded_to"),
        },
        sorts={"recorded_at": lambda row: row.recorded_at},
        search={"action": "company.deleted", "entity_type": "user_account", "request_id": "request-"},
        texts=("company",),
    ),
]
LISTS = pytest.mark.parametrize("case", CASES, ids=lambda case: case.listed.name)


async def rows_of(stage: Stage, model: type) -> list[Any]:
    """Return all rows of the table, those in the trash too; an entry with the address that it came from."""
    async with stage.org.work(write=False) as work:
        rows = list((await work.session.scalars(select(model).where(model.tenant_id == stage.org.id))).all())
        if model is Person:
            present = (await work.session.scalars(select(GroupMember).where(GroupMember.left_at.is_(None)))).all()
            group_of = {member.person_id: member.group_id for member in present}
            for row in rows:
                row.group_id = group_of.get(row.id)
        if model is AuditEntry:
            parts = (await work.session.scalars(select(AuditPart).where(AuditPart.part == "pii"))).all()
            addresses = {part.id: part.lookup for part in parts}
            for row in rows:
                row.ip = addresses.get(row.id)
        if model is User:
            held = (await work.session.scalars(select(RoleAssignment))).all()
            roles = {each.user_id: each.role for each in held}
            for row in rows:
                row.role = roles.get(row.id)
        return rows


def living(rows: list[Any]) -> list[Any]:
    return [row for row in rows if getattr(row, "deleted_at", None) is None]


def in_order(case: Case, rows: list[Any], sort: str) -> list[str]:
    """Return the ids in their order: by the key, then by the id, rows without a key last in both directions."""
    key, down = case.sorts[sort.lstrip("-")], sort.startswith("-")
    known = sorted((row for row in rows if key(row) is not None), key=lambda row: (key(row), row.id), reverse=down)
    without = sorted((row for row in rows if key(row) is None), key=lambda row: row.id, reverse=down)
    return [str(row.id) for row in known + without]


@dataclass
class Reader:
    """Reads a list to its end, by page and by cursor, as callers in turn: each has its own rate limit."""

    stage: Stage
    url: str
    bearers: Iterator[dict[str, str]]
    always: dict[str, Any] = field(default_factory=dict)

    async def page(self, **query: Any) -> dict[str, Any]:
        query = {**self.always, **query}
        shown = {name: each.isoformat() if isinstance(each, datetime) else str(each) for name, each in query.items()}
        answer = await self.stage.client.get(self.url, params=shown, headers=next(self.bearers))
        assert answer.status_code == 200, (query, answer.text)
        return answer.json()

    async def ids(self, **query: Any) -> list[str]:
        paged: list[str] = []
        page = first = await self.page(**query, page_size=SIZE)
        while page["data"]:
            paged += [row["id"] for row in page["data"]]
            page = await self.page(**query, page_size=SIZE, page=page["meta"]["page"] + 1)
        followed, page = [row["id"] for row in first["data"]], first
        while page["meta"]["next_cursor"]:
            page = await self.page(**query, page_size=SIZE, cursor=page["meta"]["next_cursor"])
            followed += [row["id"] for row in page["data"]]
        assert followed == paged, query
        assert first["meta"]["total"] == len(paged), query
        return paged


async def read(stage: Stage, case: Case, *, callers: int = 6) -> tuple[Reader, list[Any]]:
    """Return a reader of the list and its rows; of the trail, which tells of its readers, those before it began."""
    bearers = cycle([(await stage.user("Admin")).bearer for _ in range(callers)])
    await case.make(stage)
    rows = await rows_of(stage, case.model)
    assert len(rows) > 2 * SIZE - 1
    always = {}
    if case.model is AuditEntry:
        always["recorded_to"] = max(row.recorded_at for row in rows) + timedelta(microseconds=1)
    return Reader(stage, case.url, bearers, always), rows


@LISTS
async def test_filters(case: Case, stage: Stage) -> None:
    known = case.listed._parts.filters.keys() - {"within"}  # that of roles within units: test_scopes.py
    asked = {WITHIN.get(each, each) for each in known}
    assert case.filters.keys() == asked, "each filter of a list has its case here"
    reader, rows = await read(stage, case)
    for name, each in case.filters.items():
        values = list(dict.fromkeys(each.of(row) for row in rows if each.of(row) is not None))
        chosen = values[:: max(1, len(values) // 3)]
        among = rows if name == "deleted" else living(rows)
        some = False
        for value in chosen:
            found = [row for row in among if each.finds(row, value)]
            some = some or 0 < len(found) < len(among)
            assert await reader.ids(**{name: value}) == in_order(case, found, case.default), (name, value)
        assert some, f"nothing here shows that {name} chooses"


@LISTS
async def test_sorts(case: Case, stage: Stage) -> None:
    assert case.sorts.keys() == case.listed._parts.sorts.keys(), "each sort of a list has its case here"
    reader, rows = await read(stage, case)
    wanted = {sort: in_order(case, living(rows), sort) for name in case.sorts for sort in (name, f"-{name}")}
    assert len(set(map(tuple, wanted.values()))) == len(wanted), "two sorts of these rows are the same order"
    for sort, ids in wanted.items():
        assert await reader.ids(sort=sort) == ids, sort
    assert await reader.ids() == wanted[case.default]


def begins(text: str, word: str) -> bool:
    """Tell whether one of a text's words begins so, or a part of one that follows a sign."""
    return re.search(rf"(?<!\S){re.escape(word)}|(?<!\w){re.escape(word)}", text) is not None


@LISTS
async def test_search(case: Case, stage: Stage) -> None:
    columns = [column.name for column in case.listed._parts.search]
    assert list(case.search) == columns, "each column that a search reads has its case here"
    reader, rows = await read(stage, case)

    def holding(text: str, names: list[str]) -> list[Any]:
        has = begins if case.listed._parts.words else str.__contains__
        return [
            row
            for row in living(rows)
            if all(any(has(getattr(row, name) or "", word) for name in names) for word in folded(text).split())
        ]

    for column, text in case.search.items():
        found = holding(text, [column])
        assert 0 < len(found) < len(living(rows)), (column, text)
        assert not set(holding(text, [name for name in columns if name != column])) & set(found), (column, text)
    for text in (*case.search.values(), *case.texts):
        assert await reader.ids(q=text) == in_order(case, holding(text, columns), case.default), text


async def test_a_filter_a_sort_and_a_search_at_once(stage: Stage) -> None:
    case = CASES[0]
    reader, rows = await read(stage, case)
    found = [row for row in living(rows) if row.status == "active" and "b" in folded(row.name + row.code)]
    assert len(found) == 2
    assert await reader.ids(status="active", q="B", sort="-updated_at") == in_order(case, found, "-updated_at")


async def test_the_export_of_people_has_those_that_its_filters_choose(stage: Stage) -> None:
    case = next(case for case in CASES if case.listed is PEOPLE)
    own, listed = PEOPLE_EXPORT._parts, PEOPLE._parts
    assert (own.filters, own.sorts.keys(), len(own.search)) == (listed.filters, listed.sorts.keys(), len(listed.search))
    reader, rows = await read(stage, case, callers=30)  # an export counts as ten requests
    by_id = {str(row.id): row.number for row in rows}

    async def numbers(**query: Any) -> list[str]:
        shown = {name: str(value) for name, value in query.items()}
        answer = await stage.client.get(f"{case.url}/exports", params=shown, headers=next(reader.bearers))
        return [line.partition(",")[0].strip('"') for line in answer.content.decode("utf-8-sig").splitlines()[1:]]

    for name, each in case.filters.items():
        for value in dict.fromkeys(each.of(row) for row in rows if each.of(row) is not None):
            found = await reader.ids(**{name: value}, sort="number")
            assert await numbers(**{name: value}) == [by_id[row_id] for row_id in found], (name, value)
    for sort in ("name", "-start_date", "-number"):
        assert await numbers(sort=sort) == [by_id[row_id] for row_id in in_order(case, living(rows), sort)], sort
    for text in (*case.search.values(), *case.texts):
        assert await numbers(q=text) == [by_id[row_id] for row_id in await reader.ids(q=text, sort="number")], text


async def test_a_record_looks_the_same_in_its_list_and_alone(stage: Stage) -> None:
    for moment in (datetime(2026, 1, 2, 9, tzinfo=UTC), datetime(2026, 1, 2, 9, 0, 0, 200, tzinfo=UTC)):
        async with stage.org.work() as work:
            work.claim(moment)
            company = Company(id=work.new_id(), code=f"C-{moment.microsecond}", name="North")
            person = Person(id=work.new_id(), number=company.code, given_name="Ann", family_name="Other")
            work.session.add_all([company, person])
            work.record(CompanyCreated(entity=company))
            work.record(PersonImported(entity=person, line=2))
    for case in CASES:
        for row in (await stage.client.get(case.url, headers=stage.org.admin.bearer)).json()["data"]:
            alone = await stage.client.get(f"{case.url}/{row['id']}", headers=stage.org.admin.bearer)
            assert alone.json().items() >= row.items()


def test_every_list_of_the_core_has_its_case() -> None:
    declared = {
        value.name
        for name, module in sys.modules.items()
        if name.startswith("holdfast.core.") and ".queries" in name
        for value in vars(module).values()
        if isinstance(value, HotList)
    }
    # The export above; the others in their own tests.
    apart = (PEOPLE_EXPORT, SESSIONS, PLACEMENTS, MEMBERS, MEMBERSHIPS, API_KEYS, BREAK_GLASS, ASSIGNMENTS)
    apart += (FILES, VERSIONS, LINKS, INBOX)
    elsewhere = {each.name for each in apart}
    assert declared == {case.listed.name for case in CASES} | elsewhere
