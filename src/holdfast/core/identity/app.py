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
        Permission("identity.user.impersonate", "Act in a user's place", roles=("Admin",)),
        Permission("identity.api_key.create", "Make API keys that act for oneself", roles=("Admin", "Operator")),
        Permission("identity.api_key.read", "See users' API keys", roles=("Admin",)),
        Permission("identity.api_key.revoke", "End users' API keys", roles=("Admin",)),
        Permission("identity.service_account.create", "Make accounts for programs", roles=("Admin",)),
        Permission("identity.service_account.update", "Make API keys for programs", roles=("Admin",)),
        Permission("identity.sign_in_policy.read", "See the rules for signing in", roles=("Admin", "Auditor")),
        Permission("identity.sign_in_policy.update", "Set the rules for signing in", roles=("Admin",)),
        Permission("platform.organization.read", "See the installation's organisations", platform=True),
        Permission("platform.organization.create", "Make organisations", platform=True),
        Permission("platform.organization.suspend", "Suspend and resume organisations", platform=True),
        Permission("platform.organization.delete", "Delete organisations after a waiting time", platform=True),
        Permission("platform.organization.export", "Write out everything of an organisation", platform=True),
        Permission("platform.break_glass.open", "Enter an organisation in an emergency", platform=True),
        Permission("platform.break_glass.read", "See emergency accesses", roles=("Admin", "Auditor"), platform=True),
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
