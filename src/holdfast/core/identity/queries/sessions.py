"""Statements on sessions and refresh tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, select, update

from holdfast.core.identity.models import RefreshToken, Session, SessionKind
from holdfast.core.identity.schemas import SessionOut
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Moment
from holdfast.kernel.work import Work


async def find_session(work: Work, *, session_id: UUID, lock: bool = False) -> Session | None:
    """Return a session row, whatever its state."""
    statement = select(Session).where(Session.id == session_id)
    found: Session | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


class SessionList(ListParameters):
    """How a list of sessions is paged; the latest sign-in comes first."""


class SessionsOf(SessionList):
    """Whose sessions, and when they have to be alive."""

    user_id: UUID
    alive_at: Moment


SESSIONS = HotList(
    "identity.sessions",
    Session,
    columns={name: getattr(Session, name) for name in SessionOut.model_fields if name != "current"},
    sorts={"signed_in_at": Session.signed_in_at, "last_seen_at": Session.last_seen_at},
    default_sort="-signed_in_at",
    filters={
        "user_id": lambda value: Session.user_id == value,
        "alive_at": lambda value: (Session.expires_at > value) & (Session.idle_expires_at > value),
    },
    where=(Session.revoked_at.is_(None), Session.kind != SessionKind.API_KEY),
)


API_KEYS = HotList(
    "identity.api_keys",
    Session,
    columns={
        "id": Session.id,
        "label": Session.label,
        "scopes": Session.scopes,
        "networks": Session.networks,
        "created_at": Session.signed_in_at,
        "last_used_at": Session.last_seen_at,
        "expires_at": Session.expires_at,
        "replaces_id": Session.replaces_id,
    },
    sorts={"created_at": Session.signed_in_at, "expires_at": Session.expires_at, "last_used_at": Session.last_seen_at},
    default_sort="-created_at",
    filters={
        "user_id": lambda value: Session.user_id == value,
        "alive_at": lambda value: Session.expires_at > value,
    },
    where=(Session.revoked_at.is_(None), Session.kind == SessionKind.API_KEY),
)


async def list_live_sessions(work: Work, *, user_id: UUID, keys: bool = False, lock: bool = False) -> Sequence[Session]:
    """Return the sessions of a user that are neither ended nor over, oldest first; with `keys` the API keys too."""
    statement = (
        select(Session)
        .where(Session.user_id == user_id, Session.revoked_at.is_(None), Session.expires_at > work.now())
        .order_by(Session.id)
    )
    if not keys:
        statement = statement.where(Session.kind != SessionKind.API_KEY)
    return (await work.session.scalars(statement.with_for_update() if lock else statement)).all()


async def was_here(work: Work, *, user_id: UUID, ip: str | None, user_agent: str | None) -> bool:
    """Tell whether a user ever opened a session of tokens from this address with this program."""
    statement = select(Session.id).where(
        Session.user_id == user_id,
        Session.kind == SessionKind.TOKEN,
        Session.ip == ip,
        Session.user_agent == user_agent,
    )
    return await work.session.scalar(statement.limit(1)) is not None


async def find_refresh_token(work: Work, *, token_id: UUID) -> RefreshToken | None:
    """Return a refresh token's row, read anew."""
    statement = select(RefreshToken).where(RefreshToken.id == token_id).execution_options(populate_existing=True)
    found: RefreshToken | None = await work.session.scalar(statement)
    return found


async def use_refresh_token(
    work: Work, *, token_id: UUID, secret_hash: bytes, successor_id: UUID, now: datetime
) -> bool:
    """Mark a refresh token as used if nobody did before: compare-and-set, so that one of many wins."""
    statement = (
        update(RefreshToken)
        .where(
            RefreshToken.id == token_id,
            RefreshToken.secret_hash == secret_hash,
            RefreshToken.used_at.is_(None),
            RefreshToken.expires_at > now,
        )
        .values(used_at=now, successor_id=successor_id)
    )
    result = await work.session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount == 1


async def touch_session(work: Work, *, session_id: UUID, seen: datetime, idle_expires: datetime) -> None:
    """Note that a session was used; only its untracked columns change."""
    session = await find_session(work, session_id=session_id, lock=True)
    if session is not None and session.revoked_at is None and session.last_seen_at < seen:
        session.last_seen_at = seen
        if session.kind is SessionKind.COOKIE:
            session.idle_expires_at = min(idle_expires, session.expires_at)
