"""Signing in, renewing tokens, signing out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.errors import SignInRefused, TokenRefused
from holdfast.core.identity.facts import (
    PasswordRehashed,
    SessionRefreshed,
    SignedIn,
    SignedOut,
    TokenReused,
    UserStatusChanged,
)
from holdfast.core.identity.models import RefreshToken, Session, SessionKind, User, UserStatus
from holdfast.core.identity.schemas import Tokens, UserBrief
from holdfast.core.identity.service.desk import Desk, desk_of
from holdfast.core.identity.service.policy import Lengths, lengths_of
from holdfast.core.identity.service.tokens import REFRESH_PREFIX, Address
from holdfast.kernel.crypto import digest, mac, new_secret, same
from holdfast.kernel.db import NOBODY, folded
from holdfast.kernel.facts import Record
from holdfast.kernel.permissions import SYSTEM, Actor, verb
from holdfast.kernel.work import Gate, Work

RETRY_SECONDS = 30
FAILURES_UNTIL_LOCKED = 100
WRONG = "wrong name or password"


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A session that was just opened or renewed, and what carries it."""

    user: User
    session: Session
    access_token: str = ""
    refresh_token: str = ""
    cookie: str = ""


@verb("identity.session.open", access="public", writes=True)
async def sign_in(
    gate: Gate, *, name: str, password: str, organization: str | None = None, kind: SessionKind = SessionKind.TOKEN
) -> Opened:
    """Open a session for a name and a password; raise SignInRefused, alike in every case of refusal.

    The password is verified between two units of work: no transaction waits for Argon2.
    """
    desk = desk_of(gate.works)
    await desk.take_turn(gate, account=folded(name))
    tenant_id, named_id = await _find_tenant(gate, desk, name=name, organization=organization)
    async with gate.works.begin(tenant_id or NOBODY, SYSTEM, write=False, request=gate.request) as work:
        user = await queries.find_user_by_name(work, name_key=folded(name))
        stored = None if user is None else await queries.find_password(work, user_id=user.id)
    good = await desk.passwords.verify(None if stored is None else stored.hash, password)
    renewed = await desk.passwords.hash(password) if good and stored and desk.passwords.outdated(stored.hash) else None
    if tenant_id is None or user is None or stored is None or not good:
        await _refuse(gate, desk, tenant_id or named_id, user, name=name)
        raise SignInRefused
    async with gate.works.begin(tenant_id, SYSTEM, request=gate.request) as work:
        opened = await _open(work, desk, user_id=user.id, kind=kind, changed_at=stored.changed_at, renewed=renewed)
    if opened is None:
        await _refuse(gate, desk, tenant_id, user, name=name, reason="the user is not active")
        raise SignInRefused
    return opened


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


@verb("identity.session.close", access="signed_in", writes=True)
async def sign_out(work: Work) -> None:
    """End the session that the caller acts in; its tokens and cookie are dead when this commits."""
    if work.actor.session_id is None:
        raise TokenRefused
    session = await queries.find_session(work, session_id=work.actor.session_id, lock=True)
    if session is not None and session.revoked_at is None:
        session.revoked_at, session.revoked_reason = work.now(), "signed_out"
        work.record(SignedOut(entity=session))


async def _bearer_of(gate: Gate, address: Address) -> UUID | None:
    """Return whose refresh token this is, None where it is nobody's; whether it is still good is judged later."""
    async with gate.works.begin(address.tenant_id, SYSTEM, write=False, request=gate.request) as work:
        row = await queries.find_refresh_token(work, token_id=address.row_id)
        if row is None or not same(row.secret_hash, digest(address.secret)):
            return None
        session = await queries.find_session(work, session_id=row.session_id)
        return None if session is None else session.user_id


async def _find_tenant(
    gate: Gate, desk: Desk, *, name: str, organization: str | None
) -> tuple[UUID | None, UUID | None]:
    """Return the one organisation in which the name is known (None for none or several), and the one that was named."""
    async with gate.works.begin(NOBODY, SYSTEM, write=False, request=gate.request) as work:
        hashes = [desk.name_hash(name)]
        found = await queries.list_tenants_by_name(work, name_hashes=hashes, slug=organization)
        named = None if organization is None else await queries.find_tenant(work, slug=organization)
    return found[0] if len(found) == 1 else None, None if named is None else named.id


async def _open(
    work: Work, desk: Desk, *, user_id: UUID, kind: SessionKind, changed_at: datetime, renewed: str | None
) -> Opened | None:
    """Open the session, None where the user may not enter any more; everything is judged in this transaction.

    `changed_at` is that of the password that was verified: the one of now may be another.
    """
    user = await queries.find_user(work, user_id=user_id, lock=True)
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if user is None or user.status is not UserStatus.ACTIVE or password is None or password.changed_at != changed_at:
        return None
    work.act_as(Actor("user", user.id))
    password.failures = 0
    if renewed is not None:
        password.hash = renewed
        work.record(PasswordRehashed(entity=password))
    opened = open_session(work, desk, user=user, kind=kind, lengths=await lengths_of(work))
    work.record(SignedIn(entity=opened.session))
    return opened


def open_session(
    work: Work,
    desk: Desk,
    *,
    user: User,
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
        user_agent=(work.request.user_agent or "")[:300] or None,
    )
    work.session.add(session)
    work.act_as(Actor("user", user.id, session.id))
    if cookie:
        return Opened(user, session, cookie=Address(work.tenant_id, session.id, secret).text())
    token = Address(work.tenant_id, work.new_id(), secret)
    work.session.add(_refresh_row(token, session, now))
    return Opened(user, session, _access(work, desk, session), REFRESH_PREFIX + token.text())


async def _renew(work: Work, desk: Desk, address: Address) -> Opened | None:
    """Rotate a refresh token; None refuses, and what was found out (a reuse) is committed all the same."""
    now = work.now()
    row = await queries.find_refresh_token(work, token_id=address.row_id)
    if row is None or not same(row.secret_hash, digest(address.secret)):
        return None
    session = await queries.find_session(work, session_id=row.session_id, lock=True)
    user = None
    if session is not None and session.user_id is not None:
        user = await queries.find_user(work, user_id=session.user_id)
    if session is None or user is None or session.revoked_at is not None or session.expires_at <= now:
        return None
    if user.status is not UserStatus.ACTIVE or not await queries.is_tenant_active(work):
        return None
    work.act_as(Actor("user", user.id, session.id))
    # The successor's secret follows from the old one, so that a retry can be given the same token again.
    successor = Address(work.tenant_id, work.new_id(), mac(desk.keys.tokens, address.secret))
    won = await queries.use_refresh_token(
        work, token_id=row.id, secret_hash=row.secret_hash, successor_id=successor.row_id, now=now
    )
    if won:
        session.last_seen_at = now
        session.idle_expires_at = min(now + (await lengths_of(work)).token_idle, session.expires_at)
        work.session.add(_refresh_row(successor, session, now))
        work.record(SessionRefreshed(entity=session))
        return Opened(user, session, _access(work, desk, session), REFRESH_PREFIX + successor.text())
    return await _retry_or_revoke(work, desk, address, session, user)


async def _retry_or_revoke(work: Work, desk: Desk, address: Address, session: Session, user: User) -> Opened | None:
    now = work.now()
    row = await queries.find_refresh_token(work, token_id=address.row_id)
    if row is None or row.used_at is None or row.successor_id is None:
        return None  # expired, never used
    successor = await queries.find_refresh_token(work, token_id=row.successor_id)
    if (now - row.used_at).total_seconds() <= RETRY_SECONDS and successor is not None and successor.used_at is None:
        again = Address(work.tenant_id, successor.id, mac(desk.keys.tokens, address.secret))
        return Opened(user, session, _access(work, desk, session), REFRESH_PREFIX + again.text())
    session.revoked_at, session.revoked_reason = now, "token_reused"
    work.record(TokenReused(entity=session))
    return None


def tokens_of(opened: Opened, desk: Desk) -> Tokens:
    """Return what a program gets."""
    return Tokens(
        access_token=opened.access_token,
        refresh_token=opened.refresh_token,
        expires_in=desk.tokens.seconds,
        user=UserBrief.model_validate(opened.user),
    )


def _refresh_row(address: Address, session: Session, now: datetime) -> RefreshToken:
    return RefreshToken(
        id=address.row_id,
        session_id=session.id,
        secret_hash=digest(address.secret),
        issued_at=now,
        expires_at=session.idle_expires_at,
    )


def _access(work: Work, desk: Desk, session: Session) -> str:
    assert session.user_id is not None
    return desk.tokens.issue(tenant_id=work.tenant_id, user_id=session.user_id, session_id=session.id, now=work.now())


async def _refuse(
    gate: Gate, desk: Desk, tenant_id: UUID | None, user: User | None, *, name: str, reason: str = WRONG
) -> None:
    """Write the failure into the trail of the organisation it concerns, else into the operators'."""
    actor = Actor("anonymous")
    record = Record(
        action="identity.session.refused",
        category="access",
        severity="warning",
        outcome="failed",
        entity_type=None if user is None else User.__tablename__,
        entity_id=None if user is None else user.id,
        reason=reason,
        detail={"name": desk.name_hash(name).hex()[:16]},
    )
    async with gate.works.begin(tenant_id or desk.system_tenant, actor, request=gate.request) as work:
        if user is not None and reason is WRONG:
            await count_failure(work, user.id)
        await gate.works.recorder.refuse(work, record)


# lint: allow verb – a step of verbs that verify a password
async def count_failure(work: Work, user_id: UUID) -> None:
    """Count a wrong password; the account is locked after 100 in a row (NIST SP 800-63B-4, 3.2.2)."""
    user = await queries.find_user(work, user_id=user_id, lock=True)  # before the password, as everywhere
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if user is None or password is None:
        return
    password.failures += 1
    if password.failures >= FAILURES_UNTIL_LOCKED and user.status is UserStatus.ACTIVE:
        user.status, user.status_reason = UserStatus.LOCKED, f"{password.failures} wrong passwords in a row"
        work.record(UserStatusChanged(entity=user, reason=user.status_reason))
