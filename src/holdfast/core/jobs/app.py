"""The declaration of jobs."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App, MenuItem, RecordKind, Schedule

APP = App(
    name="jobs",
    title="Jobs",
    package="holdfast.core.jobs",
    mount="jobs",
    pages="jobs",
    optional=False,
    order=40,
    permissions=(
        Permission("jobs.job.read", "See all jobs", roles=("Admin", "Auditor")),
        Permission("jobs.job.retry", "Have failed jobs tried again", roles=("Admin",)),
        Permission("jobs.job.cancel", "Cancel everybody's jobs", roles=("Admin",)),
    ),
    menu=(MenuItem("Jobs", "/console/jobs", "clock", permission="jobs.job.read", order=95),),
    records=(RecordKind("job", "Job", names=("name",), page="/console/jobs/{id}"),),
    schedules=(Schedule("jobs.job.sweep", job="jobs.job.sweep", cron="20 3 * * *", each_organization=True),),
)
