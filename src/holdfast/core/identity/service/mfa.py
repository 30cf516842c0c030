"""One's second factor: making an authenticator known, recovery codes, switching it off; and an administrator's help."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import NoSecondFactor, SecondFactorExists, WrongCode
from holdfast.core.identity.facts import SteppedUp, TotpConfirmed, TotpEnrolled
from holdfast.core.identity.models import Totp, User
from holdfast.core.identity.service.factors import (
    Enrolment,
    issue_codes,
    new_secret_text,
    remove_factor,
    use_code,
)
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.policy import needs_second_factor
from holdfast.core.identity.service.rights import rights_of
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.work import Work

NOTICE = "mfa_changed"


@dataclass(frozen=True, slots=True)
class MfaState:
    """Whether a user has a second factor, since when, the recovery codes left, and whether one is asked for."""

    totp: bool
    confirmed_at: datetime | None
    recovery_codes_left: int
    required: bool


@verb("identity.mfa.read", access="signed_in", personal=True)
async def read_mfa(work: Work) -> MfaState:
    """Return what the caller's second factor is."""
    user_id = work.actor.id
    assert user_id is not None, "only the signed in come here"
    totp = await queries.find_totp(work, user_id=user_id)
    confirmed_at = None if totp is None else totp.confirmed_at
    left = await queries.count_recovery_codes(work, user_id=user_id)
    return MfaState(confirmed_at is not None, confirmed_at, left, await needs_second_factor(work, user_id))


@verb("identity.mfa.enrol", access="signed_in", personal=True, step_up=True, writes=True)
async def enrol_totp(work: Work) -> Enrolment:
    """Make a new authenticator of the caller known, which counts once it is confirmed; raise SecondFactorExists."""
    user = await _caller(work)
    totp = await queries.find_totp(work, user_id=user.id, lock=True)
    if totp is not None and totp.confirmed_at is not None:
        raise SecondFactorExists("Remove the present authenticator first.")
    if totp is None:
        totp = Totp(id=user.id)
        work.session.add(totp)
    enrolment = Enrolment.of(work, user, new_secret_text())
    totp.secret = (await work.keyring(sealing=True)).seal(Totp.secret, user.id, enrolment.secret)
    totp.last_step = 0
    work.record(TotpEnrolled(entity=totp))
    return enrolment


@verb("identity.mfa.confirm", access="signed_in", personal=True, step_up=True, writes=True)
async def confirm_totp(work: Work, *, code: str) -> list[str]:
    """Switch the second factor on with the authenticator's first code and return ten recovery codes.

    Raises NoSecondFactor where none waits, WrongCode.
    """
    user = await _caller(work)
    totp = await queries.find_totp(work, user_id=user.id, lock=True)
    if totp is None or totp.confirmed_at is not None:
        raise NoSecondFactor("No authenticator waits to be confirmed.")
    if not await use_code(work, totp, code):
        raise WrongCode
    totp.confirmed_at = work.now()
    work.record(TotpConfirmed(entity=totp))
    await _note_shown(work)
    await notify(work, user, NOTICE, change="on")
    return await issue_codes(work, user)


@verb("identity.mfa.remove", access="signed_in", personal=True, step_up=True, writes=True)
async def remove_totp(work: Work) -> None:
    """Remove the caller's authenticator and recovery codes; raise NoSecondFactor."""
    await _remove(work, await _caller(work), change="off")


@verb("identity.mfa.renew_codes", access="signed_in", personal=True, step_up=True, writes=True)
async def renew_recovery_codes(work: Work) -> list[str]:
    """Return ten new recovery codes of the caller; the old ones end. Raises NoSecondFactor."""
    user = await _caller(work)
    totp = await queries.find_totp(work, user_id=user.id, lock=True)
    if totp is None or totp.confirmed_at is None:
        raise NoSecondFactor("Recovery codes stand beside an authenticator, and you have none.")
    await notify(work, user, NOTICE, change="codes")
    return await issue_codes(work, user)


@verb("identity.mfa.reset", step_up=True, writes=True)
async def reset_mfa(work: Work, *, user_id: UUID) -> None:
    """Remove the second factor of a user who lost it; raise UserNotFound, NoSecondFactor, MoreRights."""
    user = await queries.get_user(work, user_id=user_id, lock=True)
    enforce(guards.can_hold(work.actor, await rights_of(work, user_id=user_id)))
    await _remove(work, user, change="reset", reason="reset")


async def _caller(work: Work) -> User:
    assert work.actor.id is not None, "only the signed in come here"
    return await queries.get_user(work, user_id=work.actor.id, lock=True)


async def _remove(work: Work, user: User, *, change: str, reason: str | None = None) -> None:
    totp = await queries.find_totp(work, user_id=user.id, lock=True)
    if totp is None:
        raise NoSecondFactor("There is no second factor.")
    await remove_factor(work, user, totp, reason=reason)
    await notify(work, user, NOTICE, change=change)


async def _note_shown(work: Work) -> None:
    """Note in the session that the second factor was just shown in it."""
    if work.actor.session_id is None:
        return
    session = await queries.find_session(work, session_id=work.actor.session_id, lock=True)
    if session is not None:
        session.verified_at, session.second_factor = work.now(), True
        work.record(SteppedUp(entity=session))
