"""What is shown of jobs."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, JsonValue

from holdfast.kernel.jobs.tables import JobState
from holdfast.kernel.schemas import Outward


class JobBrief(Outward):
    """A job as lists show it."""

    id: UUID
    name: Annotated[str, Field(examples=["directory.people.import"])]
    state: Annotated[JobState, Field(description="`failed`: given up, until a person has it tried again.")]
    priority: Annotated[int, Field(description="0 goes first, 5 is usual, 9 goes last.")]
    asked_by: Annotated[UUID | None, Field(description="User who asked; null for the system.")]
    attempts: Annotated[int, Field(description="Attempts that were begun.")]
    progress_done: int | None
    progress_total: int | None
    cancel_asked: Annotated[bool, Field(description="Someone asked it to stop while it ran.")]
    created_at: datetime
    run_at: Annotated[datetime, Field(description="When it was, or is, due.")]
    started_at: Annotated[datetime | None, Field(description="When the last attempt began.")]
    finished_at: Annotated[datetime | None, Field(description="When the last attempt ended.")]


class AttemptOut(Outward):
    """An attempt that went wrong."""

    attempt: int
    kind: Annotated[str, Field(examples=["error", "refused", "unavailable", "timeout", "crash"])]
    error: Annotated[str, Field(examples=["COMPANY_NOT_FOUND"])]
    message: str
    ended_at: datetime


class JobOut(JobBrief):
    """A job, what it is about, and what went wrong so far."""

    ids: Annotated[dict[str, JsonValue], Field(examples=[{"company_id": "0193c6a0-0000-7000-8000-000000000001"}])]
    troubles: list[AttemptOut]
