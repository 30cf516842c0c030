"""What can happen with users, roles and preferences."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class UserInvited(Fact):
    """A user was sent a link to choose a password; an earlier one is dead."""

    action = "identity.user.invited"
    title = "Invitation sent"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class InvitationAccepted(Fact):
    """An invited user chose a password and is active."""

    action = "identity.invitation.accepted"
    title = "Invitation accepted"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class UserUpdated(Fact):
    """A user's particulars were changed."""

    action = "identity.user.updated"
    title = "User changed"


@dataclass(frozen=True, kw_only=True)
class UserDeleted(Fact):
    """A user was put into the trash: nothing of theirs opens a door any more."""

    action = "identity.user.deleted"
    title = "User deleted"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class UserRestored(Fact):
    """A user came back with the roles that they held."""

    action = "identity.user.restored"
    title = "User restored"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class UserImported(Fact):
    """A user was brought in by a file."""

    action = "identity.user.imported"
    title = "User imported"
    category = "security"

    line: int


@dataclass(frozen=True, kw_only=True)
class UsersImported(Fact):
    """A file of users was taken in."""

    action = "identity.users.imported"
    title = "Users imported from a file"
    category = "security"
    severity = "notice"
    labels: ClassVar[Mapping[str, str]] = {"sha256": "SHA-256 of the file"}

    file: str
    sha256: str
    count: int


@dataclass(frozen=True, kw_only=True)
class EmailChangeAsked(Fact):
    """A user asked for another address; it holds once they confirm it."""

    action = "identity.email.asked"
    title = "New address asked for"
    category = "security"


@dataclass(frozen=True, kw_only=True)
class EmailChanged(Fact):
    """A user's address was changed."""

    action = "identity.email.changed"
    title = "Address changed"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class RoleRevoked(Fact):
    """A role was taken from a user."""

    action = "identity.role.revoked"
    title = "Role taken away"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class RoleEndSet(Fact):
    """It was set when a role that a user holds is to end."""

    action = "identity.role.end_set"
    title = "End of a role set"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class RoleDefined(Fact):
    """A role of the organisation's own was made."""

    action = "identity.role.defined"
    title = "Role made"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class RoleChanged(Fact):
    """A role was changed, for all who hold it."""

    action = "identity.role.changed"
    title = "Role changed"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class RoleDeleted(Fact):
    """A role that nobody held was put into the trash."""

    action = "identity.role.deleted"
    title = "Role deleted"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class RoleRestored(Fact):
    """A role came back."""

    action = "identity.role.restored"
    title = "Role restored"
    category = "security"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class PreferenceChosen(Fact):
    """A user chose something for one part of the console."""

    action = "identity.preference.chosen"
    title = "Preference chosen"


@dataclass(frozen=True, kw_only=True)
class PreferenceForgotten(Fact):
    """A user went back to what holds for everybody."""

    action = "identity.preference.forgotten"
    title = "Preference taken back"
