"""Inviting users, and accepting an invitation."""

from uuid import UUID

from holdfast.core.directory.public import read_organization
from holdfast.core.identity import queries
from holdfast.core.identity.errors import NotInvited
from holdfast.core.identity.facts import InvitationAccepted, PasswordSet, UserInvited
from holdfast.core.identity.models import Password, Purpose, User, UserStatus
from holdfast.core.identity.schemas import Joined, OrganizationBrief, UserBrief
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.link_bearers import find_bearer, refuse_link
from holdfast.core.identity.service.links import end_links, issue_link, link_to, read_link
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.own_password import Rule, rule_for
from holdfast.core.identity.service.tokens import Address
from holdfast.kernel.permissions import SYSTEM, Actor, verb
from holdfast.kernel.work import Gate, Work, check_version

ACCEPT = "identity.invitation.accept"
PAGE = "invitation"


@verb("identity.user.create", writes=True)
async def send_invitation(work: Work, *, user_id: UUID, expected: int | None = None) -> None:
    """Invite a user anew: the link that was sent before is dead. Raises UserNotFound, NotInvited."""
    user = await queries.get_user(work, user_id=user_id, lock=True)
    check_version(user, expected)
    if user.status is not UserStatus.INVITED:
        raise NotInvited
    await invite(work, user)


# lint: allow verb – a step of verbs that add users
async def invite(work: Work, user: User) -> None:
    """Send a user, whose row is locked or new, a link to choose a password."""
    secret = await issue_link(work, user=user, purpose=Purpose.INVITATION)
    await notify(work, user, "invitation", link=link_to(work.settings, PAGE, secret))
    work.record(UserInvited(entity=user))


@verb(ACCEPT, access="public", writes=True)
async def accept_invitation(gate: Gate, *, secret: str, password: str) -> Joined:
    """Choose the password of an invited user, who is active then; the link is good once.

    The password is hashed between two units of work. Raises LinkRefused, WeakPassword, RateLimited.
    """
    desk = desk_of(gate.works)
    await desk.take_turn(gate, account=None)
    address = read_link(secret)
    known = None if address is None else await _read(gate, address)
    if address is None or known is None:
        raise await refuse_link(gate, ACCEPT)
    joined, rule = known
    await desk.count_account(str(joined.user.id))
    rule.check(gate.works, password, field="password")
    hashed = await desk.passwords.hash(password)
    async with gate.works.begin(address.tenant_id, SYSTEM, request=gate.request) as work:
        accepted = await _accept(work, address, hashed)
    if not accepted:
        raise await refuse_link(gate, ACCEPT)
    return joined


async def _read(gate: Gate, address: Address) -> tuple[Joined, Rule] | None:
    """Return whom a link invites where, and what the password has to be."""
    async with gate.works.begin(address.tenant_id, SYSTEM, write=False, request=gate.request) as work:
        bearer = await find_bearer(work, address=address, purpose=Purpose.INVITATION)
        if bearer is None or bearer.user.status is not UserStatus.INVITED:
            return None
        tenant, name = await queries.get_tenant(work), (await read_organization(work)).name
        joined = Joined(
            organization=OrganizationBrief(id=tenant.id, slug=tenant.slug, name=name),
            user=UserBrief.model_validate(bearer.user),
        )
        return joined, await rule_for(work, bearer.user)


async def _accept(work: Work, address: Address, hashed: str) -> bool:
    bearer = await find_bearer(work, address=address, purpose=Purpose.INVITATION, lock=True)
    if bearer is None or bearer.user.status is not UserStatus.INVITED:
        return False
    user = bearer.user
    work.act_as(Actor("user", user.id))
    await end_links(work, user=user)
    user.status, user.status_reason = UserStatus.ACTIVE, None
    password = await queries.find_password(work, user_id=user.id, lock=True)
    if password is None:
        password = Password(id=user.id, hash=hashed, changed_at=work.now(), failures=0)
        work.session.add(password)
    else:
        password.hash, password.changed_at, password.failures = hashed, work.now(), 0
    work.record(InvitationAccepted(entity=user))
    work.record(PasswordSet(entity=password))
    return True
