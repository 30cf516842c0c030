"""Jobs about jobs."""

from holdfast.core.jobs.public import remove_old_jobs
from holdfast.kernel.jobs import Priority, Run, job


@job("jobs.job.sweep", timeout_seconds=3600, priority=Priority.LOW)
async def sweep_jobs(run: Run) -> None:
    """Remove what has been over for long, some at a time until nothing is left."""
    left = True
    while left and not run.cancelled:
        async with run.begin() as work:
            left = await remove_old_jobs(work) > 0
