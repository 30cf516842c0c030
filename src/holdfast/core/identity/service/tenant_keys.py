"""The organisations' keys: made with them, wrapped again by another master key, and followed by newer ones.

Nobody has to stop working for it: whoever seals holds the keys until their commit, so that none ends under them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.errors import OrganizationNotFound
from holdfast.core.identity.facts import TenantKeyEnded, TenantKeyMade, TenantKeyWrapped
from holdfast.core.identity.schemas import GONE
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.keys import Masters, TenantKey, TenantSecret
from holdfast.kernel.keys.rotation import Position, count_earlier
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Work, Works

AT_ONCE = 500  # values sealed again in one transaction
FIRST: Position | None = Position()
RESEAL = "identity.key.reseal"
Tell = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key of an organisation as the command lists it."""

    organization: str
    number: int
    master_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was done for one organisation: keys wrapped again; and the job that seals anew, where there is something."""

    tenant_id: UUID
    organization: str
    wrapped: int
    job_id: UUID | None


def make_key(work: Work, before: TenantKey | None = None) -> TenantKey:
    """Give this organisation a key, its first or the one after; equality goes by the first one's for good."""
    masters, number = work.house.masters, 1 if before is None else before.number + 1
    secret = TenantSecret.fresh(None if before is None else _open(masters, before).index)
    row = TenantKey(id=work.new_id(), number=number, created_at=work.now())
    row.master_id, row.wrapped = masters.wrap(secret.raw, tenant_id=work.tenant_id, row_id=row.id)
    work.session.add(row)
    work.record(TenantKeyMade(entity=row))
    return row


# lint: allow verb – for the command, which runs with the database's own rights
async def list_keys(works: Works) -> list[ListedKey]:
    """Return the keys of every organisation, by handle and number."""
    found: list[ListedKey] = []
    for tenant_id, slug in await _organizations(works, None):
        async with works.begin(tenant_id, SYSTEM, write=False) as work:
            keys = await queries.list_tenant_keys(work)
            found += [ListedKey(slug, each.number, each.master_id, each.created_at) for each in keys]
    return found


# lint: allow verb – for the command, which runs with the database's own rights
async def rotate_keys(works: Works, *, data: bool, slug: str | None = None) -> AsyncIterator[Rotated]:
    """Wrap every key by the master key in use; with `data` give each organisation a new key, which a job seals with.

    Yields what was done for each organisation, or for the one with this handle; it may be stopped and run again at any
    time. A job also goes on where an earlier one stopped. Raises OrganizationNotFound, MasterKeyMissing.
    """
    for tenant_id, name in await _organizations(works, slug):
        async with works.begin(tenant_id, SYSTEM) as work:
            wrapped = await _wrap(work)
            if data:
                make_key(work, (await queries.list_tenant_keys(work, lock=True))[-1])
                await work.flush()
            earlier = len(await queries.list_tenant_keys(work)) > 1
            job_id = await work.enqueue(JOBS[RESEAL], unique=RESEAL) if earlier else None
        yield Rotated(tenant_id, name, wrapped, job_id)


# lint: allow verb – opens the units of work of a command or job
async def reseal_all(works: Works, tenant_id: UUID, *, tell: Tell | None = None) -> int:
    """Seal anew what earlier keys of an organisation sealed, in steps, end those keys, and return how many values.

    After each step `tell` hears how many are done, of how many in all; what it raises stops this between two steps.
    """
    async with works.begin(tenant_id, SYSTEM, write=False) as work:
        if len(await queries.list_tenant_keys(work)) < 2:
            return 0
        total = await count_earlier(work.link.connection, tenant_id, await work.keyring())
    count, position = 0, FIRST
    while position is not None:
        async with works.begin(tenant_id, SYSTEM) as work:
            position, done = await work.reseal(position, limit=AT_ONCE)
            count += done
        if tell is not None:
            await tell(count, max(count, total))
    async with works.begin(tenant_id, SYSTEM) as work:
        return count + await _end_earlier(work, count)


async def _end_earlier(work: Work, count: int) -> int:
    """End all keys but the newest, once nobody seals with them any more and the rest of what they sealed is done."""
    *earlier, _ = await queries.list_tenant_keys(work, lock=True)
    position, last = FIRST, 0
    while position is not None:
        position, done = await work.reseal(position, limit=AT_ONCE)
        last += done
    for key in earlier:
        key.wrapped, key.ended_at = None, work.now()
        work.record(TenantKeyEnded(entity=key, resealed=count + last))
    return last


async def _wrap(work: Work) -> int:
    masters = work.house.masters
    old = [key for key in await queries.list_tenant_keys(work, lock=True) if key.master_id != masters.current]
    for key in old:
        plain = _open(masters, key).raw
        key.master_id, key.wrapped = masters.wrap(plain, tenant_id=work.tenant_id, row_id=key.id)
        work.record(TenantKeyWrapped(entity=key))
    await work.flush()
    return len(old)


def _open(masters: Masters, key: TenantKey) -> TenantSecret:
    assert key.wrapped is not None, "a key that has ended is not among those that are listed"
    raw = masters.unwrap(key.wrapped, key.master_id, tenant_id=key.tenant_id, row_id=key.id)
    return TenantSecret.read(raw)


async def _organizations(works: Works, slug: str | None) -> list[tuple[UUID, str]]:
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        found = [(each.id, each.slug) for each in await queries.list_every_tenant(work) if each.status not in GONE]
    chosen = [each for each in found if slug in (None, each[1])]
    if slug is not None and not chosen:
        raise OrganizationNotFound(f"There is no organisation {slug!r}.")
    return chosen
