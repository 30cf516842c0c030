"""The declaration of the slice that tells people."""

from holdfast.kernel.plugins import App, Schedule

APP = App(
    name="notify",
    title="Notifications",
    package="holdfast.core.notify",
    mount="notify",
    pages="",
    optional=False,
    order=40,
    schedules=(Schedule("notify.message.send", job="notify.message.send", cron="* * * * *", catch_up="skip"),),
)
