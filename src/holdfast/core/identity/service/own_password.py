"""Changing one's own password, and the rule for every new one."""

from dataclasses import dataclass

from holdfast.core.directory.public import read_organization
from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import WeakPassword, WrongPassword
from holdfast.core.identity.facts import PasswordSet
from holdfast.core.identity.models import User
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.failures import write_failure
from holdfast.core.identity.service.links import end_links
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.policy import shortest_password
from holdfast.core.identity.service.sessions import end_sessions
from holdfast.kernel.errors import Conflict, FieldError
from holdfast.kernel.permissions import SYSTEM, enforce, verb
from holdfast.kernel.work import Gate, Work, Works

FIELD = "new_password"
PRODUCT = "Holdfast"


@dataclass(frozen=True, slots=True, repr=False)
class Renewal:
    """A new password's hash, and the hash that the present one was verified against."""

    verified: str
    hash: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What one user's new password has to be: so long, and without these names."""

    minimum: int
    context: tuple[str, ...]

    def check(self, works: Works, password: str, *, field: str) -> None:
        """Raise WeakPassword naming `body.<field>`."""
        check_password(works, password, context=self.context, minimum=self.minimum, field=field)


# lint: allow verb – a step of verbs that set a password, before it is hashed
async def rule_for(work: Work, user: User) -> Rule:
    """Return the rule for a new password of a user."""
    tenant, organization = await queries.get_tenant(work), await read_organization(work)
    names = (user.email or "", user.username or "", user.name, tenant.slug, organization.name)
    return Rule(await shortest_password(work, user.id), names)


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
        rule = await rule_for(work, user)
    if not await desk.passwords.verify(None if stored is None else stored.hash, current) or stored is None:
        async with gate.works.begin(gate.tenant_id, gate.actor, request=gate.request) as work:
            await write_failure(
                work,
                action="identity.password.change",
                category="security",
                reason="wrong password",
                user_id=user_id,
            )
        raise WrongPassword
    rule.check(gate.works, new, field=FIELD)
    if new == current:
        fault = "must be another than the present one"
        raise WeakPassword(f"The password {fault}.", errors=(FieldError(f"body.{FIELD}", "weak_password", fault),))
    return Renewal(stored.hash, await desk.passwords.hash(new))


@verb("identity.password.change", access="signed_in", writes=True, personal=True)
async def change_password(work: Work, *, renewal: Renewal) -> None:
    """Set the caller's new password, end every other session and open link, and tell them.

    Raises Conflict where it was changed meanwhile.
    """
    user_id = work.actor.id
    assert user_id is not None, "only the signed in come here"
    await end_sessions(work, user_id=user_id, reason="password_changed", but=work.actor.session_id)
    user = await queries.get_user(work, user_id=user_id)
    password = await queries.find_password(work, user_id=user_id, lock=True)
    if password is None or password.hash != renewal.verified:
        raise Conflict("The password was changed at the same moment. Sign in again.")
    password.hash, password.changed_at, password.failures = renewal.hash, work.now(), 0
    work.record(PasswordSet(entity=password))
    await end_links(work, user=user)
    await notify(work, user, "password_changed")


def check_password(
    works: Works, password: str, *, context: tuple[str, ...], minimum: int | None = None, field: str = "password"
) -> None:
    """Raise WeakPassword for a password that the rule does not allow; `context` are names around it.

    Without a `minimum` it has to stand alone, as the installation's setting says.
    """
    around = (*context, works.settings.app_name, PRODUCT)
    words = [word for text in around for word in text.replace("@", " ").replace("-", " ").split()]
    minimum = minimum or works.settings.password_min_length
    enforce(guards.can_be_password(password, minimum=minimum, context=words, field=field))
