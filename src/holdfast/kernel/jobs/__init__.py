"""Background jobs: rows that are written with the change that asks for them, and the engine that does them.

Correctness never depends on a clock or a connection: a job's writes and its end are one commit, which fails for
whoever does not hold the job's fence any more. Leases only decide when somebody else tries.
"""

from holdfast.kernel.jobs.declaration import JOBS, Job, Priority, job
from holdfast.kernel.jobs.running import Run

__all__ = ["JOBS", "Job", "Priority", "Run", "job"]
