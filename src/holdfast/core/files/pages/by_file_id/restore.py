"""Taking a file out of the trash."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.pages import LIST
from holdfast.core.files.service import files
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect

router = Routes()


@router.post(verb=files.restore_file, form=True)
async def restore_file_by_form(request: Request, work: WorkDep, file_id: UUID) -> Response:
    """Restore a deleted file."""
    file = await files.restore_file(work, file_id=file_id)
    return redirect(request, f"{LIST}/{file.id}", flash=f"{file.name} was restored.")
