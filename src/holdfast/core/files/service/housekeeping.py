"""What jobs do with contents, for one organisation at a time: scanning again, deriving what was left out.

Each runs as the system and may be called again at any moment.
"""

from uuid import UUID

from holdfast.core.files import queries
from holdfast.core.files.models import Scan
from holdfast.core.files.service.cabinet import cabinet_of
from holdfast.core.files.service.deriving import derive
from holdfast.core.files.service.recognising import reader_of
from holdfast.core.files.service.staging import look_through, note_finding
from holdfast.kernel.db import NOBODY
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.storage import key_of
from holdfast.kernel.work import Works

AT_ONCE = 200


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
        await note_finding(work, content, finding)
        return content.scan


# lint: allow verb – for the job, which runs as the system
async def derive_waiting(works: Works, tenant_id: UUID, *, limit: int = AT_ONCE) -> int:
    """Make thumbnails and texts of the contents that have none yet; return how many were looked into.

    Pictures and scanned pages that were not read for want of a program are read once there is one.
    """
    async with works.begin(tenant_id, SYSTEM, write=False) as work:
        waiting = await queries.list_underived(work, limit=limit, unread=reader_of(works.settings) is not None)
    for object_id in waiting:
        await derive(works, tenant_id, object_id)
    return len(waiting)
