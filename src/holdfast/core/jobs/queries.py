"""Statements on jobs and their attempts; a job's row belongs to the installation, so each names its tenant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import delete, select
from sqlalchemy.engine import CursorResult

from holdfast.core.jobs.errors import JobNotFound
from holdfast.core.jobs.models import JobAttempt
from holdfast.core.jobs.schemas import JobBrief
from holdfast.kernel.jobs.tables import JobRow, JobState
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.work import Work

AT_ONCE = 5000


class JobList(ListParameters):
    """Filters of the list of jobs."""

    state: JobState | None = None
    name: Annotated[str | None, Field(max_length=100, examples=["directory.people.import"])] = None
    asked_by: Annotated[UUID | None, Field(description="User who asked.")] = None


JOBS = HotList(
    "jobs.jobs",
    JobRow,
    columns={name: getattr(JobRow, name) for name in JobBrief.model_fields},
    sorts={"created_at": JobRow.created_at, "run_at": JobRow.run_at, "finished_at": JobRow.finished_at},
    default_sort="-created_at",
    filters={
        "state": lambda value: JobRow.state == value,
        "name": lambda value: JobRow.name == value,
        "asked_by": lambda value: JobRow.asked_by == value,
    },
)


async def get_job(work: Work, *, job_id: UUID, lock: bool = False) -> JobRow:
    """Return a job of this organisation; raise JobNotFound."""
    statement = select(JobRow).where(JobRow.tenant_id == work.tenant_id, JobRow.id == job_id)
    found: JobRow | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise JobNotFound
    return found


async def list_attempts(work: Work, *, job_id: UUID) -> Sequence[JobAttempt]:
    """Return what went wrong in attempts at a job, the first attempt first."""
    statement = select(JobAttempt).where(JobAttempt.job_id == job_id).order_by(JobAttempt.id)
    return (await work.session.scalars(statement)).all()


async def remove_jobs(work: Work, *, states: Sequence[JobState], before: datetime) -> int:
    """Remove up to some thousand jobs of this organisation that ended before a moment, with their attempts."""
    over = select(JobRow.id).where(
        JobRow.tenant_id == work.tenant_id, JobRow.state.in_(states), JobRow.finished_at < before
    )
    ids = (await work.session.scalars(over.order_by(JobRow.id).limit(AT_ONCE))).all()
    if ids:
        await work.session.execute(delete(JobAttempt).where(JobAttempt.job_id.in_(ids)))
        mine = delete(JobRow).where(JobRow.tenant_id == work.tenant_id, JobRow.id.in_(ids))
        result: CursorResult[Any] = await work.session.execute(mine)  # type: ignore[assignment]
        assert result.rowcount <= len(ids)
    return len(ids)
