"""Signing out."""

from starlette.responses import Response

from holdfast.core.identity.service import sign_in
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=sign_in.sign_out, status=204)
async def logout(work: WorkDep) -> Response:
    """Sign out: every token and cookie of this session is refused from the next request on."""
    await sign_in.sign_out(work)
    response = Response(status_code=204)
    response.headers.append("Set-Cookie", desk_of(work.house).cookie.cleared())
    return response
