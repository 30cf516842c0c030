"""What can go wrong with jobs."""

from holdfast.kernel.errors import Conflict, NotFound


class JobNotFound(NotFound):
    """There is no such job in this organisation, or it is another person's."""

    code, title = "JOB_NOT_FOUND", "Job not found"


class JobNotFailed(Conflict):
    """Only a job that has failed can be tried again."""

    code, title = "JOB_NOT_FAILED", "The job has not failed"


class JobOver(Conflict):
    """A job that is done, has failed or was cancelled cannot be cancelled."""

    code, title = "JOB_OVER", "The job is over"
