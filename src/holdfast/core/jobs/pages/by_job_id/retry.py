"""Trying a failed job again."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.jobs.pages.by_job_id import job_page
from holdfast.core.jobs.service import jobs
from holdfast.kernel.errors import Conflict
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect

router = Routes()


@router.post(verb=jobs.retry_job, form=True)
async def retry_job_by_form(request: Request, work: WorkDep, job_id: UUID) -> Response:
    """Have the job tried again and show it."""
    try:
        await jobs.retry_job(work, job_id=job_id)
    except Conflict as error:
        await work.reset()
        return await job_page(request, work, job_id, refused=error.detail, status=error.status)
    return redirect(request, f"/console/jobs/{job_id}", flash="The job will be tried again.")
