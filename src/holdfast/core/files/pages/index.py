"""The list of files."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.models import Scan
from holdfast.core.files.pages import LIST, MOST_BY_FORM, may, receive_form
from holdfast.core.files.queries import FileList
from holdfast.core.files.service import files, space
from holdfast.core.files.service.staging import Incoming
from holdfast.kernel.http import Routes, WorkDep, prepared
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import read_query

router = Routes()


@router.get(verb=files.list_files)
async def show_files(request: Request, work: WorkDep) -> Response:
    """Show the files: search, filter, sort, page, upload."""
    params = read_query(request, FileList)
    rows, meta = await files.browse_files(work, params)
    return render(
        request,
        "files/files.html",
        work=work,
        rows=rows,
        meta=meta,
        params=params,
        sort=params.sort or "name",
        scans=[each.value for each in Scan],
        may=may(work),
        usage=await space.read_room(work) if work.actor.may("files.usage.read") else None,
    )


@router.post(verb=files.add_file, prepare=receive_form, max_body=MOST_BY_FORM, form=True)
async def upload_by_form(request: Request, work: WorkDep, incoming: Annotated[Incoming, Depends(prepared)]) -> Response:
    """Take the file of the form."""
    file = await files.add_file(work, incoming)
    return redirect(request, f"{LIST}/{file.id}", flash=f"{file.name} was uploaded.")
