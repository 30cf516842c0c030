"""The declaration of the audit trail."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App, MenuItem, Schedule

APP = App(
    name="audit",
    title="Audit trail",
    package="holdfast.core.audit",
    mount="audit",
    pages="audit",
    optional=False,
    order=30,
    permissions=(
        Permission("audit.entry.read", "Read the audit trail", roles=("Admin", "Auditor")),
        Permission("audit.entry.export", "Export the audit trail", roles=("Admin", "Auditor")),
    ),
    schedules=(Schedule("audit.refusal.tell", job="audit.refusal.tell", cron="7 * * * *", each_organization=True),),
    menu=(MenuItem("Audit trail", "/console/audit", "trail", permission="audit.entry.read", order=90),),
)
