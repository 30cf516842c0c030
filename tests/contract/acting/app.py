"""The declaration of the acting app."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App

APP = App(
    name="acting",
    title="Acting",
    package="acting",
    mount="acting",
    permissions=(
        Permission("acting.act.perform", "Perform an act", roles=("Admin",)),
        Permission("acting.act.watch", "Watch an act", roles=("Admin",)),
    ),
)
