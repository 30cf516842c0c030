"""Jobs of files: what is made of a content, and what is put in order at night."""

from uuid import UUID

from holdfast.core.files.service import housekeeping, removing
from holdfast.core.files.service.deriving import derive
from holdfast.kernel.jobs import Priority, Run, job

LONG = 1800.0  # seconds


@job("files.content.derive", retries=3, timeout_seconds=LONG, concurrency=2)
async def derive_content(run: Run, *, content_id: UUID) -> None:
    """Make thumbnail and text of a content that came in."""
    await derive(run.works, run.claimed.tenant_id, content_id)


@job("files.content.scan", retries=0, timeout_seconds=LONG, concurrency=1, priority=Priority.LOW)
async def scan_contents(run: Run) -> None:
    """Scan what could not be scanned when it came in."""
    await housekeeping.scan_waiting(run.works, run.claimed.tenant_id)


@job("files.content.remove", retries=12, timeout_seconds=LONG)
async def remove_content(run: Run, *, content_id: UUID) -> None:
    """Remove the bytes of a content of a purged file, unless another file has it."""
    await removing.remove_content(run.works, run.claimed.tenant_id, content_id)


@job("files.upload.remove", retries=12, timeout_seconds=LONG, concurrency=1)
async def remove_uploads(run: Run) -> None:
    """Remove uploads that were given up, with the pieces that have come."""
    while await removing.remove_expired(run.works, run.claimed.tenant_id):
        pass


@job("files.store.clear", retries=12, timeout_seconds=LONG)
async def clear_store(run: Run, *, organization_id: UUID) -> None:
    """Remove the bytes of an organisation whose data were removed for good."""
    await removing.remove_all(run.works, organization_id)


@job("files.store.tidy", retries=1, timeout_seconds=LONG, concurrency=1, priority=Priority.LOW)
async def tidy_store(run: Run) -> None:
    """Remove unfinished uploads, contents that no file has, and bytes that nobody names; derive what was left out."""
    works, tenant_id = run.works, run.claimed.tenant_id
    for remove in (removing.remove_expired, removing.remove_orphans):
        while await remove(works, tenant_id):
            pass
    await removing.remove_strays(works, tenant_id)
    await housekeeping.derive_waiting(works, tenant_id)
