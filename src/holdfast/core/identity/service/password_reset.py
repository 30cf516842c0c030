"""A new password by a link: asked for by whoever forgot the old one, or sent by an administrator."""

from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.errors import CannotReset, ResetRefused
from holdfast.core.identity.facts import PasswordResetSent, PasswordSet
from holdfast.core.identity.models import Password, Purpose, Totp, User, UserKind, UserStatus
from holdfast.core.identity.service.desk import Desk, desk_of
from holdfast.core.identity.service.failures import write_failure
from holdfast.core.identity.service.links import end_links, find_link, issue_link, link_to, read_link
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.own_password import FIELD, Rule, rule_for
from holdfast.core.identity.service.sessions import end_sessions
from holdfast.core.identity.service.tenants import find_tenant_of
from holdfast.core.identity.service.tokens import Address
from holdfast.kernel.db import NOBODY, folded
from holdfast.kernel.facts import Record
from holdfast.kernel.permissions import ANONYMOUS, SYSTEM, verb
from holdfast.kernel.work import Gate, Work

PAGE = "reset-password"


@verb("identity.password.forgot", access="public", writes=True)
async def forgot_password(gate: Gate, *, email: str, organization: str | None = None) -> None:
    """Send a link for a new password to a user with this address; nothing tells whether there is one.

    For an address that is unknown, known in several organisations or that of a user who may not enter, nearly the same
    is done and the same is answered; a password is verified beside both, so that the rest does not show. Raises
    RateLimited.
    """
    desk = desk_of(gate.works)
    await desk.take_turn(gate, account=folded(email))
    async with gate.works.begin(NOBODY, SYSTEM, write=False, request=gate.request) as work:
        tenant_id, named_id = await find_tenant_of(work, name=email, organization=organization)
    await desk.passwords.verify(None, email)
    place = tenant_id or named_id or desk.system_tenant
    async with gate.works.begin(place, ANONYMOUS, request=gate.request) as work:
        user = await queries.find_user_by_name(work, name_key=folded(email), lock=True)
        if tenant_id is not None and user is not None and user.email_key == folded(email) and _can_reset(user):
            await _send(work, user)
        else:
            await _pretend(work, desk, email)


@verb("identity.password.reset", writes=True)
async def send_reset(work: Work, *, user_id: UUID) -> None:
    """Send a user a link for a new password, which nobody else sees; raise UserNotFound, or CannotReset."""
    user = await queries.get_user(work, user_id=user_id, lock=True)
    if not _can_reset(user):
        raise CannotReset("The user is not active or has no address.")
    await _send(work, user)


@verb("identity.password.renew", access="public", writes=True)
async def reset_password(gate: Gate, *, token: str, new: str) -> None:
    """Set a new password by a link, which is good once; every session ends and nobody is signed in.

    A second factor is asked for as before. Raises ResetRefused, WeakPassword naming `body.new_password`, RateLimited.
    """
    desk, address = desk_of(gate.works), read_link(token)
    await desk.take_turn(gate, account=None)
    rule = None if address is None else await _rule_behind(gate, address)
    if address is None or rule is None:
        await _refuse(gate, desk, address)
        raise ResetRefused
    rule.check(gate.works, new, field=FIELD)
    hashed = await desk.passwords.hash(new)
    async with gate.works.begin(address.tenant_id, ANONYMOUS, request=gate.request) as work:
        done = await _renew(work, address, hashed)
    if not done:
        await _refuse(gate, desk, address)
        raise ResetRefused


def _can_reset(user: User) -> bool:
    return user.status is UserStatus.ACTIVE and user.kind is UserKind.PERSON and user.email is not None


async def _send(work: Work, user: User) -> None:
    token = await issue_link(work, user=user, purpose=Purpose.PASSWORD_RESET)
    await notify(work, user, "password_reset", link=link_to(work.settings, PAGE, token))
    work.record(PasswordResetSent(entity=user))


async def _pretend(work: Work, desk: Desk, email: str) -> None:
    """Do what sending a link does, as far as it takes time, and write down that one was asked for."""
    await queries.list_open_user_tokens(work, user_id=NOBODY)
    (await work.keyring(sealing=True)).seal(Totp.secret, work.new_id(), email)
    await work.tell("identity.password_reset", [], link=PAGE)
    record = Record(
        action="identity.password.forgot",
        category="security",
        severity="notice",
        outcome="failed",
        reason="no user whom a link could be sent",
        detail={"name": desk.name_hash(email).hex()[:16]},
    )
    await work.house.recorder.refuse(work, record)


async def _rule_behind(gate: Gate, address: Address) -> Rule | None:
    """Return the rule for the password that a good link may set, None for any other link."""
    async with gate.works.begin(address.tenant_id, SYSTEM, write=False, request=gate.request) as work:
        row = await find_link(work, address=address, purpose=Purpose.PASSWORD_RESET)
        if row is None or not await queries.is_tenant_active(work):
            return None
        user = await queries.find_user(work, user_id=row.user_id)
        return await rule_for(work, user) if user is not None and _can_reset(user) else None


async def _renew(work: Work, address: Address, hashed: str) -> bool:
    """Set the password and end the link, False where it is not good any more; all is judged in this transaction."""
    row = await find_link(work, address=address, purpose=Purpose.PASSWORD_RESET)
    if row is None:
        return False
    user = await queries.find_user(work, user_id=row.user_id, lock=True)
    row = await find_link(work, address=address, purpose=Purpose.PASSWORD_RESET, lock=True)
    if row is None or user is None or not _can_reset(user) or not await queries.is_tenant_active(work):
        return False
    password = await queries.find_password(work, user_id=user.id, lock=True)
    if password is None:
        password = Password(id=user.id)
        work.session.add(password)
    password.hash, password.changed_at, password.failures = hashed, work.now(), 0
    work.record(PasswordSet(entity=password, reason="by a link"))
    await end_links(work, user=user)
    await end_sessions(work, user_id=user.id, reason="password_reset")
    await notify(work, user, "password_changed")
    return True


async def _refuse(gate: Gate, desk: Desk, address: Address | None) -> None:
    """Write the attempt into the operators' trail: what the link says of an organisation nobody has vouched for."""
    async with gate.works.begin(desk.system_tenant, ANONYMOUS, request=gate.request) as work:
        detail = {} if address is None else {"link": str(address.row_id)}
        reason = ResetRefused.code
        await write_failure(
            work, action="identity.password.renew", reason=reason, user_id=None, category="security", detail=detail
        )
