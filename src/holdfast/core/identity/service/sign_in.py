"""Signing in with a password, signing out."""

from datetime import datetime
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.errors import SignInRefused, TokenRefused
from holdfast.core.identity.facts import PasswordRehashed, SignedOut
from holdfast.core.identity.models import SessionKind, User
from holdfast.core.identity.service.challenges import Waiting, wait_for_factor
from holdfast.core.identity.service.desk import Desk, desk_of
from holdfast.core.identity.service.devices import Device, account_key, is_known
from holdfast.core.identity.service.entering import may_enter
from holdfast.core.identity.service.factors import has_second_factor
from holdfast.core.identity.service.failures import write_failure
from holdfast.core.identity.service.opening import Opened, enter
from holdfast.core.identity.service.policy import needs_second_factor
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
    tenant_id, named_id = await find_tenant_of(gate, name=name, organization=organization)
    async with gate.works.begin(tenant_id or NOBODY, SYSTEM, write=False, request=gate.request) as work:
        user = await queries.find_user_by_name(work, name_key=folded(name))
        user_id = NOBODY if user is None else user.id
        stored = await queries.find_password(work, user_id=user_id)
        known = await is_known(work, desk, user_id=user_id, kind=kind, device=browser)
    own = account_key(gate.request, user_id=user_id, kind=kind, device=browser)
    await desk.count_account(own if known else folded(name))
    good = await desk.passwords.verify(None if stored is None else stored.hash, password)
    renewed = await desk.passwords.hash(password) if good and stored and desk.passwords.outdated(stored.hash) else None
    if tenant_id is None or user is None or stored is None or not good:
        await _refuse(gate, desk, tenant_id or named_id, user, name=name)
        raise SignInRefused
    async with gate.works.begin(tenant_id, SYSTEM, request=gate.request) as work:
        opened = await _open(work, user.id, kind=kind, device=browser, changed_at=stored.changed_at, renewed=renewed)
    if opened is None:
        await _refuse(gate, desk, tenant_id, user, name=name, reason="the user is not active")
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
    work: Work, user_id: UUID, *, kind: SessionKind, device: Device, changed_at: datetime, renewed: str | None
) -> Opened | Waiting | None:
    """Open the session or wait, None where the user may not enter any more; all is judged in this transaction.

    `changed_at` is that of the password that was verified: the one of now may be another.
    """
    user = await queries.find_user(work, user_id=user_id, lock=True)
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if user is None or password is None or password.changed_at != changed_at or not await may_enter(work, user):
        return None
    work.act_as(Actor("user", user.id))
    if renewed is not None:
        password.hash = renewed
        work.record(PasswordRehashed(entity=password))
    has = await has_second_factor(work, user.id)
    if has or await needs_second_factor(work, user.id):
        return await wait_for_factor(work, user=user, kind=kind, password=password, enrol=not has)
    password.failures = 0
    return await enter(work, user=user, kind=kind, device=device)


async def _refuse(
    gate: Gate, desk: Desk, tenant_id: UUID | None, user: User | None, *, name: str, reason: str = WRONG
) -> None:
    """Write the failure into the trail of the organisation it concerns, else into the operators'."""
    async with gate.works.begin(tenant_id or desk.system_tenant, ANONYMOUS, request=gate.request) as work:
        await write_failure(
            work,
            action="identity.session.refused",
            reason=reason,
            user_id=None if user is None else user.id,
            counted=reason is WRONG,
            detail={"name": desk.name_hash(name).hex()[:16]},
        )
