"""One job."""

from uuid import UUID

from holdfast.core.jobs.schemas import JobOut
from holdfast.core.jobs.service import jobs
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=jobs.read_job)
async def read_job(work: WorkDep, job_id: UUID) -> JobOut:
    """Show a job, how far it is, and what went wrong in its attempts."""
    return await jobs.read_job(work, job_id=job_id)
