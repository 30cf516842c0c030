"""Removing what nobody needs: contents, uploads that were given up, and bytes that no row names.

Each runs as the system and may be called again at any moment, also after an attempt that died.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from holdfast.core.files import queries
from holdfast.core.files.models import FileUpload
from holdfast.core.files.service.cabinet import cabinet_of, parts_of
from holdfast.kernel.ids import parse_id
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.storage import key_of
from holdfast.kernel.work import Work, Works

AT_ONCE = 200
LIFE = timedelta(hours=24)  # of an upload, after its last piece
STRAY_AFTER = timedelta(hours=25)  # longer than any upload may take


# lint: allow verb – the part that giving up and purging share
async def abandon(work: Work, upload: FileUpload) -> None:
    """Let nobody go on with an upload, and a job remove what has come of it."""
    upload.expires_at, upload.replaces_id = given_up(upload, work.now()), None
    await work.flush()
    await work.enqueue(JOBS["files.upload.remove"], unique="all", as_system=True)


def given_up(upload: FileUpload, now: datetime) -> datetime:
    """Return an end for an upload at which it is over on machines with other clocks, too."""
    return min(upload.expires_at, now - LIFE)


# lint: allow verb – for the job, which runs as the system
async def remove_orphans(works: Works, tenant_id: UUID) -> int:
    """Remove the contents that no version of any file has any more; return how many.

    The rows go first, under the lock that new files take: nobody can come to have such a content meanwhile.
    """
    async with works.begin(tenant_id, SYSTEM) as work:
        orphans = await _give_up(work)
    await cabinet_of(works).storage.delete(*(key for each in orphans for key in parts_of(tenant_id, each)))
    return len(orphans)


# lint: allow verb – for the job, which runs as the system
async def remove_content(works: Works, tenant_id: UUID, object_id: UUID) -> bool:
    """Remove a content unless a file has it, and tell whether it is gone; what an earlier attempt left goes too.

    An id is never used again: bytes whose row is gone are needed by nobody.
    """
    async with works.begin(tenant_id, SYSTEM) as work:
        await _give_up(work, object_id)
        if await queries.known_addresses(work, ids=[object_id]):
            return False
    await cabinet_of(works).storage.delete(*parts_of(tenant_id, object_id))
    return True


async def _give_up(work: Work, object_id: UUID | None = None) -> list[UUID]:
    """Remove the rows of contents that no file has, or of one if it is such, and return their ids."""
    space = await queries.find_space(work, lock=True)
    orphans = await queries.list_orphans(work, limit=AT_ONCE, object_id=object_id)
    for each in orphans:
        await work.session.delete(each)
    if space is not None:
        space.used -= sum(each.size for each in orphans)
    await work.flush()
    return [each.id for each in orphans]


# lint: allow verb – for the job, which runs as the system
async def remove_expired(works: Works, tenant_id: UUID) -> int:
    """Remove uploads that were given up or not finished in time, with their pieces; return how many.

    The bytes go first: whoever dies in between leaves rows, by which the next one finds them.
    """
    async with works.begin(tenant_id, SYSTEM) as work:
        expired = await queries.list_expired(work, before=work.now(), limit=AT_ONCE)
        keys: list[str] = []
        for upload in expired:
            upload.expires_at = given_up(upload, work.now())
            keys += [key_of(tenant_id, each.id) for each in await queries.list_pieces(work, upload_id=upload.id)]
    await cabinet_of(works).storage.delete(*keys)
    async with works.begin(tenant_id, SYSTEM) as work:
        for upload in expired:
            await queries.remove_upload(work, upload_id=upload.id)
    return len(expired)


# lint: allow verb – for the job, which runs as the system
async def remove_strays(works: Works, tenant_id: UUID, *, after: timedelta = STRAY_AFTER) -> int:
    """Remove bytes older than a day that no row names, as a killed process leaves them; return how many objects.

    Once a tenant's rows are gone all of its bytes are such, whatever their age: `remove_all`.
    """
    storage, before = cabinet_of(works).storage, works.clock() - after
    removed = 0
    await storage.tidy(works.clock() - STRAY_AFTER)
    async for some in _old(works, tenant_id, before):
        async with works.begin(tenant_id, SYSTEM, write=False) as work:
            known = await queries.known_addresses(work, ids=sorted(some))
        strays = [key for object_id in some.keys() - known for key in some[object_id]]
        await storage.delete(*strays)
        removed += len(strays)
    return removed


# lint: allow verb – for the job, which runs as the system
async def remove_all(works: Works, tenant_id: UUID) -> int:
    """Remove the bytes of an organisation whose rows are gone for good, of no other; return how many objects."""
    async with works.begin(tenant_id, SYSTEM, write=False) as work:
        if await queries.status_of_tenant(work) != "deleted":
            return 0
    return await remove_strays(works, tenant_id, after=timedelta(0))


async def _old(works: Works, tenant_id: UUID, before: datetime) -> AsyncIterator[dict[UUID, list[str]]]:
    """Yield the addresses of old objects by the ids in them, some hundred at a time."""
    found: dict[UUID, list[str]] = {}
    async for each in cabinet_of(works).storage.find(f"{tenant_id}/"):
        object_id = parse_id(each.key.rpartition("/")[2].partition(".")[0])
        if object_id is not None and each.written_at <= before:
            found.setdefault(object_id, []).append(each.key)
        if len(found) >= AT_ONCE:
            yield found
            found = {}
    if found:
        yield found
