"""Who may do what to whom, as pure functions."""

import functools
import unicodedata
from collections.abc import Mapping, Sequence
from importlib.resources import files
from uuid import UUID

from holdfast.core.identity.errors import OwnStatus, WeakPassword
from holdfast.kernel.errors import FieldError
from holdfast.kernel.permissions import Actor, Permission, Verdict

ROLES = ("Admin", "Operator", "User", "Viewer", "Auditor")
ADMIN = ROLES[0]


def table_of_roles(permissions: Sequence[Permission]) -> Mapping[str, frozenset[str]]:
    """Return the role × permission table that the installed apps declare."""
    return {role: frozenset(each.name for each in permissions if role in each.roles) for role in ROLES}


def can_change_status(actor: Actor, user_id: UUID) -> Verdict:
    """Answer OwnStatus for one's own status."""
    return OwnStatus() if actor.id == user_id else None


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
