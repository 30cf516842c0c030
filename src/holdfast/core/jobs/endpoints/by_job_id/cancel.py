"""Cancelling a job."""

from uuid import UUID

from holdfast.core.jobs.schemas import JobOut
from holdfast.core.jobs.service import jobs
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=jobs.cancel_job)
async def cancel_job(work: WorkDep, job_id: UUID) -> JobOut:
    """Cancel a job that waits, or ask one that runs to stop; one's own, or with `jobs.job.cancel` anybody's."""
    return await jobs.cancel_job(work, job_id=job_id)
