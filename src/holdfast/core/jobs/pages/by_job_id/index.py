"""One job."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.jobs.pages.by_job_id import job_page
from holdfast.core.jobs.service import jobs
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=jobs.read_job)
async def show_job(request: Request, work: WorkDep, job_id: UUID) -> Response:
    """Show a job, how far it is, and what went wrong in its attempts."""
    return await job_page(request, work, job_id)
