"""What can happen when signing in, with keys, and with what operators do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class UserCreated(Fact):
    """A user was made."""

    action = "identity.user.created"
    title = "User created"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class PasswordSet(Fact):
    """A user's password was set."""

    action = "identity.password.set"
    title = "Password set"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class PasswordRehashed(Fact):
    """A password was hashed anew because the cost rose."""

    action = "identity.password.rehashed"
    title = "Password hash renewed"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class RoleAssigned(Fact):
    """A user was given a role."""

    action = "identity.role.assigned"
    title = "Role assigned"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class UserStatusChanged(Fact):
    """A user was suspended, locked or re-activated."""

    action = "identity.user.status_changed"
    title = "User status changed"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class SignedIn(Fact):
    """A user signed in; the entity is the session."""

    action = "identity.session.opened"
    title = "Signed in"
    category = "access"


@dataclass(frozen=True, kw_only=True)
class SignInFailed(Fact):
    """Somebody failed to sign in; the entity is the user, where there is one."""

    action = "identity.session.refused"
    title = "Sign-in failed"
    category = "access"
    severity = "warning"
    outcome = "failed"
    labels: ClassVar[Mapping[str, str]] = {"name": "Name as typed, as a fingerprint"}


@dataclass(frozen=True, kw_only=True)
class SessionRefreshed(Fact):
    """A session's tokens were renewed."""

    action = "identity.session.refreshed"
    title = "Tokens renewed"
    category = "access"


@dataclass(frozen=True, kw_only=True)
class SignedOut(Fact):
    """A user signed out."""

    action = "identity.session.closed"
    title = "Signed out"
    category = "access"


@dataclass(frozen=True, kw_only=True)
class SessionRevoked(Fact):
    """A session was ended by something else than signing out: its user was suspended."""

    action = "identity.session.revoked"
    title = "Session ended"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class TokenReused(Fact):
    """A refresh token came a second time: the whole session was ended."""

    action = "identity.session.token_reused"
    title = "Refresh token used twice"
    category = "security"
    severity = "critical"
    outcome = "refused"


@dataclass(frozen=True, kw_only=True)
class ApiKeyCreated(Fact):
    """An API key was made; the entity is its session row."""

    action = "identity.api_key.created"
    title = "API key created"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class ApiKeyRotated(Fact):
    """An API key was followed by another one and ends after an overlap."""

    action = "identity.api_key.rotated"
    title = "API key rotated"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(Fact):
    """An API key was ended."""

    action = "identity.api_key.revoked"
    title = "API key revoked"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class SignInPolicySet(Fact):
    """The organisation's rules for signing in were set."""

    action = "identity.sign_in_policy.set"
    title = "Sign-in policy set"
    category = "security"
    severity = "warning"


@dataclass(frozen=True, kw_only=True)
class ImpersonationStarted(Fact):
    """Somebody began to act in a user's place; the entity is the session."""

    action = "identity.impersonation.started"
    title = "Impersonation started"
    category = "security"
    severity = "warning"


@dataclass(frozen=True, kw_only=True)
class EmergencyAccessOpened(Fact):
    """An operator was let into an organisation."""

    action = "platform.break_glass.opened"
    title = "Emergency access opened"
    category = "security"
    severity = "critical"


@dataclass(frozen=True, kw_only=True)
class EmergencyAccessEnded(Fact):
    """An operator's access to an organisation ended before its time."""

    action = "platform.break_glass.ended"
    title = "Emergency access ended"
    category = "security"
    severity = "warning"


@dataclass(frozen=True, kw_only=True)
class OperatorAdmitted(Fact):
    """The organisation's side of emergency access: an operator's session was made, or ended."""

    action = "identity.operator.admitted"
    title = "Operator admitted"
    category = "security"
    severity = "critical"


@dataclass(frozen=True, kw_only=True)
class OperatorDismissed(Fact):
    """An operator's session in the organisation ended before its time."""

    action = "identity.operator.dismissed"
    title = "Operator's access ended"
    category = "security"
    severity = "warning"


@dataclass(frozen=True, kw_only=True)
class OrganizationOpened(Fact):
    """Operators made an organisation; told in their own trail."""

    action = "platform.organization.created"
    title = "Organisation created"
    category = "system"
    severity = "notice"
    slug: str
    organization_id: UUID


@dataclass(frozen=True, kw_only=True)
class OrganizationStatusChanged(Fact):
    """Operators suspended or resumed an organisation, or set the day of its deletion; told in both trails."""

    action = "platform.organization.status_changed"
    title = "Organisation's status changed"
    category = "system"
    severity = "warning"
    slug: str
    status: str


@dataclass(frozen=True, kw_only=True)
class OrganizationExported(Fact):
    """Operators wrote out everything of an organisation; told in both trails."""

    action = "platform.organization.exported"
    title = "Organisation exported"
    category = "access"
    severity = "warning"
    slug: str


@dataclass(frozen=True, kw_only=True)
class CacheCleared(Fact):
    """Operators let the installation forget what it keeps to be faster."""

    action = "platform.cache.cleared"
    title = "Cache cleared"
    category = "system"
    namespace: str | None
    organization_id: UUID | None
    pattern: str | None
    cleared: int


@dataclass(frozen=True, kw_only=True)
class SecondFactorAsked(Fact):
    """A password was right and the sign-in waits for the second factor; the entity is the user."""

    action = "identity.session.challenged"
    title = "Second factor asked for"
    category = "access"


@dataclass(frozen=True, kw_only=True)
class SteppedUp(Fact):
    """A user showed anew, in a session, who they are."""

    action = "identity.session.verified"
    title = "Identity confirmed anew"
    category = "access"


@dataclass(frozen=True, kw_only=True)
class TotpEnrolled(Fact):
    """An authenticator was made known; it counts once it is confirmed."""

    action = "identity.mfa.enrolled"
    title = "Authenticator made known"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class TotpConfirmed(Fact):
    """An authenticator was confirmed by its code: from now on sign-in asks for it."""

    action = "identity.mfa.confirmed"
    title = "Second factor switched on"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class TotpRemoved(Fact):
    """A user's authenticator was removed, by the user or by an administrator."""

    action = "identity.mfa.removed"
    title = "Second factor switched off"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class RecoveryCodeIssued(Fact):
    """A recovery code was made; it is shown once."""

    action = "identity.recovery_code.issued"
    title = "Recovery code made"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class RecoveryCodeEnded(Fact):
    """A recovery code, used or not, gave way to new ones or to none."""

    action = "identity.recovery_code.ended"
    title = "Recovery code ended"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class RecoveryCodeUsed(Fact):
    """A recovery code stood in for the authenticator."""

    action = "identity.recovery_code.used"
    title = "Recovery code used"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class PasswordResetSent(Fact):
    """A link for a new password was sent to a user; the entity is the user."""

    action = "identity.password.reset_sent"
    title = "Link for a new password sent"
    category = "security"
    severity = "notice"
