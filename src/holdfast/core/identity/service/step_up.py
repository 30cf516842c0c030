"""Showing anew who one is, for what asks for it."""

from holdfast.core.identity import queries
from holdfast.core.identity.errors import (
    NoSecondFactor,
    SecondFactorNeeded,
    TokenRefused,
    WrongCode,
    WrongPassword,
)
from holdfast.core.identity.facts import SteppedUp
from holdfast.core.identity.models import Session, SessionKind
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.factors import Shown, has_second_factor, use_factor
from holdfast.core.identity.service.failures import forget_failures, write_failure
from holdfast.core.identity.service.tokens import Address
from holdfast.kernel.crypto import digest, new_secret
from holdfast.kernel.errors import NotInPerson
from holdfast.kernel.permissions import SYSTEM, verb
from holdfast.kernel.work import Gate, Work

ACTION = "identity.session.step_up"


# lint: allow verb – what the verb below needs done before its transaction begins
async def prepare_step_up(gate: Gate, *, password: str | None, shown: Shown | None) -> bool:
    """Verify what was shown and use it up; return whether it was a second factor, which goes before the password.

    Raises WrongPassword and WrongCode, which are counted and recorded as a failed sign-in is, SecondFactorNeeded,
    NoSecondFactor, NotInPerson for an API key, RateLimited.
    """
    desk, user_id = desk_of(gate.works), gate.actor.id
    assert user_id is not None, "only the signed in come here"
    if gate.actor.verified_at is None:
        raise NotInPerson
    await desk.take_turn(gate, account=str(user_id))
    async with gate.works.begin(gate.tenant_id, SYSTEM, write=False, request=gate.request) as work:
        stored = await queries.find_password(work, user_id=user_id)
        has = await has_second_factor(work, user_id)
    if has and shown is None:
        raise SecondFactorNeeded
    if not has and shown is not None:
        raise NoSecondFactor("You have no second factor: show your password.")
    good = shown is not None or await desk.passwords.verify(None if stored is None else stored.hash, password or "")
    async with gate.works.begin(gate.tenant_id, gate.actor, request=gate.request) as work:
        user = await queries.get_user(work, user_id=user_id, lock=True)
        if shown is not None:
            good = await use_factor(work, user=user, shown=shown)
        if good:
            await forget_failures(work, user_id)
        else:
            reason = "wrong password" if shown is None else "wrong code"
            await write_failure(work, action=ACTION, reason=reason, user_id=user_id)
    if not good:
        raise WrongPassword("password") if shown is None else WrongCode(shown.field)
    return shown is not None


@verb("identity.session.step_up", access="signed_in", personal=True, writes=True)
async def step_up(work: Work, *, second_factor: bool) -> tuple[Session, str]:
    """Note that the caller showed who they are, for ten minutes; return the session and a browser's new cookie.

    The cookie's secret changes with what it may do; the old one is dead when this commits. Raises TokenRefused.
    """
    assert work.actor.session_id is not None, "only the signed in come here"
    session = await queries.find_session(work, session_id=work.actor.session_id, lock=True)
    if session is None or session.revoked_at is not None or session.verified_at is None:
        raise TokenRefused
    session.verified_at = work.now()
    session.second_factor = session.second_factor or second_factor
    work.record(SteppedUp(entity=session))
    if session.kind is not SessionKind.COOKIE:
        return session, ""
    secret = new_secret()
    session.secret_hash = digest(secret)
    return session, Address(work.tenant_id, session.id, secret).text()
