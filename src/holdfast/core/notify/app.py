"""The declaration of the slice that tells people."""

from holdfast.kernel.plugins import App

APP = App(
    name="notify",
    title="Notifications",
    package="holdfast.core.notify",
    mount="notify",
    pages="",
    optional=False,
    order=40,
)
