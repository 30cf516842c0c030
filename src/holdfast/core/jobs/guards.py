"""Who may see and stop which job, and when."""

from holdfast.core.jobs.errors import JobNotFailed, JobOver
from holdfast.kernel.errors import Forbidden
from holdfast.kernel.jobs.tables import JobRow, JobState
from holdfast.kernel.permissions import Actor, Verdict

READ, CANCEL = "jobs.job.read", "jobs.job.cancel"


def can_see(actor: Actor, job: JobRow) -> bool:
    """Tell whether a job is one's own, or all of them may be seen."""
    return actor.may(READ) or actor.may(CANCEL) or (actor.id is not None and job.asked_by == actor.id)


def can_cancel(actor: Actor, job: JobRow) -> Verdict:
    """Refuse who neither asked for the job nor may cancel those of others, and a job that is over."""
    if not actor.may(CANCEL) and (actor.id is None or job.asked_by != actor.id):
        return Forbidden(f"The permission {CANCEL} is needed for a job that somebody else asked for.")
    return None if job.state in {JobState.READY, JobState.RUNNING} else JobOver(f"The job is {job.state}.")


def can_retry(job: JobRow) -> Verdict:
    """Refuse a job that has not failed."""
    return None if job.state is JobState.FAILED else JobNotFailed(f"The job is {job.state}.")
