"""One file."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.pages import LIST, file_page
from holdfast.core.files.schemas import FileName, FileUpdate
from holdfast.core.files.service import files
from holdfast.kernel.errors import PreconditionFailed
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect
from holdfast.kernel.pages.forms import Form, read_form

router = Routes()


class ChangeForm(BaseModel):
    """A new name, or the version to make the present one; and which state of the file the person saw."""

    version: Annotated[int, Field(ge=1)]
    name: FileName | None = None
    number: Annotated[int | None, Field(ge=1)] = None


@router.get(verb=files.read_file)
async def show_file(request: Request, work: WorkDep, file_id: UUID) -> Response:
    """Show a file with a preview and its versions."""
    return await file_page(request, work, await files.read_file(work, file_id=file_id, deleted=True))


@router.post(verb=files.update_file, form=True)
async def change_file(request: Request, work: WorkDep, file_id: UUID) -> Response:
    """Rename the file, or make an earlier version the present one."""
    file = await files.read_file(work, file_id=file_id)
    form = await read_form(request, ChangeForm, labels={"name": "Name"})
    if isinstance(form, Form):
        said = "; ".join(text for _, text in form.summary)
        return await file_page(request, work, file, refused=f"{said}.", status=422)
    given = {"name": form.name, "number": form.number}
    fields = FileUpdate(**{name: value for name, value in given.items() if value is not None})
    try:
        await files.update_file(work, file_id=file_id, fields=fields, expected=form.version)
    except PreconditionFailed as error:
        await work.reset()
        said = "Somebody changed this file after you opened the page. Look at it again."
        file = await files.read_file(work, file_id=file_id)
        return await file_page(request, work, file, refused=said, status=error.status)
    return redirect(request, f"{LIST}/{file_id}", flash="The file was changed.")
