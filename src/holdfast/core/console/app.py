"""The declaration of the console."""

from holdfast.kernel.plugins import App

APP = App(
    name="console",
    title="Console",
    package="holdfast.core.console",
    mount="console-api",
    pages="",
    order=90,
)
