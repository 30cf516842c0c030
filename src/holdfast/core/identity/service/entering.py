"""Who may come in: judged anew wherever a session begins or goes on, by the same rule as the query at the door."""

from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.queries import Standing
from holdfast.kernel.work import Work


# lint: allow verb – a step of verbs that open or renew a session
async def may_enter(work: Work, user_id: UUID) -> Standing | None:
    """Return a user who is active, within their employment, their organisation open; None for any other.

    The caller has locked the user's row where it writes what follows from the answer.
    """
    found = await queries.find_standing(work, user_id=user_id)
    return found if found and found.active and found.employed and found.organization_open else None
