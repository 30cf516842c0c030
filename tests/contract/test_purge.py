"""A deleted organisation goes for good after its waiting time: every table but its trail, and nobody else's row."""

import json
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from operations import Stage
from rows import changed, dump
from samples import insert, own
from sqlalchemy import Column, ForeignKeyConstraint, MetaData, Table, Uuid, select, update
from sqlalchemy.exc import DBAPIError

from callers import add_caller
from holdfast.core.audit.models import AuditEntry, AuditPart
from holdfast.core.directory.models import Department, Person
from holdfast.core.identity.errors import OrganizationState
from holdfast.core.identity.facts import OrganizationPurged
from holdfast.core.identity.models import SignInName
from holdfast.core.identity.public import find_tenant_id, list_all_organizations, purge_due
from holdfast.core.identity.queries import links_and_tables
from holdfast.core.identity.service.platform import delete_organization, resume_organization, suspend_organization
from holdfast.core.identity.service.purging import purge_organization
from holdfast.kernel.facts import CoverageError
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.jobs.tables import JOB
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT, TenancyError, Tenant, tenant_tables
from support import Org

pytestmark = [pytest.mark.service, pytest.mark.portable]
REASON = "The contract has ended, ticket 4711"
# What stays, and the tables of it that a removal adds to.
STAYS = {"audit_entry", "audit_part", "ledger_log", "ledger_queue", "tenant"}


async def fill(stage: Stage, owner, org: Org) -> None:
    """Put rows into every table of an organisation, and links that a removal in any order would stumble over."""
    await add_caller(org, "Viewer", username="ann")
    async with owner.engine.begin() as connection:
        for table in own():
            if not table.info.get("insert_only") and table.name not in ("organization", "refusal_count"):
                await insert(connection, table, org.id)
        people = [(await insert(connection, Person.__table__, org.id))["id"] for _ in range(4)]
        units = [(await insert(connection, Department.__table__, org.id))["id"] for _ in range(4)]
        for at in range(4):  # a ring of each: whichever row goes first, another one points at it
            person, unit = Person.__table__, Department.__table__
            ring = {"manager_id": people[at - 1], "department_id": units[at]}
            await connection.execute(update(person).where(person.c.id == people[at]).values(ring))
            ring = {"parent_id": units[at - 1], "head_person_id": people[at]}
            await connection.execute(update(unit).where(unit.c.id == units[at]).values(ring))
    async with org.work() as work:
        await work.enqueue(JOBS["jobs.job.sweep"])
    refused = {"code": "X", "name": "X"}
    refusals = [
        await stage.client.post("/api/v1/org/companies", json=refused, headers=org.viewer.bearer) for _ in range(3)
    ]
    assert {each.status_code for each in refusals} == {403}, refusals[0].text


async def set_deletion(home, org: Org) -> None:
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        await delete_organization(work, organization_id=org.id, reason=REASON)


def wait(home, monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    clock, ahead = home.works.clock, timedelta(**by)
    monkeypatch.setattr(home.works, "clock", lambda: clock() + ahead)


async def step(home, org: Org, at_once: int = 7):
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        return await purge_organization(work, organization_id=org.id, at_once=at_once)


async def told(home, tenant_id: UUID, slug: str) -> list[dict]:
    """Return what the entries of a trail say of the removal of an organisation, oldest first."""
    from_trail = await dump_entries(home, tenant_id)
    return [detail for action, detail in from_trail if action == OrganizationPurged.action and detail["slug"] == slug]


async def dump_entries(home, tenant_id: UUID) -> list[tuple[str, dict]]:
    async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
        joined = select(AuditEntry.action, AuditPart.data).join(AuditPart, AuditPart.id == AuditEntry.id)
        found = await work.session.execute(joined.where(AuditPart.part == "detail").order_by(AuditEntry.id))
        return [(action, json.loads(data)) for action, data in found]


async def test_everything_goes_but_the_trail_and_nothing_of_another_organisation(
    home, stage: Stage, org: Org, other: Org, owner, monkeypatch
) -> None:
    await fill(stage, owner, org)
    await fill(stage, owner, other)
    await set_deletion(home, org)
    wait(home, monkeypatch, days=31)
    before, others = await dump(owner.engine, org.id), await dump(owner.engine, other.id)
    assert {name for name, rows in before.items() if not rows} == set(), "every table holds something"

    first = await step(home, org)
    assert (first.status, sum(first.rows.values())) == ("purging", 7)
    middle = await dump(owner.engine, org.id)

    async def killed() -> None:
        async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
            await purge_organization(work, organization_id=org.id, at_once=7)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await killed()
    assert changed(middle, await dump(owner.engine, org.id)) == set(), "a step is done or it is not"
    for act in (resume_organization, suspend_organization, delete_organization):
        with pytest.raises(OrganizationState, match="purging"):
            async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
                await act(work, organization_id=org.id, reason=REASON)

    steps = [first]
    while steps[-1].status == "purging":
        steps.append(await step(home, org))
    after = await dump(owner.engine, org.id)
    assert {name for name, rows in after.items() if rows} == STAYS
    for name in ("audit_entry", "audit_part", "ledger_queue", "ledger_log"):
        assert set(before[name]) <= set(after[name]), f"{name} stays whole"
    assert changed(others, await dump(owner.engine, other.id)) == set()

    gone = sum((Counter(each.rows) for each in steps), Counter())
    expected = {name: len(rows) for name, rows in before.items() if name not in STAYS}
    assert {name: number for name, number in gone.items() if "." not in name} == expected
    assert {"department.parent_id": 4, "department.head_person_id": 4, "person.manager_id": 4}.items() <= gone.items()
    for tenant_id in (org.id, SYSTEM_TENANT):
        entries = await told(home, tenant_id, org.slug)
        assert [entry["rows"] for entry in entries] == [each.rows for each in steps]
        assert [entry["finished"] for entry in entries] == [False] * (len(steps) - 1) + [True]
    repeats = [detail for action, detail in await dump_entries(home, org.id) if action == "audit.refusal.repeated"]
    assert [each["repeats"] for each in repeats] == [2], "what was counted is told before the counts go"

    with pytest.raises(OrganizationState, match="deleted already"):
        await step(home, org)
    with pytest.raises(OrganizationState, match="not there any more"):
        await find_tenant_id(home.works, slug=org.slug)


async def test_nothing_goes_before_the_day_or_without_deletion(
    client, home, stage: Stage, org: Org, owner, monkeypatch
) -> None:
    for waits, match in ((0, "Delete it first"), (29, "waits until 20")):
        if waits:
            await set_deletion(home, org)
            wait(home, monkeypatch, days=waits)
        before = await dump(owner.engine, org.id)
        with pytest.raises(OrganizationState, match=match):
            await step(home, org)
        assert [each async for each in purge_due(home.works) if each.slug == org.slug] == []
        with pytest.raises(OrganizationState, match=match):
            assert [each async for each in purge_due(home.works, slug=org.slug, dry_run=True)]
        assert changed(before, await dump(owner.engine, org.id)) == set()
    with pytest.raises(OrganizationState, match="operators' own"):
        async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
            await purge_organization(work, organization_id=SYSTEM_TENANT)


async def test_the_command_removes_what_is_due_and_says_before_what_that_is(
    home, stage: Stage, org: Org, other: Org, owner, monkeypatch
) -> None:
    await fill(stage, owner, org)
    await set_deletion(home, org)
    wait(home, monkeypatch, days=31)
    before, others = await dump(owner.engine, org.id), await dump(owner.engine, other.id)
    [would] = [each async for each in purge_due(home.works, dry_run=True) if each.slug == org.slug]
    assert changed(before, await dump(owner.engine, org.id)) == set()
    assert would.rows == {name: len(rows) for name, rows in before.items() if name not in STAYS}
    [done] = [each async for each in purge_due(home.works, slug=org.slug)]
    assert {name: number for name, number in done.rows.items() if "." not in name} == would.rows
    assert changed(others, await dump(owner.engine, other.id)) == set()
    [standing] = [each for each in await list_all_organizations(home.works) if each.slug == org.slug]
    assert standing.status == "deleted"
    assert [each async for each in purge_due(home.works) if each.slug == org.slug] == []


async def test_one_that_cannot_go_says_why_and_does_not_hold_up_the_others(
    home, stage: Stage, org: Org, other: Org, owner, monkeypatch
) -> None:
    monkeypatch.setattr(home.works, "settings", home.settings.model_copy(update={"organization_delete_days": 0}))
    person = Person.__table__
    stray = Table(  # of an application that is not installed any more
        f"stray_{org.id.hex[:12]}",
        MetaData(),
        Column("tenant_id", Uuid, primary_key=True),
        Column("person_id", Uuid, primary_key=True),
        ForeignKeyConstraint(["tenant_id", "person_id"], [person.c.tenant_id, person.c.id], ondelete="RESTRICT"),
    )
    async with owner.engine.begin() as connection:
        await connection.run_sync(stray.create)
        row = await insert(connection, person, org.id)
        await connection.execute(stray.insert().values(tenant_id=org.id, person_id=row["id"]))
    try:
        for each in (org, other):
            await set_deletion(home, each)
        seen = {each.slug: each async for each in purge_due(home.works)}
        assert seen[org.slug].fault
        assert seen[other.slug].fault is None
        standing = {each.slug: each.status for each in await list_all_organizations(home.works)}
        assert (standing[org.slug], standing[other.slug]) == ("deleting", "deleted"), "the step left nothing"
        async with owner.engine.begin() as connection:
            await connection.execute(stray.delete())
        seen = {each.slug: each async for each in purge_due(home.works)}
        assert (seen[org.slug].fault, seen[org.slug].rows["person"]) == (None, 1)
    finally:
        async with owner.engine.begin() as connection:
            await connection.run_sync(stray.drop)


async def test_rows_that_are_swept_are_told_or_stay(home, stage: Stage, org: Org, owner) -> None:
    await stage.company()
    before = await dump(owner.engine, org.id)
    table = next(each for each in tenant_tables() if each.name == "company")

    async def sweep(*facts: OrganizationPurged) -> None:
        async with home.works.begin(org.id, SYSTEM) as work:
            assert await work.sweep(table, limit=10) == 1
            for fact in facts:
                work.record(fact)

    for facts in ((), (OrganizationPurged(slug=org.slug, rows={"company": 0, "person": 1}, finished=True),)):
        with pytest.raises(CoverageError, match="swept without a recorded fact"):
            await sweep(*facts)
        assert changed(before, await dump(owner.engine, org.id)) == set()
    await sweep(OrganizationPurged(slug=org.slug, rows={"company": 1}, finished=True))
    assert not (await dump(owner.engine, org.id))["company"]


async def test_the_trail_cannot_be_swept(home, org: Org) -> None:
    [*trail] = [table for table in tenant_tables() if table.info.get("insert_only")]
    assert {table.name for table in trail} == {"audit_entry", "audit_part"}
    for table in trail:
        with pytest.raises((DBAPIError, TenancyError)):
            async with home.works.begin(org.id, SYSTEM) as work:
                await work.sweep(table, limit=10)


async def test_a_handle_names_one_organisation_for_ever(client, home, org: Org, monkeypatch) -> None:
    monkeypatch.setattr(home.works, "settings", home.settings.model_copy(update={"organization_delete_days": 0}))
    await set_deletion(home, org)
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        (await work.session.scalars(select(Tenant).where(Tenant.id == org.id))).one().demo = True
    [_] = [each async for each in purge_due(home.works, slug=org.slug)]
    async with home.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        tenant = (await work.session.scalars(select(Tenant).where(Tenant.id == org.id))).one()
        names = (await work.session.scalars(select(SignInName).where(SignInName.tenant_id == org.id))).all()
    assert (tenant.slug, tenant.status, tenant.demo, names) == (org.slug, "deleted", False, [])


@pytest.mark.unit
def test_children_go_before_parents_and_links_that_would_hold_them_up_are_emptied_first() -> None:
    (first, column), *order = links_and_tables()
    assert (first.name, column) == ("tenant_key", None), "whatever is sealed is closed to everybody with the first step"
    links = {(table.name, column) for table, column in order if column is not None}
    tables = [table for table, column in order if column is None]
    assert [column is None for _, column in order] == sorted(column is None for _, column in order)
    kept = {table for table in tenant_tables() if table.info.get("insert_only")}
    assert {first, *tables} == {*tenant_tables(), SignInName.__table__, JOB} - kept
    for table in tables:
        for key in table.foreign_key_constraints:
            names = [column.name for column in key.columns if column.name != "tenant_id"]
            if (table.name, names[0]) in links:
                assert table.columns[names[0]].nullable, f"{table.name}.{names[0]} cannot be emptied"
            else:
                assert tables.index(table) < tables.index(key.referred_table), (table.name, names)
