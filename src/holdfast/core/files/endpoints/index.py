"""Files."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from holdfast.core.files.endpoints import BODY, receive
from holdfast.core.files.queries import FileList
from holdfast.core.files.schemas import FileDescription, FileOut
from holdfast.core.files.service import files
from holdfast.core.files.service.staging import Incoming
from holdfast.kernel.http import Routes, WorkDep, json_bytes, prepared
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=files.list_files, answers=Page[FileOut])
async def list_files(work: WorkDep, params: Annotated[FileList, Query()]) -> Response:
    """List files: search, filter, sort, page."""
    return json_bytes(await files.list_files(work, params))


@router.post(verb=files.add_file, prepare=receive, streams=True, body=BODY, status=201)
async def upload_file(
    work: WorkDep,
    params: Annotated[FileDescription, Query()],  # noqa: ARG001  read by `receive`, declared for the documents
    incoming: Annotated[Incoming, Depends(prepared)],
) -> FileOut:
    """Upload a file: as a form whose fields come before the file, or as it is with what is said of it in the address.

    The type is told by the content. A file that is larger than a request should be comes in pieces: POST files/uploads.
    """
    return await files.add_file(work, incoming)
