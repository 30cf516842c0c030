"""Sessions: who is signed in where, and ending it."""

from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.errors import SessionNotFound
from holdfast.core.identity.facts import SessionRevoked
from holdfast.core.identity.models import Session, SessionKind
from holdfast.core.identity.schemas import SessionOut
from holdfast.kernel.permissions import verb
from holdfast.kernel.schemas import Meta, Page
from holdfast.kernel.work import Work


@verb("identity.session.list", access="signed_in", personal=True)
async def list_own_sessions(work: Work, params: queries.SessionList) -> Page[SessionOut]:
    """Return one page of the caller's live sessions."""
    return await _page(work, params, _caller(work))


@verb("identity.session.end", access="signed_in", personal=True, writes=True)
async def end_own_session(work: Work, *, session_id: UUID) -> None:
    """End one of the caller's sessions, also the present one; raise SessionNotFound for any other."""
    await _end(work, user_id=_caller(work), session_id=session_id, reason="ended_by_user")


@verb("identity.session.end_others", access="signed_in", personal=True, writes=True)
async def end_other_sessions(work: Work) -> int:
    """End all the caller's sessions but the present one and return how many there were."""
    user_id = _caller(work)
    return await end_sessions(work, user_id=user_id, reason="ended_by_user", but=work.actor.session_id)


@verb("identity.session.read", sensitive=True)
async def list_sessions(work: Work, params: queries.SessionList, *, user_id: UUID) -> Page[SessionOut]:
    """Return one page of a user's live sessions; raise UserNotFound."""
    await queries.get_user(work, user_id=user_id)
    return await _page(work, params, user_id)


@verb("identity.session.revoke", writes=True)
async def revoke_sessions(work: Work, *, user_id: UUID) -> int:
    """End all sessions of a user and return how many there were; raise UserNotFound."""
    return await end_sessions(work, user_id=user_id, reason="revoked")


@verb("identity.session.revoke", writes=True)
async def revoke_session(work: Work, *, user_id: UUID, session_id: UUID) -> None:
    """End one session of a user; raise UserNotFound or SessionNotFound."""
    await _end(work, user_id=user_id, session_id=session_id, reason="revoked")


# lint: allow verb – a step of verbs that end a user's access
async def end_sessions(work: Work, *, user_id: UUID, reason: str, but: UUID | None = None, keys: bool = False) -> int:
    """End the live sessions of a user but one, with `keys` the API keys too, and return how many; raise UserNotFound.

    The user's row is locked first, as signing in does: no session opens between the look and the end.
    """
    await queries.get_user(work, user_id=user_id, lock=True)
    ended = 0
    for session in await queries.list_live_sessions(work, user_id=user_id, keys=keys, lock=True):
        if session.id != but:
            _revoke(work, session, reason)
            ended += 1
    return ended


async def _end(work: Work, *, user_id: UUID, session_id: UUID, reason: str) -> None:
    await queries.get_user(work, user_id=user_id)
    session = await queries.find_session(work, session_id=session_id, lock=True)
    if session is None or session.user_id != user_id or session.revoked_at is not None:
        raise SessionNotFound
    if session.kind is SessionKind.API_KEY:
        raise SessionNotFound
    _revoke(work, session, reason)


def _revoke(work: Work, session: Session, reason: str) -> None:
    session.revoked_at, session.revoked_reason = work.now(), reason
    work.record(SessionRevoked(entity=session, reason=reason))


async def _page(work: Work, params: queries.SessionList, user_id: UUID) -> Page[SessionOut]:
    asked = queries.SessionsOf(**params.given(), user_id=user_id, alive_at=work.now())
    rows, meta = await queries.SESSIONS.rows_and_meta(work, asked)
    sessions = [SessionOut(**row, current=UUID(str(row["id"])) == work.actor.session_id) for row in rows]
    return Page[SessionOut](data=sessions, meta=Meta.model_validate(meta))


def _caller(work: Work) -> UUID:
    assert work.actor.id is not None, "only the signed in come here"
    return work.actor.id
