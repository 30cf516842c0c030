"""Who comes with a one-time link."""

from dataclasses import dataclass

from holdfast.core.identity import queries
from holdfast.core.identity.errors import LinkRefused
from holdfast.core.identity.models import Purpose, User, UserToken
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.links import find_link
from holdfast.core.identity.service.tokens import Address
from holdfast.kernel.facts import Record
from holdfast.kernel.permissions import ANONYMOUS
from holdfast.kernel.work import Gate, Work


@dataclass(frozen=True, slots=True)
class Bearer:
    """A good link and the living user whose it is."""

    user: User
    link: UserToken


# lint: allow verb – a step of verbs that take a link
async def find_bearer(work: Work, *, address: Address, purpose: Purpose, lock: bool = False) -> Bearer | None:
    """Return who comes with a link while it is good and the organisation may be entered; with `lock` for its use."""
    link = await find_link(work, address=address, purpose=purpose)
    if link is None or not await queries.is_tenant_active(work):
        return None
    user = await queries.find_user(work, user_id=link.user_id, lock=lock)
    if lock:
        link = await find_link(work, address=address, purpose=purpose, lock=True)
    return None if user is None or link is None else Bearer(user, link)


# lint: allow verb – the end of verbs that take a link
async def refuse_link(gate: Gate, action: str) -> LinkRefused:
    """Write the attempt into the operators' trail and return the error to raise."""
    error = LinkRefused()
    record = Record(action=action, category="access", severity="warning", outcome="refused", reason=error.code)
    await gate.works.refuse(desk_of(gate.works).system_tenant, ANONYMOUS, gate.request, record)
    return error
