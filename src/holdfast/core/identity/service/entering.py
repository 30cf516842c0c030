"""Who may come in: judged anew wherever a session begins or goes on, by the same rule as the query at the door."""

from holdfast.core.directory.public import find_access_end
from holdfast.core.identity import queries
from holdfast.core.identity.models import User, UserStatus
from holdfast.kernel.work import Work


# lint: allow verb – a step of verbs that open or renew a session
async def may_enter(work: Work, user: User | None) -> bool:
    """Tell whether a user is active, within their employment, and their organisation open."""
    if user is None or user.status is not UserStatus.ACTIVE or not await queries.is_tenant_active(work):
        return False
    if user.person_id is None:
        return True
    end = await find_access_end(work, person_id=user.person_id)
    return end is None or end > work.now()
