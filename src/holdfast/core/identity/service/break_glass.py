"""Emergency access: an operator enters one organisation, for a reason, for at most an hour, and both trails tell of it.

Its root is a row in the operators' organisation: ending that, the operator's own session or the operator's right ends
it on the next request.
"""

from datetime import timedelta
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import EmergencyAccessNotFound, WithoutSecondFactor
from holdfast.core.identity.facts import (
    EmergencyAccessEnded,
    EmergencyAccessOpened,
    OperatorAdmitted,
    OperatorDismissed,
)
from holdfast.core.identity.models import BreakGlass, Session, SessionKind
from holdfast.core.identity.schemas import BreakGlassGrant, BreakGlassOut, TenantStatus
from holdfast.core.identity.service.credentials import Profile
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.crypto import digest, new_secret
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.schemas import Meta, Page
from holdfast.kernel.work import Work


@verb("platform.break_glass.open", writes=True, personal=True, step_up=True)
async def open_break_glass(work: Work, *, organization_id: UUID, reason: str, minutes: int) -> BreakGlassGrant:
    """Open an access token for an organisation, with its administrators' rights, for some minutes.

    Raises OrganizationNotFound, OrganizationState, and WithoutSecondFactor for a session without one (but in the demo).
    """
    profile = work.presence.profile if work.presence else None
    confirmed = isinstance(profile, Profile) and profile.second_factor
    if not confirmed and not work.settings.demo:
        raise WithoutSecondFactor("Sign in or confirm with your second factor first.")
    tenant = await queries.get_tenant_by_id(work, tenant_id=organization_id, lock=True)
    enforce(guards.can_be_entered(tenant.id, TenantStatus(tenant.status)))
    operator_id, own_session = work.actor.id, work.actor.session_id
    assert operator_id is not None, "only the signed in come here"
    assert own_session is not None, "only the signed in come here"
    now, expires_at, session_id = work.now(), work.now() + timedelta(minutes=minutes), work.new_id()
    access = BreakGlass(
        id=work.new_id(),
        operator_id=operator_id,
        target_id=tenant.id,
        target_slug=tenant.slug,
        operator_session_id=own_session,
        session_id=session_id,
        reason=reason,
        opened_at=now,
        expires_at=expires_at,
    )
    work.session.add(access)
    work.record(EmergencyAccessOpened(entity=access, reason=reason))
    async with work.beside(tenant.id) as there:
        session = Session(
            id=session_id,
            kind=SessionKind.TOKEN,
            secret_hash=digest(new_secret()),
            signed_in_at=now,
            verified_at=now,
            second_factor=confirmed,
            last_seen_at=now,
            idle_expires_at=expires_at,
            expires_at=expires_at,
            ip=work.request.ip,
            user_agent=(work.request.user_agent or "")[:300] or None,
            operator_id=operator_id,
            parent_id=own_session,
            reason=reason,
        )
        there.session.add(session)
        there.record(OperatorAdmitted(entity=session, reason=reason))
    token = desk_of(work.house).tokens.issue(
        tenant_id=tenant.id, user_id=operator_id, session_id=session_id, now=now, until=expires_at
    )
    return BreakGlassGrant(**_shown(access), access_token=token)


@verb("platform.break_glass.open", writes=True, personal=True)
async def end_break_glass(work: Work, *, access_id: UUID) -> None:
    """End an emergency access, refused from the next request on; raise EmergencyAccessNotFound."""
    access = await queries.get_break_glass(work, access_id=access_id)
    if access.ended_at is not None or access.expires_at <= work.now():
        raise EmergencyAccessNotFound
    access.ended_at = work.now()
    work.record(EmergencyAccessEnded(entity=access))
    async with work.beside(access.target_id) as there:
        session = await queries.find_session(there, session_id=access.session_id, lock=True)
        if session is not None and session.revoked_at is None:
            session.revoked_at, session.revoked_reason = there.now(), "ended_by_operator"
            there.record(OperatorDismissed(entity=session))


@verb("platform.break_glass.read", sensitive=True)
async def list_break_glass(work: Work, params: queries.BreakGlassList) -> Page[BreakGlassOut]:
    """Return one page of emergency accesses, the latest first."""
    rows, meta = await queries.BREAK_GLASS.rows_and_meta(work, params)
    return Page[BreakGlassOut](data=[BreakGlassOut(**row) for row in rows], meta=Meta.model_validate(meta))


@verb("platform.break_glass.read", sensitive=True)
async def read_break_glass(work: Work, *, access_id: UUID) -> BreakGlass:
    """Return an emergency access; raise EmergencyAccessNotFound."""
    return await queries.get_break_glass(work, access_id=access_id)


def _shown(access: BreakGlass) -> dict[str, object]:
    return {name: getattr(access, name) for name in BreakGlassOut.model_fields}
