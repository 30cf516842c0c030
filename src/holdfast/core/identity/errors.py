"""What can go wrong when signing in, with users and their rights, and for operators."""

from holdfast.kernel.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Unauthenticated, UniqueViolation


class SignInRefused(Unauthenticated):
    """Unknown name, wrong password, no access or an ambiguous name: one answer for all of them."""

    code, title = "SIGN_IN_REFUSED", "Sign-in refused"

    def __init__(self) -> None:
        super().__init__(
            "The name or the password is wrong. If your name is known in several organisations, name the organisation."
        )


class TokenRefused(Unauthenticated):
    """The refresh token is unknown, used, expired, or its session has ended."""

    code, title = "TOKEN_REFUSED", "Token refused"


class UserNotFound(NotFound):
    """There is no such user in this organisation."""

    code, title = "USER_NOT_FOUND", "User not found"


class SessionNotFound(NotFound):
    """The user has no such session, or it has ended."""

    code, title = "SESSION_NOT_FOUND", "Session not found"


class OwnStatus(Conflict):
    """Nobody suspends himself: the last administrator could lock everyone out."""

    code, title = "OWN_STATUS", "Your own status cannot be changed by you"


class WeakPassword(Invalid):
    """The password does not meet the organisation's rule."""

    code, title = "WEAK_PASSWORD", "Password too weak"


class WrongPassword(Forbidden):
    """The present password that came with the request is not the user's."""

    code, title, refusal = "WRONG_PASSWORD", "Wrong password", False

    def __init__(self, field: str = "current_password") -> None:
        message = "is not your present password"
        super().__init__(f"body.{field}: {message}", errors=(FieldError(f"body.{field}", "wrong", message),))


class CrossSite(Forbidden):
    """A browser sent a changing request that did not come from our own pages."""

    code, title = "CROSS_SITE", "Cross-site request refused"


class SlugTaken(Conflict):
    """Another organisation has this handle."""

    code, title = "ORGANIZATION_EXISTS", "The organisation's handle is taken"


class SetupRefused(Forbidden):
    """The set-up link is unknown, used up or too old; or the installation is set up already."""

    code, title = "SETUP_REFUSED", "Set-up refused"

    def __init__(self) -> None:
        super().__init__("The set-up link is not or no longer good. Starting the server again prints a new one.")


class UserExists(UniqueViolation):
    """The address belongs to a user of the organisation."""

    code, title = "USER_EXISTS", "The user exists"


class ApiKeyNotFound(NotFound):
    """There is no such key, or it has ended."""

    code, title = "API_KEY_NOT_FOUND", "API key not found"


class NotAService(Conflict):
    """A key was asked for in the place of a person, who makes their own."""

    code, title = "NOT_A_SERVICE_ACCOUNT", "Not a service account"


class OwnNetworkExcluded(Conflict):
    """The policy would shut out the one who sets it."""

    code, title = "OWN_NETWORK_EXCLUDED", "The networks do not hold your own address"


class OrganizationNotFound(NotFound):
    """There is no such organisation in the installation."""

    code, title = "ORGANIZATION_NOT_FOUND", "Organisation not found"


class OrganizationState(Conflict):
    """The organisation is not in the state that this asks for."""

    code, title = "ORGANIZATION_STATE", "Not possible in the organisation's state"


class EmergencyAccessNotFound(NotFound):
    """There is no such emergency access, or it has ended."""

    code, title = "EMERGENCY_ACCESS_NOT_FOUND", "Emergency access not found"


class WithoutSecondFactor(Forbidden):
    """Emergency access asks for a session that was opened or confirmed with a second factor."""

    code, title = "WITHOUT_SECOND_FACTOR", "Opened without a second factor"


class ImpersonationRefused(Forbidden):
    """The user holds rights that the one who would act in their place lacks, or is themselves."""

    code, title = "IMPERSONATION_REFUSED", "Not in this user's place"


class WrongCode(Forbidden):
    """The code of the authenticator, or the recovery code, is wrong or was used before."""

    code, title, refusal = "WRONG_CODE", "Wrong code", False

    def __init__(self, field: str = "code") -> None:
        message = "is wrong, too old, or was used before"
        super().__init__(f"body.{field}: {message}", errors=(FieldError(f"body.{field}", "wrong", message),))


class SecondFactorNeeded(Forbidden):
    """Only the password was shown, by a user who has a second factor."""

    code, title, refusal = "SECOND_FACTOR_NEEDED", "Second factor needed", False

    def __init__(self) -> None:
        message = "is needed: you have a second factor"
        super().__init__(f"body.code: {message}", errors=(FieldError("body.code", "needed", message),))


class SecondFactorExists(Conflict):
    """The user has an authenticator already; it is removed before another one takes its place."""

    code, title = "SECOND_FACTOR_EXISTS", "There is a second factor already"


class NoSecondFactor(Conflict):
    """The user has no authenticator, or none that waits to be confirmed."""

    code, title = "NO_SECOND_FACTOR", "There is no second factor"


class CodeRefused(Unauthenticated):
    """The code that a sign-in waited for is wrong or was used before; the sign-in still waits."""

    code, title = "CODE_REFUSED", "Code refused"

    def __init__(self) -> None:
        super().__init__("The code is wrong, too old, or was used before.")


class SignInOver(Unauthenticated):
    """The sign-in that waited for a second factor is unknown, over, or was ended by wrong codes."""

    code, title = "SIGN_IN_OVER", "Sign in again"

    def __init__(self) -> None:
        super().__init__("This sign-in is over. Begin again with your password.")


class ResetRefused(Forbidden):
    """The link for a new password is unknown, used, too old, or its account may not be entered."""

    code, title = "RESET_REFUSED", "Link refused"

    def __init__(self) -> None:
        message = "is not or no longer good; ask for a new link"
        super().__init__(f"body.token: {message}", errors=(FieldError("body.token", "refused", message),))


class LastAdministrator(Conflict):
    """Nobody else would administer the organisation: it keeps one active user who is Admin everywhere, without end.

    Neither the role may have an end nor, where the user is an employee, the employment.
    """

    code, title = "LAST_ADMINISTRATOR", "The last administrator"


class OwnAccount(Conflict):
    """Nobody deletes themselves, or changes their own address as an administrator."""

    code, title = "OWN_ACCOUNT", "Not on your own account"


class OwnRoles(Forbidden):
    """Nobody gives themselves a role, or a longer one."""

    code, title = "OWN_ROLES", "Your own roles are given by others"


class MoreRights(Forbidden):
    """What is given, changed or taken away holds rights that the actor does not hold in the whole organisation."""

    code, title = "MORE_RIGHTS", "More rights than your own"


class NotInvited(Conflict):
    """The user has chosen a password, or may not enter."""

    code, title = "NOT_INVITED", "The user is not invited"


class InvitationOpen(Conflict):
    """An invited user becomes active by choosing a password, not otherwise."""

    code, title = "INVITATION_OPEN", "The invitation was not accepted yet"


class LinkRefused(Forbidden):
    """A one-time link is unknown, used, replaced by a newer one, or too old."""

    code, title, refusal = "LINK_REFUSED", "The link is not or no longer good", False

    def __init__(self) -> None:
        message = "is not or no longer good; ask for a new link"
        super().__init__(f"body.token: {message}", errors=(FieldError("body.token", "refused", message),))


class CannotReset(Conflict):
    """The user is not active or has no address: no link can be sent."""

    code, title = "CANNOT_RESET", "No link can be sent"


class UserNotDeleted(Conflict):
    """Only a deleted user can be restored."""

    code, title = "USER_NOT_DELETED", "The user is not deleted"


class RoleNotFound(NotFound):
    """There is no such role in this organisation."""

    code, title = "ROLE_NOT_FOUND", "Role not found"


class RoleInUse(Conflict):
    """Somebody holds the role."""

    code, title = "ROLE_IN_USE", "The role is in use"


class RoleNotDeleted(Conflict):
    """Only a deleted role can be restored."""

    code, title = "ROLE_NOT_DELETED", "The role is not deleted"


class RoleNameTaken(UniqueViolation):
    """A role of this name exists, be it a built-in one."""

    code, title = "ROLE_NAME_TAKEN", "The role's name is taken"

    def __init__(self) -> None:
        message = "is taken"
        super().__init__(f"body.name: {message}", errors=(FieldError("body.name", "taken", message),))


class TooManyRoles(Conflict):
    """An organisation has two hundred roles of its own at most."""

    code, title = "TOO_MANY_ROLES", "Too many roles"


class AssignmentNotFound(NotFound):
    """The user has no such role, or it has ended."""

    code, title = "ASSIGNMENT_NOT_FOUND", "The user does not hold this role"


class PreferenceNotFound(NotFound):
    """Nothing is known by this name, or nothing was chosen."""

    code, title = "PREFERENCE_NOT_FOUND", "Preference not found"


class ImportRefused(Invalid):
    """A file of users has faults; nothing of it was taken."""

    code, title = "USERS_NOT_IMPORTED", "Nothing was imported"
    most_faults = 1000
