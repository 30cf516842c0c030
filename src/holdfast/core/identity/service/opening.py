"""Opening a session, and what carries it."""

from dataclasses import dataclass, replace
from datetime import datetime

from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import RefreshToken, Session, SessionKind, User
from holdfast.core.identity.queries import Standing
from holdfast.core.identity.schemas import CookieSession, Tokens, UserBrief
from holdfast.core.identity.service.desk import Desk, desk_of
from holdfast.core.identity.service.devices import Device, agent_of, set_cookie
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.policy import Lengths
from holdfast.core.identity.service.tokens import REFRESH_PREFIX, Address
from holdfast.kernel.crypto import digest, new_secret
from holdfast.kernel.permissions import Actor
from holdfast.kernel.work import Work


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A session that was just opened or renewed, and what carries it; `device` is the cookie of a known browser."""

    user: User | Standing
    session: Session
    access_token: str = ""
    refresh_token: str = ""
    cookie: str = ""
    device: str = ""


# lint: allow verb – the last step of verbs that recognise a user
async def enter(
    work: Work,
    *,
    standing: Standing,
    kind: SessionKind,
    device: Device,
    known: bool,
    second_factor: bool = False,
) -> Opened:
    """Open a session for a user who showed all that is asked, record it, and tell them where it was somewhere new."""
    desk = desk_of(work.house)
    lengths = Lengths.of(work.settings, standing)
    opened = open_session(work, desk, user=standing, kind=kind, lengths=lengths, second_factor=second_factor)
    work.record(SignedIn(entity=opened.session))
    if not known:
        await notify(work, standing, "new_sign_in")
    if kind is not SessionKind.COOKIE:
        return opened
    return replace(opened, device=device.knowing(desk.keys, work.tenant_id, standing.id).text())


def open_session(
    work: Work,
    desk: Desk,
    *,
    user: User | Standing,
    kind: SessionKind,
    lengths: Lengths | None = None,
    second_factor: bool = False,
) -> Opened:
    """Add a session row for a recognised user and return what carries it; the caller records the fact.

    Without `lengths` it lasts as long as the installation says.
    """
    now, secret = work.now(), new_secret()
    lengths = lengths or Lengths.of(work.settings, None)
    cookie = kind is SessionKind.COOKIE
    absolute = now + (lengths.cookie_most if cookie else lengths.token_most)
    idle = now + (lengths.cookie_idle if cookie else lengths.token_idle)
    session = Session(
        id=work.new_id(),
        user_id=user.id,
        kind=kind,
        secret_hash=digest(secret),
        signed_in_at=now,
        verified_at=now,
        second_factor=second_factor,
        last_seen_at=now,
        idle_expires_at=min(idle, absolute),
        expires_at=absolute,
        ip=work.request.ip,
        user_agent=agent_of(work.request),
    )
    work.session.add(session)
    work.act_as(Actor("user", user.id, session.id))
    if cookie:
        return Opened(user, session, cookie=Address(work.tenant_id, session.id, secret).text())
    token = Address(work.tenant_id, work.new_id(), secret)
    work.session.add(refresh_row(token, session, now))
    return Opened(user, session, access_of(work, desk, session), REFRESH_PREFIX + token.text())


def refresh_row(address: Address, session: Session, now: datetime) -> RefreshToken:
    """Return the row of a refresh token of a session."""
    return RefreshToken(
        id=address.row_id,
        session_id=session.id,
        secret_hash=digest(address.secret),
        issued_at=now,
        expires_at=session.idle_expires_at,
    )


def access_of(work: Work, desk: Desk, session: Session) -> str:
    """Return an access token of a session."""
    assert session.user_id is not None
    return desk.tokens.issue(tenant_id=work.tenant_id, user_id=session.user_id, session_id=session.id, now=work.now())


def tokens_of(opened: Opened, desk: Desk) -> Tokens:
    """Return what a program gets."""
    return Tokens(
        access_token=opened.access_token,
        refresh_token=opened.refresh_token,
        expires_in=desk.tokens.seconds,
        user=UserBrief.model_validate(opened.user),
    )


def cookie_session_of(opened: Opened, desk: Desk) -> CookieSession:
    """Return what a browser gets beside its cookie."""
    return CookieSession(user=UserBrief.model_validate(opened.user), csrf_token=desk.csrf_token(opened.session.id))


def cookies_of(opened: Opened, desk: Desk) -> tuple[str, str]:
    """Return the Set-Cookie texts of a browser's session, and of that by which it is known the next time."""
    return desk.cookie.carrying(opened.cookie), set_cookie(desk.cookie, opened.device)
