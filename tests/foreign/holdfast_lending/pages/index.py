"""What can be lent, as a page."""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast_lending import service
from holdfast_lending.queries import ListParameters

router = Routes()


@router.get(verb=service.browse_items)
async def show_items(request: Request, work: WorkDep, params: Annotated[ListParameters, Query()]) -> Response:
    """Show what can be lent."""
    return render(request, "lending/items.html", work=work, items=await service.browse_items(work, params))
