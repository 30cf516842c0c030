"""Jobs of identity."""

from holdfast.core.identity.service.tenant_keys import RESEAL, reseal_all
from holdfast.kernel.jobs import Priority, Run, job
from holdfast.kernel.jobs.running import CancelAsked


@job(RESEAL, retries=2, timeout_seconds=7200, concurrency=1, priority=Priority.LOW)
async def reseal_values(run: Run) -> None:
    """Seal anew what earlier keys of an organisation sealed, and end those keys: goes on where a rotation stopped."""

    async def tell(done: int, total: int) -> None:
        await run.progress(done, total)
        if run.cancelled:
            raise CancelAsked

    await reseal_all(run.works, run.claimed.tenant_id, tell=tell)
