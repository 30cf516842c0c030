"""Renewing tokens."""

from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.errors import TokenRefused
from holdfast.core.identity.facts import SessionRefreshed, TokenReused
from holdfast.core.identity.models import Session
from holdfast.core.identity.queries import Standing
from holdfast.core.identity.service.desk import Desk, desk_of
from holdfast.core.identity.service.entering import may_enter
from holdfast.core.identity.service.opening import Opened, access_of, refresh_row
from holdfast.core.identity.service.policy import Lengths
from holdfast.core.identity.service.tokens import REFRESH_PREFIX, Address
from holdfast.kernel.crypto import digest, mac, same
from holdfast.kernel.permissions import SYSTEM, Actor, verb
from holdfast.kernel.work import Gate, Work

RETRY_SECONDS = 30


@verb("identity.session.refresh", access="public", writes=True)
async def refresh(gate: Gate, *, refresh_token: str) -> Opened:
    """Exchange a refresh token for its one successor; raise TokenRefused.

    A retry within 30 seconds gets the same successor while that is unused (RFC 9700, 4.14.2: a lost response must not
    sign anyone out); any other reuse ends the session.
    """
    desk = desk_of(gate.works)
    address = Address.parse(refresh_token.removeprefix(REFRESH_PREFIX)) if refresh_token[:4] == REFRESH_PREFIX else None
    await desk.take_turn(gate, account=None)
    user_id = None if address is None else await _bearer_of(gate, address)
    if address is None or user_id is None:
        raise TokenRefused
    await desk.count_account(str(user_id))
    async with gate.works.begin(address.tenant_id, SYSTEM, request=gate.request) as work:
        opened = await _renew(work, desk, address)
    if opened is None:
        raise TokenRefused
    return opened


async def _bearer_of(gate: Gate, address: Address) -> UUID | None:
    """Return whose refresh token this is, None where it is nobody's; whether it is still good is judged later."""
    async with gate.works.begin(address.tenant_id, SYSTEM, write=False, request=gate.request) as work:
        row = await queries.find_refresh_token(work, token_id=address.row_id)
        if row is None or not same(row.secret_hash, digest(address.secret)):
            return None
        session = await queries.find_session(work, session_id=row.session_id)
        return None if session is None else session.user_id


async def _renew(work: Work, desk: Desk, address: Address) -> Opened | None:
    """Rotate a refresh token; None refuses, and what was found out (a reuse) is committed all the same."""
    now = work.now()
    row = await queries.find_refresh_token(work, token_id=address.row_id)
    if row is None or not same(row.secret_hash, digest(address.secret)):
        return None
    session = await queries.find_session(work, session_id=row.session_id, lock=True)
    if session is None or session.user_id is None or session.revoked_at is not None or session.expires_at <= now:
        return None
    user = await may_enter(work, session.user_id)
    if user is None:
        return None
    work.act_as(Actor("user", user.id, session.id))
    # The successor's secret follows from the old one, so that a retry can be given the same token again.
    successor = Address(work.tenant_id, work.new_id(), mac(desk.keys.tokens, address.secret))
    won = await queries.use_refresh_token(
        work, token_id=row.id, secret_hash=row.secret_hash, successor_id=successor.row_id, now=now
    )
    if won:
        session.last_seen_at = now
        session.idle_expires_at = min(now + Lengths.of(work.settings, user).token_idle, session.expires_at)
        work.session.add(refresh_row(successor, session, now))
        work.record(SessionRefreshed(entity=session))
        return Opened(user, session, access_of(work, desk, session), REFRESH_PREFIX + successor.text())
    return await _retry_or_revoke(work, desk, address, session, user)


async def _retry_or_revoke(work: Work, desk: Desk, address: Address, session: Session, user: Standing) -> Opened | None:
    now = work.now()
    row = await queries.find_refresh_token(work, token_id=address.row_id)
    if row is None or row.used_at is None or row.successor_id is None:
        return None  # expired, never used
    successor = await queries.find_refresh_token(work, token_id=row.successor_id)
    if (now - row.used_at).total_seconds() <= RETRY_SECONDS and successor is not None and successor.used_at is None:
        again = Address(work.tenant_id, successor.id, mac(desk.keys.tokens, address.secret))
        return Opened(user, session, access_of(work, desk, session), REFRESH_PREFIX + again.text())
    session.revoked_at, session.revoked_reason = now, "token_reused"
    work.record(TokenReused(entity=session))
    return None
