"""Removing everything of an organisation for good, once its waiting time is over.

Its trail stays whole, and its row stays as a tombstone: neither its id nor its handle ever means another organisation.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from holdfast.core.audit.public import tell_repeats
from holdfast.core.files.public import remove_all
from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import OrganizationNotFound
from holdfast.core.identity.facts import OrganizationPurged
from holdfast.core.identity.schemas import PurgeOut, TenantStatus
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.permissions import SYSTEM, enforce, verb
from holdfast.kernel.storage import StorageUnavailable
from holdfast.kernel.tenancy import SYSTEM_TENANT, Tenant
from holdfast.kernel.work import Work, Works

AT_ONCE = 5000  # rows a transaction


@verb("platform.organization.delete", writes=True, step_up=True)
async def purge_organization(work: Work, *, organization_id: UUID, at_once: int = AT_ONCE) -> PurgeOut:
    """Remove one step of an organisation's rows for good; whoever asks goes on until the status is `deleted`.

    From the first step on nothing brings the organisation back. Each step is told in both trails, and a step that
    fails leaves nothing. With the last one a job is asked for that removes the bytes of its files. Raises
    OrganizationNotFound, and OrganizationState before the day.
    """
    tenant = await queries.get_tenant_by_id(work, tenant_id=organization_id, lock=True)
    enforce(guards.can_be_purged(tenant.id, TenantStatus(tenant.status), tenant.delete_after, work.now()))
    async with work.beside(tenant.id) as there:
        await tell_repeats(there, before_minute=int(work.now().timestamp()) // 60 + 1)
        rows = await queries.sweep_tenant(there, limit=at_once)
        finished = sum(rows.values()) < at_once
        told = OrganizationPurged(slug=tenant.slug, rows=rows, finished=finished)
        there.record(told)
    work.record(told)
    if finished:
        await work.enqueue(JOBS["files.store.clear"], organization_id=tenant.id, as_system=True)
    tenant.status = TenantStatus.DELETED if finished else TenantStatus.PURGING
    tenant.demo = tenant.demo and not finished  # its accounts are gone
    return PurgeOut(organization_id=tenant.id, status=TenantStatus(tenant.status), rows=dict(rows))


@dataclass(frozen=True, slots=True)
class Purged:
    """What was removed of an organisation, or would be: rows by table; and what stopped it, where something did."""

    slug: str
    rows: Mapping[str, int]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class ListedOrganization:
    """An organisation as the command lists it."""

    slug: str
    status: str
    created_at: datetime
    delete_after: datetime | None


# lint: allow verb – for the command, which runs with the database's own rights
async def list_all_organizations(works: Works) -> list[ListedOrganization]:
    """Return every organisation of the installation, by handle."""
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        found = await queries.list_every_tenant(work)
        return [ListedOrganization(each.slug, each.status, each.created_at, each.delete_after) for each in found]


# lint: allow verb – opens the units of work of a command and calls the verb
async def purge_due(works: Works, *, slug: str | None = None, dry_run: bool = False) -> AsyncIterator[Purged]:
    """Remove every organisation that is due, or the one with this handle, and yield what went of each.

    With `dry_run` nothing goes. One that cannot be removed does not hold up the others. Raises OrganizationNotFound and
    OrganizationState for a handle that is not due.
    """
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        due = [(tenant.id, tenant.slug) for tenant in await _wanted(work, slug)]
    for tenant_id, name in due:
        yield await (_would_go(works, tenant_id, name) if dry_run else _purge(works, tenant_id, name))


async def _wanted(work: Work, slug: str | None) -> list[Tenant]:
    if slug is None:
        return list(await queries.list_due_tenants(work))
    tenant = await queries.find_tenant(work, slug=slug)
    if tenant is None:
        raise OrganizationNotFound(f"There is no organisation {slug!r}.")
    enforce(guards.can_be_purged(tenant.id, TenantStatus(tenant.status), tenant.delete_after, work.now()))
    return [tenant]


async def _purge(works: Works, tenant_id: UUID, slug: str) -> Purged:
    gone: Counter[str] = Counter()
    status = None
    while status is not TenantStatus.DELETED:
        try:
            async with works.begin(SYSTEM_TENANT, SYSTEM) as work:
                step = await purge_organization(work, organization_id=tenant_id)
        except HoldfastError as error:
            return Purged(slug, gone, error.detail)
        gone.update(step.rows)
        status = step.status
    try:
        await remove_all(works, tenant_id)
    except StorageUnavailable as error:
        return Purged(slug, gone, f"{error.detail} A job removes the bytes of its files.")
    return Purged(slug, gone)


async def _would_go(works: Works, tenant_id: UUID, slug: str) -> Purged:
    async with works.begin(tenant_id, SYSTEM, write=False) as work:
        return Purged(slug, await queries.count_rows(work))
