"""One entry of the trail."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.audit.service import reading
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render

router = Routes()
# Recorded like every field, and of no interest to a person beside those that were changed.
BOOKKEEPING = frozenset({"id", "version", "created_at", "created_by", "updated_at", "updated_by"})


@router.get(verb=reading.read_entry)
async def show_entry(request: Request, work: WorkDep, entry_id: UUID) -> Response:
    """Show an entry with before and after."""
    entry = await reading.read_entry(work, entry_id=entry_id)
    (shown,) = await reading.named(work, [entry])
    changed = [name for name in {**(entry.before or {}), **(entry.after or {})} if name not in BOOKKEEPING]
    return render(request, "audit/entry.html", work=work, entry=shown, changed=changed or None)
