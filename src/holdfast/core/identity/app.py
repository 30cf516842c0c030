"""The declaration of identity."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App

APP = App(
    name="identity",
    title="Identity",
    package="holdfast.core.identity",
    mount="",
    pages="",
    order=10,
    permissions=(
        Permission("identity.user.read", "See the users", roles=("Admin", "Auditor")),
        Permission("identity.user.suspend", "Suspend and re-activate users", roles=("Admin",)),
    ),
)
