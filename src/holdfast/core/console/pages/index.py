"""The start page."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.console.service import read_overview
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render

router = Routes()


@router.get(verb=read_overview)
async def show_start(request: Request, work: WorkDep) -> Response:
    """Show what is here and what happened lately."""
    seen = await read_overview(work)
    return render(
        request,
        "console/home.html",
        work=work,
        given_name=seen.given_name,
        counts=seen.counts,
        recent=seen.recent,
    )
