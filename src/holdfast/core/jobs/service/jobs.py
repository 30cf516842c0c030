"""What people do with jobs."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from holdfast.core.jobs import guards, queries
from holdfast.core.jobs.errors import JobNotFound
from holdfast.core.jobs.facts import JobCancelled, JobRetried
from holdfast.core.jobs.schemas import AttemptOut, JobBrief, JobOut
from holdfast.kernel.errors import Forbidden
from holdfast.kernel.jobs.tables import JobRow, JobState
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.work import Work


@verb("jobs.job.read", access="signed_in")
async def list_jobs(work: Work, params: queries.JobList) -> bytes:
    """Return one page of jobs as JSON, newest first: all of them for who may read them, else one's own."""
    return await queries.JOBS.page(work, _kept_to_own(work, params))


@verb("jobs.job.read", access="signed_in")
async def browse_jobs(work: Work, params: queries.JobList) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one page of jobs as rows, and where it stands."""
    return await queries.JOBS.rows_and_meta(work, _kept_to_own(work, params))


@verb("jobs.job.read", access="signed_in")
async def read_job(work: Work, *, job_id: UUID) -> JobOut:
    """Return a job with what went wrong in its attempts; raise JobNotFound, also for another person's."""
    job = await queries.get_job(work, job_id=job_id)
    return await _shown(work, job)


@verb("jobs.job.retry", writes=True)
async def retry_job(work: Work, *, job_id: UUID) -> JobOut:
    """Have a failed job tried again from the beginning; raise JobNotFound, and JobNotFailed for any other."""
    job = await queries.get_job(work, job_id=job_id, lock=True)
    enforce(guards.can_retry(job))
    job.state, job.run_at, job.failures, job.crashes = JobState.READY, work.now(), 0, 0
    job.finished_at, job.cancel_asked = None, False
    work.record(JobRetried(entity=job, job=job.name))
    work.announced = True
    return await _shown(work, job)


@verb("jobs.job.cancel", access="signed_in", writes=True)
async def cancel_job(work: Work, *, job_id: UUID) -> JobOut:
    """Cancel a job that waits, and ask one that runs to stop: what it has not committed is rolled back.

    Everyone may cancel what they asked for. Raises JobNotFound, JobOver, and Forbidden for another person's.
    """
    job = await queries.get_job(work, job_id=job_id, lock=True)
    if not guards.can_see(work.actor, job):
        raise JobNotFound
    enforce(guards.can_cancel(work.actor, job))
    running = job.state is JobState.RUNNING
    if running:
        job.cancel_asked = True
    else:
        job.state, job.finished_at, job.unique_key = JobState.CANCELLED, work.now(), None
    work.record(JobCancelled(entity=job, job=job.name, running=running))
    return await _shown(work, job)


# lint: allow verb – what the sweeping job does, for the system alone
async def remove_old_jobs(work: Work) -> int:
    """Remove what was done or cancelled, and later what failed, once it has been kept long enough; return how many."""
    done = work.now() - timedelta(days=work.settings.jobs_keep_days)
    failed = work.now() - timedelta(days=work.settings.jobs_keep_failed_days)
    removed = await queries.remove_jobs(work, states=(JobState.DONE, JobState.CANCELLED), before=done)
    return removed + await queries.remove_jobs(work, states=(JobState.FAILED,), before=failed)


def _kept_to_own(work: Work, params: queries.JobList) -> queries.JobList:
    if work.actor.may(guards.READ):
        return params
    if params.asked_by not in (None, work.actor.id):
        raise Forbidden(f"The permission {guards.READ} is needed for jobs that somebody else asked for.")
    return params.model_copy(update={"asked_by": work.actor.id})


async def _shown(work: Work, job: JobRow) -> JobOut:
    if not guards.can_see(work.actor, job) and not work.actor.may("jobs.job.retry"):
        raise JobNotFound
    await work.flush()
    attempts = await queries.list_attempts(work, job_id=job.id)
    brief = JobBrief.model_validate(job).model_dump()
    assert isinstance(job.ids, dict)
    return JobOut(**brief, ids=job.ids, troubles=[AttemptOut.model_validate(each) for each in attempts])
