"""Users that a test adds to its organisation, signed in or able to."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.public import add_user, open_session
from holdfast.kernel.permissions import SYSTEM
from support import Org


@dataclass
class Caller:
    """A user with an open session."""

    id: UUID
    email: str
    access: str
    refresh: str
    session_id: UUID

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


async def add_caller(
    org: Org, *roles: str, password: str | None = None, username: str | None = None, email: str | None = None
) -> Caller:
    """Add a user with just these roles and a session; with a password they can sign in."""
    home = org.home
    email = email or f"u{uuid4().hex[:10]}@{org.slug}.test"
    hashed = None if password is None else await home.desk.passwords.hash(password)
    async with home.works.begin(org.id, SYSTEM) as work:
        user = await add_user(work, email=email, username=username, name="Someone", password_hash=hashed, roles=roles)
        await work.flush()
        opened = open_session(work, home.desk, user=user, kind=SessionKind.TOKEN)
        work.record(SignedIn(entity=opened.session))
    return Caller(user.id, email, opened.access_token, opened.refresh_token, opened.session.id)
