"""Idle times of browser sessions and last uses of API keys: noted in memory, written together now and then."""

from itertools import groupby

from holdfast.core.identity import queries
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.policy import lengths_of
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.work import Works


# lint: allow verb – housekeeping of the process, nobody calls it
async def note_presence(works: Works) -> int:
    """Write when each browser session or key was last seen, and until when it may idle; return how many there were."""
    desk = desk_of(works)
    seen, desk.seen = desk.seen, {}
    for tenant_id, sessions in groupby(sorted(seen.items()), key=lambda item: item[0][0]):
        async with works.begin(tenant_id, SYSTEM) as work:
            lengths = await lengths_of(work)
            for (_, session_id), moment in sessions:
                idle = moment + lengths.cookie_idle
                await queries.touch_session(work, session_id=session_id, seen=moment, idle_expires=idle)
    return len(seen)
