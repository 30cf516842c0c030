"""Changing one's own address: it holds once a link that was sent to it is used."""

from holdfast.core.identity import queries
from holdfast.core.identity.facts import EmailChangeAsked
from holdfast.core.identity.models import Purpose, UserStatus
from holdfast.core.identity.schemas import UserBrief
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.link_bearers import find_bearer, refuse_link
from holdfast.core.identity.service.links import issue_link, link_to, read_link
from holdfast.core.identity.service.names import names_of
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.users import set_email
from holdfast.kernel.errors import Invalid
from holdfast.kernel.permissions import SYSTEM, Actor, verb
from holdfast.kernel.work import Gate, Work

CONFIRM = "identity.email.confirm"
PAGE = "email"


@verb("identity.email.ask", access="signed_in", writes=True, personal=True, step_up=True)
async def ask_for_email(work: Work, *, email: str) -> None:
    """Send a link to the address that the caller wants; until it is used theirs stays.

    Whether somebody else has the address is told only to who proves that it is theirs. Raises Invalid for the present.
    """
    assert work.actor.id is not None, "only the signed in come here"
    user = await queries.get_user(work, user_id=work.actor.id, lock=True)
    if email == user.email:
        raise Invalid.field("body.email", "same", "is your address already")
    secret = await issue_link(work, user=user, purpose=Purpose.EMAIL_CHANGE, email=email)
    await notify(work, user, "email_change", to=email, link=link_to(work.settings, PAGE, secret))
    work.record(EmailChangeAsked(entity=user))


@verb(CONFIRM, access="public", writes=True)
async def confirm_email(gate: Gate, *, secret: str) -> UserBrief:
    """Change the address that a link was sent to; the old one is told. The link is good once.

    Raises LinkRefused, and UniqueViolation where another user of the organisation has the address.
    """
    desk = desk_of(gate.works)
    await desk.take_turn(gate, account=None)
    address = read_link(secret)
    if address is None:
        raise await refuse_link(gate, CONFIRM)
    brief = None
    async with gate.works.begin(address.tenant_id, SYSTEM, request=gate.request) as work:
        bearer = await find_bearer(work, address=address, purpose=Purpose.EMAIL_CHANGE, lock=True)
        if bearer is not None and bearer.user.status is UserStatus.ACTIVE:
            work.act_as(Actor("user", bearer.user.id))
            await set_email(work, bearer.user, bearer.link.email, names=names_of(work, bearer.user))
            brief = UserBrief.model_validate(bearer.user)
    if brief is None:
        raise await refuse_link(gate, CONFIRM)
    return brief
