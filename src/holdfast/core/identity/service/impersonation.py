"""Acting in a user's place, to see what they see: both stand in every entry, and credentials stay out of reach."""

from datetime import timedelta
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.facts import ImpersonationStarted
from holdfast.core.identity.models import Session, SessionKind
from holdfast.core.identity.schemas import ImpersonationGrant
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.rights import rights_of
from holdfast.kernel.crypto import digest, new_secret
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.work import Work


@verb("identity.user.impersonate", writes=True, personal=True, step_up=True)
async def impersonate(work: Work, *, user_id: UUID, reason: str, minutes: int) -> ImpersonationGrant:
    """Open an access token in a user's place, with the rights that both hold, for some minutes.

    It ends with either's access. Raises UserNotFound, ImpersonationRefused for oneself and for who holds rights that
    the caller lacks.
    """
    user = await queries.get_user(work, user_id=user_id, lock=True)
    actor_id, own_session = work.actor.id, work.actor.session_id
    assert actor_id is not None, "only the signed in come here"
    assert own_session is not None, "only the signed in come here"
    enforce(guards.can_impersonate(work.actor, user_id, user.status, await rights_of(work, user_id=user_id)))
    now, expires_at = work.now(), work.now() + timedelta(minutes=minutes)
    session = Session(
        id=work.new_id(),
        user_id=user.id,
        kind=SessionKind.TOKEN,
        secret_hash=digest(new_secret()),
        signed_in_at=now,
        last_seen_at=now,
        idle_expires_at=expires_at,
        expires_at=expires_at,
        ip=work.request.ip,
        user_agent=(work.request.user_agent or "")[:300] or None,
        impersonator_id=actor_id,
        parent_id=own_session,
        reason=reason,
    )
    work.session.add(session)
    work.record(ImpersonationStarted(entity=session, reason=reason))
    tokens = desk_of(work.house).tokens
    token = tokens.issue(tenant_id=work.tenant_id, user_id=user.id, session_id=session.id, now=now, until=expires_at)
    return ImpersonationGrant(session_id=session.id, user_id=user.id, expires_at=expires_at, access_token=token)
