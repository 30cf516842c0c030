"""One entry of the trail."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.audit.service import naming, reading
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render

router = Routes()


@router.get(verb=reading.read_entry)
async def show_entry(request: Request, work: WorkDep, entry_id: UUID) -> Response:
    """Show an entry with before and after."""
    entry = await reading.read_entry(work, entry_id=entry_id)
    (named,) = await naming.named(work, [entry])
    shown = await naming.in_words(work, entry)
    return render(request, "audit/entry.html", work=work, entry=named, shown=shown)
