"""Jobs of the trail."""

from holdfast.core.audit.public import tell_repeats
from holdfast.kernel.jobs import Priority, job
from holdfast.kernel.work import Work


@job("audit.refusal.tell", priority=Priority.LOW)
async def tell_repeated_refusals(work: Work) -> None:
    """Make entries of the repeats that a process counted and did not live to tell of."""
    await tell_repeats(work, before_minute=int(work.now().timestamp()) // 60)
