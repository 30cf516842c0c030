"""A new version of a file."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.pages import LIST, MOST_BY_FORM, receive_form
from holdfast.core.files.service import files
from holdfast.core.files.service.staging import Incoming
from holdfast.kernel.http import Routes, WorkDep, prepared
from holdfast.kernel.pages import redirect

router = Routes()


@router.post(verb=files.replace_file, prepare=receive_form, max_body=MOST_BY_FORM, form=True)
async def upload_version_by_form(
    request: Request, work: WorkDep, file_id: UUID, incoming: Annotated[Incoming, Depends(prepared)]
) -> Response:
    """Take the file of the form as a new version."""
    file = await files.replace_file(work, incoming, file_id=file_id)
    return redirect(request, f"{LIST}/{file.id}", flash=f"Version {file.number} was uploaded.")
