"""What went wrong in attempts at jobs; the jobs themselves are the kernel's."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import Base, Str, TenantOwned, UtcDateTime


class JobAttempt(TenantOwned, Base):
    """One attempt at a job that went wrong: of which kind, and what it said, trimmed and without secrets."""

    __tablename__ = "job_attempt"
    __audited__ = False  # the last one of a job that failed has an entry
    __table_args__ = (Index("ix_job_attempt_job_id", "tenant_id", "job_id", "id"),)

    job_id: Mapped[UUID] = mapped_column(Uuid)
    attempt: Mapped[int]
    kind: Mapped[str] = mapped_column(Str(20))
    error: Mapped[str] = mapped_column(Str(100))
    message: Mapped[str] = mapped_column(Str(1000))
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
