"""Jobs about jobs."""

from holdfast.core.jobs.public import remove_old_jobs
from holdfast.kernel.jobs import Priority, job
from holdfast.kernel.work import Work


@job("jobs.job.sweep", priority=Priority.LOW)
async def sweep_jobs(work: Work) -> None:
    """Remove what has been over for long."""
    await remove_old_jobs(work)
