"""Changing one's own password, and the rule for every new one."""

from dataclasses import dataclass

from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import WeakPassword, WrongPassword
from holdfast.core.identity.facts import PasswordSet
from holdfast.core.identity.models import User
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.sessions import end_sessions
from holdfast.core.identity.service.sign_in import count_failure
from holdfast.kernel.errors import Conflict, FieldError
from holdfast.kernel.facts import Record
from holdfast.kernel.permissions import SYSTEM, enforce, verb
from holdfast.kernel.work import Gate, Work, Works

FIELD = "new_password"


@dataclass(frozen=True, slots=True, repr=False)
class Renewal:
    """A new password's hash, and the hash that the present one was verified against."""

    verified: str
    hash: str


# lint: allow verb – what the verb below needs done before its transaction begins
async def prepare_renewal(gate: Gate, *, current: str, new: str) -> Renewal:
    """Verify the present password and hash the new one, while no transaction waits.

    Raises WrongPassword, which is counted and recorded as a failed sign-in is, WeakPassword naming `body.new_password`,
    RateLimited.
    """
    desk, user_id = desk_of(gate.works), gate.actor.id
    assert user_id is not None, "only the signed in come here"
    await desk.take_turn(gate, account=str(user_id))
    async with gate.works.begin(gate.tenant_id, SYSTEM, write=False, request=gate.request) as work:
        user = await queries.get_user(work, user_id=user_id)
        stored = await queries.find_password(work, user_id=user_id)
        tenant = await queries.get_tenant(work)
    if not await desk.passwords.verify(None if stored is None else stored.hash, current) or stored is None:
        await _refuse(gate, user)
        raise WrongPassword
    check_password(
        gate.works, new, context=(user.email or "", user.username or "", user.name, tenant.slug), field=FIELD
    )
    if new == current:
        fault = "must be another than the present one"
        raise WeakPassword(f"The password {fault}.", errors=(FieldError(f"body.{FIELD}", "weak_password", fault),))
    return Renewal(stored.hash, await desk.passwords.hash(new))


@verb("identity.password.change", access="signed_in", writes=True, personal=True)
async def change_password(work: Work, *, renewal: Renewal) -> None:
    """Set the caller's new password and end every other session; raise Conflict where it was changed meanwhile."""
    user_id = work.actor.id
    assert user_id is not None, "only the signed in come here"
    await end_sessions(work, user_id=user_id, reason="password_changed", but=work.actor.session_id)
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if password is None or password.hash != renewal.verified:
        raise Conflict("The password was changed at the same moment. Sign in again.")
    password.hash, password.changed_at, password.failures = renewal.hash, work.now(), 0
    work.record(PasswordSet(entity=password))


def check_password(works: Works, password: str, *, context: tuple[str, ...], field: str = "password") -> None:
    """Raise WeakPassword for a password that the installation's rule does not allow; `context` are names around it."""
    words = [word for text in context for word in text.replace("@", " ").replace("-", " ").split()]
    minimum = works.settings.password_min_length
    enforce(guards.can_be_password(password, minimum=minimum, context=words, field=field))


async def _refuse(gate: Gate, user: User) -> None:
    record = Record(
        action="identity.password.change",
        category="security",
        severity="warning",
        outcome="failed",
        entity_type=User.__tablename__,
        entity_id=user.id,
        reason="wrong password",
    )
    async with gate.works.begin(gate.tenant_id, gate.actor, request=gate.request) as work:
        await count_failure(work, user.id)
        await gate.works.recorder.refuse(work, record)
