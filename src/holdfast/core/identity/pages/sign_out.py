"""Signing out of the console."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.service import sign_in
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import SIGN_IN, redirect

router = Routes()


@router.post(verb=sign_in.sign_out, form=True)
async def sign_out_by_form(request: Request, work: WorkDep) -> Response:
    """End the session and show the sign-in page."""
    await sign_in.sign_out(work)
    response = redirect(request, SIGN_IN, flash="You are signed out.")
    response.headers.append("Set-Cookie", desk_of(work.house).cookie.cleared())
    return response
