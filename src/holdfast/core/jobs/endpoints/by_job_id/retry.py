"""Trying a job again."""

from uuid import UUID

from holdfast.core.jobs.schemas import JobOut
from holdfast.core.jobs.service import jobs
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=jobs.retry_job)
async def retry_job(work: WorkDep, job_id: UUID) -> JobOut:
    """Have a failed job tried again, with the rights that whoever asked for it has then."""
    return await jobs.retry_job(work, job_id=job_id)
