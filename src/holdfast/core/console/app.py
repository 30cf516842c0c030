"""The declaration of the console."""

from holdfast.core.console.schemas import ListChoice, ThemeChoice
from holdfast.kernel.plugins import App, MenuItem

APP = App(
    name="console",
    title="Console",
    package="holdfast.core.console",
    mount="console-api",
    pages="",
    optional=False,
    order=90,
    menu=(MenuItem("Home", "/console", "home", order=0),),
    preferences={"console.theme": ThemeChoice, "lists.page_size": ListChoice},
)
