"""Tables of identity. The session row is the root of every credential: no row, no access."""

from holdfast.core.identity.models.accounts import Password, Preference, User, UserKind, UserStatus
from holdfast.core.identity.models.factors import Challenge, RecoveryCode, Totp
from holdfast.core.identity.models.links import Purpose, UserToken
from holdfast.core.identity.models.names import SetupLink, SignInName
from holdfast.core.identity.models.platform import ApplicationChoice, BreakGlass, SignInPolicy
from holdfast.core.identity.models.rights import Role, RoleAssignment, ScopeKind
from holdfast.core.identity.models.sessions import RefreshToken, Session, SessionKind

__all__ = [
    "ApplicationChoice",
    "BreakGlass",
    "Challenge",
    "Password",
    "Preference",
    "Purpose",
    "RecoveryCode",
    "RefreshToken",
    "Role",
    "RoleAssignment",
    "ScopeKind",
    "Session",
    "SessionKind",
    "SetupLink",
    "SignInName",
    "SignInPolicy",
    "Totp",
    "User",
    "UserKind",
    "UserStatus",
    "UserToken",
]
