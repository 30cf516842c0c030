"""The declaration of the foreign app."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App, MenuItem

APP = App(
    name="lending",
    title="Lending",
    package="holdfast_lending",
    mount="lending",
    pages="lending",
    migrations="holdfast_lending.migrations",
    permissions=(
        Permission("lending.item.read", "See what can be lent", roles=("Admin", "User")),
        Permission("lending.item.create", "Add things to lend", roles=("Admin",)),
    ),
    menu=(MenuItem("Lending", "/console/lending", "box", permission="lending.item.read"),),
)
