"""What other slices may ask of jobs."""

from holdfast.core.jobs.queries import JobList
from holdfast.core.jobs.service.jobs import browse_jobs, cancel_job, read_job, remove_old_jobs, retry_job
from holdfast.core.jobs.service.outcomes import Troubles

__all__ = ["JobList", "Troubles", "browse_jobs", "cancel_job", "read_job", "remove_old_jobs", "retry_job"]
