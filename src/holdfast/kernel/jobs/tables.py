"""The tables of jobs and schedules: ids, states, counts and moments; they belong to the installation."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, SmallInteger, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import Base, Bytes, CanonicalJson, Choice, InstallationOwned, Json, Str, UtcDateTime


class JobState(enum.StrEnum):
    """Where a job stands: `failed` ones have used up their attempts and wait for a person."""

    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobRow(InstallationOwned, Base):
    """Work to be done once: written with the change that asks for it, done in one commit with what it changes.

    `ids` names what it is about, as canonical JSON. `asked_by` is the user who asked, none for the system itself.
    `lease_token` is the fence: who does not hold it any more cannot commit. `unique_key` is a hash, while it waits.
    """

    __tablename__ = "job"
    __audited__ = False  # what it does, and how it ended where that was not well, leaves entries
    __table_args__ = (
        Index("ix_job_claim", "state", "priority", "run_at", "id"),
        Index(
            "ix_job_lane",
            *("state", "priority", "tenant_id", "name", "run_at", "id"),
            postgresql_where=text("state = 'ready'"),
            sqlite_where=text("state = 'ready'"),
        ),
        Index("ix_job_listed", "tenant_id", "created_at", "id"),
        Index("ux_job_unique", "tenant_id", "unique_key", unique=True),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Str(100))
    ids: Mapped[Json] = mapped_column(CanonicalJson, nullable=False)
    state: Mapped[JobState] = mapped_column(Choice(JobState))
    priority: Mapped[int] = mapped_column(SmallInteger)
    run_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by: Mapped[UUID | None] = mapped_column(Uuid)
    session_id: Mapped[UUID | None] = mapped_column(Uuid)
    unique_key: Mapped[bytes | None] = mapped_column(Bytes(32))
    attempts: Mapped[int]
    failures: Mapped[int]
    crashes: Mapped[int]
    worker_id: Mapped[UUID | None] = mapped_column(Uuid)
    lease_token: Mapped[UUID | None] = mapped_column(Uuid)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_asked: Mapped[bool]
    progress_done: Mapped[int | None]
    progress_total: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ScheduleRow(InstallationOwned, Base):
    """When a schedule is due next: whoever locks the row when that has come enqueues its jobs and sets the next time.

    One row, `jobs.gate`, is no schedule: workers hold it while they choose jobs.
    """

    __tablename__ = "schedule"
    __audited__ = False  # it follows from the code and the time

    name: Mapped[str] = mapped_column(Str(100), primary_key=True)
    spec: Mapped[str] = mapped_column(Str(200))
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


JOB, SCHEDULE = JobRow.metadata.tables["job"], ScheduleRow.metadata.tables["schedule"]
