"""Pages of one job."""

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.jobs.service import jobs
from holdfast.kernel.jobs.tables import JobState
from holdfast.kernel.pages import render
from holdfast.kernel.work import Work

TONES: Mapping[str, str] = {"done": "good", "failed": "bad", "cancelled": "warn", "running": "info"}


async def job_page(
    request: Request, work: Work, job_id: UUID, *, refused: str | None = None, status: int = 200
) -> Response:
    """Return the page of a job, which renews itself until the job is over, or says why something was refused."""
    job = await jobs.read_job(work, job_id=job_id)
    names = await work.house.name_users(work, [job.asked_by]) if job.asked_by else {}
    mine = job.asked_by is not None and job.asked_by == work.actor.id
    over = job.state not in {JobState.READY, JobState.RUNNING}
    may = {
        "retry": job.state is JobState.FAILED and work.actor.may("jobs.job.retry"),
        "cancel": not over and not job.cancel_asked and (mine or work.actor.may("jobs.job.cancel")),
        "list": work.actor.may("jobs.job.read"),
    }
    who = "The system" if job.asked_by is None else names.get(job.asked_by, str(job.asked_by))
    return render(
        request,
        "jobs/job.html",
        status=status,
        work=work,
        job=job,
        asked_by=who,
        tone=TONES.get(job.state, ""),
        over=over,
        may=may,
        refused=refused,
    )
