"""What jobs do with files, for one organisation at a time: scanning again, deriving, removing what nobody needs.

Each runs as the system and may be called again at any moment.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from holdfast.core.files import queries
from holdfast.core.files.models import Scan
from holdfast.core.files.service.cabinet import cabinet_of, parts_of
from holdfast.core.files.service.deriving import derive
from holdfast.core.files.service.staging import look_through, mark_scanned, tell_infected
from holdfast.kernel.db import NOBODY
from holdfast.kernel.ids import parse_id
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.storage import key_of
from holdfast.kernel.work import Works

AT_ONCE = 200
STRAY_AFTER = timedelta(hours=25)  # longer than any upload may take


# lint: allow verb – for the job, which runs as the system
async def scan_waiting(works: Works, tenant_id: UUID) -> int:
    """Scan the contents that were not scanned yet; return of how many the antivirus now said something."""
    if cabinet_of(works).scanner is None:
        return 0
    done, last = 0, NOBODY
    while True:
        async with works.begin(tenant_id, SYSTEM, write=False) as work:
            waiting = await queries.list_waiting(work, limit=AT_ONCE, after=last)
        if not waiting:
            return done
        for object_id in waiting:
            done += await scan_again(works, tenant_id, object_id) is not Scan.NOT_SCANNED
        last = waiting[-1]


# lint: allow verb – for the job, which runs as the system
async def scan_again(works: Works, tenant_id: UUID, object_id: UUID) -> Scan:
    """Scan a content anew and return what was said; files in which something is found now are held back and told of.

    A content that is infected stays so. Raises FileNotFound.
    """
    finding = await look_through(cabinet_of(works), key_of(tenant_id, object_id))
    async with works.begin(tenant_id, SYSTEM) as work:
        content = await queries.get_object(work, object_id=object_id, lock=True)
        known = content.scan
        if finding.scan is not Scan.NOT_SCANNED and known is not Scan.INFECTED:
            mark_scanned(work, content, finding)
        if content.scan is Scan.INFECTED and known is not Scan.INFECTED:
            tell_infected(work, content, await queries.list_files_with(work, object_id=object_id))
        return content.scan


# lint: allow verb – for the job, which runs as the system
async def derive_waiting(works: Works, tenant_id: UUID, *, limit: int = AT_ONCE) -> int:
    """Make thumbnails and texts of the contents that have none yet; return how many were looked into."""
    async with works.begin(tenant_id, SYSTEM, write=False) as work:
        waiting = await queries.list_underived(work, limit=limit)
    for object_id in waiting:
        await derive(works, tenant_id, object_id)
    return len(waiting)


# lint: allow verb – for the job, which runs as the system
async def remove_orphans(works: Works, tenant_id: UUID) -> int:
    """Remove the contents that no version of any file has any more; return how many.

    The rows go first, under the lock that new files take: nobody can come to have such a content meanwhile.
    """
    async with works.begin(tenant_id, SYSTEM) as work:
        space = await queries.find_space(work, lock=True)
        orphans = await queries.list_orphans(work, limit=AT_ONCE)
        for each in orphans:
            await work.session.delete(each)
        if space is not None:
            space.used -= sum(each.size for each in orphans)
        keys = [key for each in orphans for key in parts_of(tenant_id, each.id)]
    await cabinet_of(works).storage.delete(*keys)
    return len(orphans)


# lint: allow verb – for the job, which runs as the system
async def remove_expired(works: Works, tenant_id: UUID) -> int:
    """Remove uploads that were not finished in time, with their pieces; return how many."""
    async with works.begin(tenant_id, SYSTEM) as work:
        expired = await queries.list_expired(work, before=work.now(), limit=AT_ONCE)
        keys: list[str] = []
        for upload_id in expired:
            keys += [key_of(tenant_id, each.id) for each in await queries.list_pieces(work, upload_id=upload_id)]
            await queries.remove_upload(work, upload_id=upload_id)
    await cabinet_of(works).storage.delete(*keys)
    return len(expired)


# lint: allow verb – for the job, which runs as the system
async def remove_strays(works: Works, tenant_id: UUID, *, after: timedelta = STRAY_AFTER) -> int:
    """Remove bytes older than a day that no row names, as a killed process leaves them; return how many objects.

    Once a tenant's rows are gone all of its bytes are such, whatever their age: `after` zero then removes them at once.
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
