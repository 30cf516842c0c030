"""Acting in a user's place."""

from uuid import UUID

from starlette.responses import Response

from holdfast.core.identity.schemas import Impersonate, ImpersonationGrant
from holdfast.core.identity.service import impersonation
from holdfast.kernel.http import Routes, WorkDep, created

router = Routes()


@router.post(verb=impersonation.impersonate, status=201, answers=ImpersonationGrant)
async def impersonate(work: WorkDep, user_id: UUID, body: Impersonate) -> Response:
    """Act in a user's place, for at most an hour, with the rights that you both hold.

    Both of you stand in every entry; credentials stay out of reach. It ends with the session, yours or this one.
    """
    grant = await impersonation.impersonate(work, user_id=user_id, reason=body.reason, minutes=body.minutes)
    return created(grant, f"/api/v1/users/{user_id}/sessions/{grant.session_id}")
