"""Who may do what to whom, as pure functions."""

import functools
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from uuid import UUID

from holdfast.core.identity.errors import (
    ImpersonationRefused,
    LastAdministrator,
    MoreRights,
    OrganizationState,
    OwnAccount,
    OwnRoles,
    OwnStatus,
    WeakPassword,
)
from holdfast.core.identity.models import UserKind, UserStatus
from holdfast.core.identity.schemas import GONE, TenantStatus
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.errors import FieldError, Invalid
from holdfast.kernel.permissions import Actor, Permission, Verdict
from holdfast.kernel.tenancy import SYSTEM_TENANT

LONGEST_KEY = timedelta(days=365)
ROLES = ("Admin", "Operator", "User", "Viewer", "Auditor")
ADMIN = ROLES[0]


def table_of_roles(permissions: Sequence[Permission]) -> Mapping[str, frozenset[str]]:
    """Return the role × permission table that the installed apps declare."""
    return {role: frozenset(each.name for each in permissions if role in each.roles) for role in ROLES}


def can_change_status(actor: Actor, user_id: UUID) -> Verdict:
    """Answer OwnStatus for one's own status."""
    return OwnStatus() if actor.id == user_id else None


def can_turn(tenant_id: UUID, present: TenantStatus, wanted: TenantStatus) -> Verdict:
    """Answer OrganizationState for the operators' own organisation, and where it is in that state already."""
    if tenant_id == SYSTEM_TENANT:
        return OrganizationState("The operators' own organisation stays open.")
    if present is wanted:
        return OrganizationState(f"The organisation is {present} already.")
    return can_be_worked_on(present)


def can_be_worked_on(present: TenantStatus) -> Verdict:
    """Answer OrganizationState where an organisation's data are going or gone."""
    gone = present in GONE
    return OrganizationState(f"The organisation is {present}: its data are not there any more.") if gone else None


def can_be_purged(tenant_id: UUID, present: TenantStatus, after: datetime | None, now: datetime) -> Verdict:
    """Answer OrganizationState for one that was not deleted, before its day, and where nothing is left."""
    if tenant_id == SYSTEM_TENANT:
        return OrganizationState("The operators' own organisation stays.")
    if present is TenantStatus.DELETED:
        return OrganizationState("The organisation is deleted already: nothing of it is left but its trail.")
    if present is TenantStatus.PURGING:
        return None
    if present is not TenantStatus.DELETING or after is None:
        return OrganizationState(f"The organisation is {present}. Delete it first: that begins its waiting time.")
    return None if after <= now else OrganizationState(f"The organisation waits until {rfc3339(after)}.")


def can_be_off(names: Sequence[str], applications: Sequence[str]) -> Verdict:
    """Answer Invalid naming the first that is none of the applications that can be switched off."""
    for at, name in enumerate(names):
        if name not in applications:
            allowed = f"must be one of {', '.join(applications)}" if applications else "no application is installed"
            return Invalid.field(f"body.off[{at}]", "not_an_application", allowed)
    return None


def can_be_entered(tenant_id: UUID, present: TenantStatus) -> Verdict:
    """Answer OrganizationState for the operators' own organisation and for one that is shut."""
    if tenant_id == SYSTEM_TENANT:
        return OrganizationState("Operators enter their own organisation by signing in.")
    return None if present is TenantStatus.ACTIVE else OrganizationState(f"The organisation is {present}.")


def can_impersonate(actor: Actor, user_id: UUID, status: UserStatus, held: frozenset[str]) -> Verdict:
    """Answer ImpersonationRefused for oneself, for who cannot sign in, and for who may what the actor may not."""
    if actor.id == user_id:
        return ImpersonationRefused("You are this user.")
    if status is not UserStatus.ACTIVE:
        return ImpersonationRefused(f"The user is {status}.")
    more = sorted(held - actor.permissions)
    return ImpersonationRefused(f"The user holds {more[0]}, which you do not.") if more else None


def can_be_scopes(scopes: Sequence[str] | None, held: frozenset[str]) -> Verdict:
    """Answer Invalid naming the first scope of an API key that its maker lacks, or that there is none of."""
    for at, scope in enumerate(scopes or ()):
        if scope not in held:
            return Invalid.field(f"body.scopes[{at}]", "not_held", "must be a permission that you hold")
    return None


def can_expire(expires_at: datetime, now: datetime) -> Verdict:
    """Answer Invalid for the end of an API key that is past or more than 365 days away."""
    if expires_at <= now:
        return Invalid.field("body.expires_at", "past", "must lie ahead")
    if expires_at > now + LONGEST_KEY:
        return Invalid.field("body.expires_at", "too_late", f"must be at most {LONGEST_KEY.days} days away")
    return None


def can_delete_user(actor: Actor, user_id: UUID) -> Verdict:
    """Answer OwnAccount for one's own."""
    return OwnAccount("Another administrator has to delete your account.") if actor.id == user_id else None


def can_have_email(kind: UserKind, email: str | None) -> Verdict:
    """Answer Invalid for a person without an address and for a program with one."""
    if kind is UserKind.PERSON and email is None:
        return Invalid.field("body.email", "missing", "a person has an address")
    if kind is UserKind.SERVICE and email is not None:
        return Invalid.field("body.email", "unexpected", "the account of a program has no address")
    return None


def can_hold(actor: Actor, permissions: Iterable[str], *, locations: Mapping[str, str] | None = None) -> Verdict:
    """Answer MoreRights where the actor does not hold every one of the permissions in the whole organisation.

    `locations` tell where in the request each stands, where it does.
    """
    lacking = sorted(each for each in permissions if not actor.may(each))
    if not lacking:
        return None
    at = locations or {}
    more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
    faults = [FieldError(at[each], "lacking", f"{each} is not among your rights") for each in lacking if each in at]
    return MoreRights(f"You do not hold {', '.join(lacking[:3])}{more} in the whole organisation.", errors=faults)


def can_leave(lasting: Mapping[UUID, UUID | None], places: Mapping[UUID, str]) -> Verdict:
    """Answer LastAdministrator, naming the places, where nobody who administers without an end would be left.

    `lasting` are those who do, each with their person; `places` are the people who leave.
    """
    last = [person_id for person_id in lasting.values() if person_id is not None and person_id in places]
    if not last or len(last) < len(lasting):
        return None
    message = "nobody else is an active Admin of the whole organisation without an end"
    faults = [FieldError(places[person_id], "last_administrator", message) for person_id in last]
    return LastAdministrator(f"{faults[0].location}: {message}", errors=faults)


def can_change_end(actor: Actor, user_id: UUID, *, before: datetime | None, after: datetime | None) -> Verdict:
    """Answer OwnRoles for who would hold a role of their own for longer."""
    longer = after is None or (before is not None and after > before)
    return OwnRoles() if actor.id == user_id and longer else None


def can_be_password(password: str, *, minimum: int, context: Sequence[str], field: str = "password") -> Verdict:
    """Answer WeakPassword for one too short, too long, common, or made of the names around it (NIST SP 800-63B-4).

    Also for one that cannot be sent to sign in: no request holds a NUL character or half a surrogate pair.
    """
    fault = None
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in password):
        fault = "must be text without NUL characters"
    elif len(password) < minimum:
        fault = f"must have at least {minimum} characters"
    elif len(password.encode()) > 1024:
        fault = "must have at most 1024 bytes"
    elif len(set(password)) < 5:
        fault = "must have at least five different characters"
    else:
        plain = unicodedata.normalize("NFKC", password).casefold()
        if plain in common_passwords():
            fault = "is one that many people use"
        elif any(len(word) >= 4 and word.casefold() in plain for word in context):
            fault = "must not contain your name, your address, the organisation's name or the product's"
    if fault is None:
        return None
    return WeakPassword(f"The password {fault}.", errors=(FieldError(f"body.{field}", "weak_password", fault),))


@functools.cache
def common_passwords() -> frozenset[str]:
    """Return the passwords of eight and more characters that are guessed first, in small letters."""
    listed = files("holdfast.core.identity") / "data" / "common_passwords.txt"
    return frozenset(listed.read_text(encoding="utf-8").splitlines())
