"""The declaration of identity."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App, RecordKind

APP = App(
    name="identity",
    title="Identity",
    package="holdfast.core.identity",
    mount="",
    pages="",
    order=10,
    permissions=(
        Permission("identity.user.read", "See the users", roles=("Admin", "Auditor")),
        Permission("identity.session.read", "See where a user is signed in", roles=("Admin",)),
        Permission("identity.session.revoke", "Sign a user out everywhere", roles=("Admin",)),
        Permission("identity.password.reset", "Send a user a link for a new password", roles=("Admin",)),
        Permission("identity.mfa.reset", "Remove a user's second factor", roles=("Admin",)),
        Permission("identity.user.suspend", "Suspend and re-activate users", roles=("Admin",)),
    ),
    records=(
        RecordKind("user_account", "User account", names=("name",), user="id"),
        RecordKind("password", "Password", user="id"),
        RecordKind("role_assignment", "Role", user="user_id"),
        RecordKind("role", "Role of the organisation", names=("name",)),
        RecordKind("session", "Session", user="user_id"),
        RecordKind("user_totp", "Authenticator", user="id"),
        RecordKind("recovery_code", "Recovery code", user="user_id"),
        RecordKind("user_preference", "Preference", names=("name",)),
        RecordKind("sign_in_policy", "Sign-in policy"),
        RecordKind("break_glass", "Emergency access", names=("target_slug",)),
    ),
)
