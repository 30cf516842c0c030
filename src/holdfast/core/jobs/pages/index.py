"""The list of jobs."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.jobs.pages.by_job_id import TONES
from holdfast.core.jobs.queries import JobList
from holdfast.core.jobs.service import jobs
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.jobs.tables import JobState
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import read_query
from holdfast.kernel.work import Work

router = Routes()


@router.get(verb=jobs.browse_jobs)
async def show_jobs(request: Request, work: WorkDep) -> Response:
    """Show the jobs, newest first: with the permission all of them, else one's own."""
    params = read_query(request, JobList)
    rows, meta = await jobs.browse_jobs(work, params)
    return render(
        request,
        "jobs/jobs.html",
        work=work,
        jobs=rows,
        meta=meta,
        params=params,
        states=[state.value for state in JobState],
        tones=TONES,
        names=await _names(work, rows),
    )


async def _names(work: Work, rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    ids = {UUID(str(row["asked_by"])) for row in rows if row["asked_by"]}
    return {str(each): name for each, name in (await work.house.name_users(work, ids)).items()} if ids else {}
