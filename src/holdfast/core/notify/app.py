"""The declaration of the slice that tells people."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App, MenuItem, Message, RecordKind, Schedule

APP = App(
    name="notify",
    title="Notifications",
    package="holdfast.core.notify",
    mount="notify",
    pages="",
    optional=False,
    order=40,
    permissions=(
        Permission("notify.template.read", "See the texts of messages", roles=("Admin", "Auditor")),
        Permission("notify.template.edit", "Write the texts of messages", roles=("Admin",)),
        Permission(
            "notify.suppression.read", "See which addresses are not written to", roles=("Admin", "Operator", "Auditor")
        ),
        Permission("notify.suppression.edit", "Say which addresses are not written to", roles=("Admin", "Operator")),
    ),
    menu=(MenuItem("Inbox", "/console/inbox", "inbox", order=5, unread=True),),
    messages=(
        Message(
            "notify.digest",
            "Digest",
            told=("count", "items"),
            channels=("mail",),
            fixed=True,
            link="/console/inbox",
        ),
    ),
    records=(
        RecordKind("notify_preference", "Notifications", user="id"),
        RecordKind("mail_suppression", "Suppressed address"),
        RecordKind("message_template", "Text of a message", names=("message", "locale")),
    ),
    schedules=(
        Schedule("notify.message.send_due", job="notify.message.send_due", cron="* * * * *", catch_up="skip"),
        Schedule("notify.digest.merge", job="notify.digest.merge", cron="0 * * * *", each_organization=True),
        Schedule("notify.notice.sweep", job="notify.notice.sweep", cron="40 3 * * *", each_organization=True),
    ),
)
