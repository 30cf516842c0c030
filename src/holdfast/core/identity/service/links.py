"""One-time links: an invitation, a new password, a new address. Only a hash is kept; the newest alone is good."""

from datetime import timedelta

from holdfast.core.identity import queries
from holdfast.core.identity.models import Purpose, User, UserToken
from holdfast.core.identity.service.tokens import Address
from holdfast.kernel.crypto import digest, new_secret, same
from holdfast.kernel.settings import Settings
from holdfast.kernel.work import Work

PREFIX = "hfl_"
VALID = {
    Purpose.INVITATION: timedelta(days=7),
    Purpose.PASSWORD_RESET: timedelta(minutes=30),
    Purpose.EMAIL_CHANGE: timedelta(hours=24),
}


def read_link(text: str) -> Address | None:
    """Return what the secret of a link points at, None where it is none."""
    return Address.parse(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else None


# lint: allow verb – a step of verbs that send a link
async def issue_link(work: Work, *, user: User, purpose: Purpose, email: str | None = None) -> str:
    """Return the secret of a new link of a user, whose row the caller has locked; earlier ones of the purpose end."""
    await end_links(work, user=user, purpose=purpose)
    secret = new_secret()
    row = UserToken(
        id=work.new_id(),
        user_id=user.id,
        purpose=purpose,
        secret_hash=digest(secret),
        email=email,
        expires_at=work.now() + VALID[purpose],
    )
    work.session.add(row)
    return PREFIX + Address(work.tenant_id, row.id, secret).text()


# lint: allow verb – a step of verbs that take a link
async def find_link(work: Work, *, address: Address, purpose: Purpose, lock: bool = False) -> UserToken | None:
    """Return the link that an address points at while it is good: unused, in time, for this purpose.

    Who uses it sets `used_at`, after locking the user's row and then the link's.
    """
    row = await queries.find_user_token(work, token_id=address.row_id, lock=lock)
    if row is None or row.purpose is not purpose or not same(row.secret_hash, digest(address.secret)):
        return None
    return row if row.used_at is None and row.expires_at > work.now() else None


# lint: allow verb – a step of verbs after which an open link must not be good any more
async def end_links(work: Work, *, user: User, purpose: Purpose | None = None) -> None:
    """End the open links of a user, of one purpose or of all."""
    for row in await queries.list_open_user_tokens(work, user_id=user.id):
        if purpose is None or row.purpose is purpose:
            row.used_at = work.now()


def link_to(settings: Settings, page: str, token: str) -> str:
    """Return the address of a page with the secret in its fragment, which no browser sends and no log keeps."""
    base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    return f"{base}/console/{page}#token={token}"
