"""The declaration of the foreign app."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App, FileRule, MenuItem, Message

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
    file_rules=(
        FileRule(
            "lending.attachment",
            "Picture of a thing",
            types=("image/png",),
            max_bytes=100_000,
            read="lending.item.read",
            write="lending.item.create",
        ),
    ),
    messages=(Message("lending.item_added", "A thing can be lent", told=("title",), link="/console/lending"),),
    menu=(MenuItem("Lending", "/console/lending", "box", permission="lending.item.read"),),
)
