"""What can happen to jobs."""

from dataclasses import dataclass
from uuid import UUID

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class JobFailed(Fact):
    """A job failed for good: `asked_by` is whose it was, none for the system's own."""

    action = "jobs.job.failed"
    title = "Job failed"
    category = "system"
    severity = "warning"
    outcome = "failed"
    job: str
    error: str
    attempts: int
    asked_by: UUID | None


@dataclass(frozen=True, kw_only=True)
class JobRetried(Fact):
    """A person had a failed job tried again."""

    action = "jobs.job.retried"
    title = "Job tried again"
    category = "system"
    severity = "notice"
    job: str


@dataclass(frozen=True, kw_only=True)
class JobCancelled(Fact):
    """A person cancelled a job, or asked one that runs to stop."""

    action = "jobs.job.cancelled"
    title = "Job cancelled"
    category = "system"
    severity = "notice"
    job: str
    running: bool
