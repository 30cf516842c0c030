"""Cancelling a job."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.jobs.pages.by_job_id import job_page
from holdfast.core.jobs.service import jobs
from holdfast.kernel.errors import Conflict
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect

router = Routes()


@router.post(verb=jobs.cancel_job, form=True)
async def cancel_job_by_form(request: Request, work: WorkDep, job_id: UUID) -> Response:
    """Cancel the job, or ask it to stop, and show it."""
    try:
        await jobs.cancel_job(work, job_id=job_id)
    except Conflict as error:
        await work.reset()
        return await job_page(request, work, job_id, refused=error.detail, status=error.status)
    return redirect(request, f"/console/jobs/{job_id}", flash="The job was cancelled, or stops as soon as it can.")
