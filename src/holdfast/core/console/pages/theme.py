"""Light or dark."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.kernel.http import GateDep, Routes
from holdfast.kernel.pages import switch_theme
from holdfast.kernel.pages.forms import check_origin

router = Routes()


@router.post(public="a cookie of the browser's own, before and after signing in", form=True)
async def choose_theme(request: Request, gate: GateDep) -> Response:
    """Remember whether pages are light, dark or as the system says."""
    check_origin(request, gate.settings.public_url)
    return await switch_theme(request)
