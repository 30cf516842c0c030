"""Jobs of telling people."""

from datetime import timedelta
from uuid import UUID

from holdfast.core.notify.service.announcing import ANNOUNCE, tell_next
from holdfast.core.notify.service.digests import merge_due
from holdfast.core.notify.service.inbox import remove_old
from holdfast.core.notify.service.sending import send_due, send_of
from holdfast.core.notify.service.telling import SEND
from holdfast.core.notify.service.ways import transport_of
from holdfast.kernel.jobs import Priority, Run, job

KEPT = timedelta(days=180)


@job(SEND, retries=0, timeout_seconds=900, concurrency=1)
async def send_messages(run: Run) -> None:
    """Send the messages of an organisation that are due, where the settings name a way."""
    transport = transport_of(run.works)
    if transport is not None:
        await send_of(run.works, transport, run.claimed.tenant_id)


@job("notify.message.send_due", retries=0, timeout_seconds=900, concurrency=1)
async def send_all_messages(run: Run) -> None:
    """Send the messages of all organisations that became due later than they were told."""
    transport = transport_of(run.works)
    if transport is not None:
        await send_due(run.works, transport)


@job(ANNOUNCE, retries=10, timeout_seconds=1800)
async def tell_announced(run: Run, *, announcement_id: UUID) -> None:
    """Tell an audience, some hundred people in each unit of work."""
    while True:
        async with run.begin() as work:
            count = await tell_next(work, announcement_id=announcement_id)
            await run.progress((run.done or 0) + count)
        if not count or run.cancelled:
            return


@job("notify.digest.merge", retries=1, timeout_seconds=900, concurrency=1)
async def merge_digests(run: Run) -> None:
    """Put together the digests of an organisation that are due, a person in each unit of work."""
    count = 1
    while count:
        async with run.begin() as work:
            count = await merge_due(work)


@job("notify.notice.sweep", retries=1, priority=Priority.LOW)
async def sweep_notices(run: Run) -> None:
    """Remove messages that are older than the inbox keeps them."""
    count = 1
    while count:
        async with run.begin() as work:
            count = await remove_old(work, before=work.now() - KEPT)
