"""Jobs of telling people."""

from holdfast.core.notify.service.sending import send_due
from holdfast.core.notify.service.ways import transport_of
from holdfast.kernel.jobs import Run, job


@job("notify.message.send", retries=0, timeout_seconds=900, concurrency=1)
async def send_messages(run: Run) -> None:
    """Send the messages of all organisations that are due, where the settings name a way."""
    transport = transport_of(run.works)
    if transport is not None:
        await send_due(run.works, transport)
