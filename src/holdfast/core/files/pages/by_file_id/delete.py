"""Deleting a file, after a question."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.pages import LIST, file_page
from holdfast.core.files.service import files
from holdfast.kernel.errors import BadRequest, PreconditionFailed
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import Form, read_form

router = Routes()


class DeleteForm(BaseModel):
    """Which state of the file the person saw."""

    version: Annotated[int, Field(ge=1)]


@router.get(verb=files.delete_file)
async def ask_to_delete_file(request: Request, work: WorkDep, file_id: UUID) -> Response:
    """Ask before deleting."""
    return render(request, "files/delete.html", work=work, file=await files.read_file(work, file_id=file_id))


@router.post(verb=files.delete_file, form=True)
async def delete_file_by_form(request: Request, work: WorkDep, file_id: UUID) -> Response:
    """Put the file into the trash."""
    form = await read_form(request, DeleteForm)
    if isinstance(form, Form):
        raise BadRequest("The form does not say which version of the file to delete.")
    file = await files.read_file(work, file_id=file_id)
    try:
        await files.delete_file(work, file_id=file_id, expected=form.version)
    except PreconditionFailed as error:
        said = "Somebody changed this file after you opened the page, so it was not deleted."
        return await file_page(request, work, file, refused=said, status=error.status)
    return redirect(request, LIST, flash=f"{file.name} was deleted. It can be restored from the deleted files.")
