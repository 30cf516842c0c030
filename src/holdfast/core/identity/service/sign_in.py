"""Signing in with a password, signing out."""

from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.errors import SignInRefused, TokenRefused
from holdfast.core.identity.facts import PasswordRehashed, SignedOut
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.queries import Entrant
from holdfast.core.identity.service.challenges import Waiting, wait_for_factor
from holdfast.core.identity.service.desk import Desk, desk_of
from holdfast.core.identity.service.devices import Device, account_key, agent_of
from holdfast.core.identity.service.entering import may_enter
from holdfast.core.identity.service.failures import forget_failures, write_failure
from holdfast.core.identity.service.opening import Opened, enter
from holdfast.core.identity.service.policy import holds_any
from holdfast.core.identity.service.tenants import find_tenant_of
from holdfast.kernel.db import NOBODY, folded
from holdfast.kernel.permissions import ANONYMOUS, SYSTEM, Actor, verb
from holdfast.kernel.work import Gate, Work

WRONG = "wrong name or password"


@verb("identity.session.open", access="public", writes=True)
async def sign_in(
    gate: Gate,
    *,
    name: str,
    password: str,
    organization: str | None = None,
    kind: SessionKind = SessionKind.TOKEN,
    device: str | None = None,
) -> Opened | Waiting:
    """Open a session for a name and a password, or say which second factor it waits for.

    `device` is the cookie of a browser that was here before. Raises SignInRefused, alike in every case of refusal. The
    password is verified between two units of work: no transaction waits for Argon2.
    """
    desk, browser = desk_of(gate.works), Device.read(device)
    await desk.take_turn(gate, account=None)
    async with gate.works.begin(NOBODY, SYSTEM, write=False, request=gate.request) as work:
        tenant_id, named_id = await find_tenant_of(work, name=name, organization=organization)
        await work.settle(tenant_id or NOBODY)
        entrant = await queries.find_entrant(
            work, name_key=folded(name), ip=gate.request.ip, user_agent=agent_of(gate.request)
        )
    user_id = NOBODY if entrant is None else entrant.user_id
    if kind is SessionKind.COOKIE:
        known = browser.knows(desk.keys, tenant_id or NOBODY, user_id)
    else:
        known = entrant is not None and entrant.known
    own = account_key(gate.request, user_id=user_id, kind=kind, device=browser)
    await desk.count_account(own if known else folded(name))
    stored = None if entrant is None else entrant.hash
    good = await desk.passwords.verify(stored, password)
    if tenant_id is None or entrant is None or stored is None or not good:
        await _refuse(gate, desk, tenant_id or named_id, entrant, name=name)
        raise SignInRefused
    renewed = await desk.passwords.hash(password) if desk.passwords.outdated(stored) else None
    async with gate.works.begin(tenant_id, SYSTEM, request=gate.request) as work:
        opened = await _open(work, entrant, kind=kind, device=browser, known=known, renewed=renewed)
    if opened is None:
        await _refuse(gate, desk, tenant_id, entrant, name=name, reason="the user is not active")
        raise SignInRefused
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


async def _open(
    work: Work, entrant: Entrant, *, kind: SessionKind, device: Device, known: bool, renewed: str | None
) -> Opened | Waiting | None:
    """Open the session or wait, None where the user may not enter any more; all is judged in this transaction.

    The password that was verified may not be the one of now.
    """
    await queries.lock_user(work, user_id=entrant.user_id)
    user = await may_enter(work, entrant.user_id)
    if user is None or user.password_changed_at != entrant.changed_at:
        return None
    work.act_as(Actor("user", user.id))
    if renewed is not None:
        await _rehash(work, user.id, renewed)
    if user.totp_confirmed_at is not None or await holds_any(work, user.id, user.mfa_roles):
        return await wait_for_factor(work, standing=user, kind=kind)
    if user.failures:
        await forget_failures(work, user.id)
    return await enter(work, standing=user, kind=kind, device=device, known=known)


async def _rehash(work: Work, user_id: UUID, renewed: str) -> None:
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if password is not None:
        password.hash = renewed
        work.record(PasswordRehashed(entity=password))


async def _refuse(
    gate: Gate, desk: Desk, tenant_id: UUID | None, entrant: Entrant | None, *, name: str, reason: str = WRONG
) -> None:
    """Write the failure into the trail of the organisation it concerns, else into the operators'."""
    async with gate.works.begin(tenant_id or desk.system_tenant, ANONYMOUS, request=gate.request) as work:
        await write_failure(
            work,
            action="identity.session.refused",
            reason=reason,
            user_id=None if entrant is None else entrant.user_id,
            counted=reason is WRONG,
            detail={"name": desk.name_hash(name).hex()[:16]},
        )
