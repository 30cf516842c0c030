"""Jobs."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.jobs.queries import JobList
from holdfast.core.jobs.schemas import JobBrief
from holdfast.core.jobs.service import jobs
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=jobs.list_jobs, answers=Page[JobBrief])
async def list_jobs(work: WorkDep, params: Annotated[JobList, Query()]) -> Response:
    """List jobs, newest first: with the permission `jobs.job.read` all of them, else one's own."""
    return json_bytes(await jobs.list_jobs(work, params))
