"""What the engine has written down of attempts that went wrong; fills the kernel's port `Outcomes`."""

from holdfast.core.jobs import queries
from holdfast.core.jobs.facts import JobFailed
from holdfast.core.jobs.models import JobAttempt
from holdfast.kernel.jobs.outcomes import Trouble
from holdfast.kernel.jobs.running import Claimed
from holdfast.kernel.work import Work


class Troubles:
    """Keeps what went wrong, and writes final failures into the trail."""

    async def tell(self, work: Work, claimed: Claimed, trouble: Trouble, *, final: bool) -> None:
        """Keep the trouble of an attempt with its job; a failure for good becomes an entry."""
        if trouble.kind == "cancelled":
            return  # asking for it has an entry
        told = {"kind": trouble.kind, "error": trouble.error[:100], "message": trouble.message}
        row = JobAttempt(id=work.new_id(), job_id=claimed.id, attempt=claimed.attempts, ended_at=work.now(), **told)
        work.session.add(row)
        if final:
            job = await queries.get_job(work, job_id=claimed.id)
            work.record(
                JobFailed(
                    entity=job,
                    job=claimed.name,
                    error=trouble.error,
                    attempts=claimed.attempts,
                    asked_by=claimed.asked_by,
                    reason=trouble.message or None,
                )
            )
