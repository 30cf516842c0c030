"""Writing down what came back: by mail, or as events of a mail provider."""

from holdfast.core.notify.models import NoticeState, Reason
from holdfast.core.notify.service.outbox import note_return
from holdfast.core.notify.service.reports import Return, read_report
from holdfast.core.notify.service.suppressions import address_behind, suppress
from holdfast.kernel.errors import UniqueViolation
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.work import Works


# lint: allow verb – for the command that a mail server calls
async def take_report(works: Works, raw: bytes) -> NoticeState | None:
    """Write down what a mail reports of a message, and return the message's new state; None for nothing new."""
    found = read_report(raw, works.keys)
    return None if found is None else await take_return(works, found)


# lint: allow verb – a step of what reads what comes back
async def take_return(works: Works, found: Return) -> NoticeState | None:
    """Write down word of a message; the same again, and word of one that never left, changes nothing and gives None.

    Where nobody is at the address, or whoever has it complained, it is suppressed in the same transaction.
    """
    try:
        return await _take(works, found)
    except UniqueViolation:  # another suppressed the same address at this moment
        return await _take(works, found)


async def _take(works: Works, found: Return) -> NoticeState | None:
    state = NoticeState.COMPLAINED if found.complained else NoticeState.BOUNCED
    async with works.begin(found.tenant_id, SYSTEM) as work:
        returned = await note_return(work, notice_id=found.notice_id, state=state, status=found.status, said=found.said)
        if returned is None:
            return None
        if found.complained or found.dead:
            address = await address_behind(work, returned, found.named)
            if address is not None:
                reason = Reason.COMPLAINED if found.complained else Reason.BOUNCED
                await suppress(work, address, reason=reason, said=f"{found.status} {found.said}")
    return state
