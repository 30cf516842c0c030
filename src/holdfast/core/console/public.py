"""What the house takes from the console: the page for addresses where there is none."""

from starlette.responses import Response

from holdfast.core.console.service import find_page
from holdfast.kernel.http import Declared, Routes, WorkDep

_routes = Routes()


@_routes.get(verb=find_page)
async def show_absent(work: WorkDep) -> Response:
    """Say that there is no such page."""
    await find_page(work)


ABSENT: Declared = _routes.declared[0]

__all__ = ["ABSENT"]
