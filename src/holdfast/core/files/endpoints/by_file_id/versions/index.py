"""Versions of a file."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from holdfast.core.files.endpoints import BODY, receive
from holdfast.core.files.queries import VersionList
from holdfast.core.files.schemas import FileDescription, FileOut, VersionOut
from holdfast.core.files.service import files
from holdfast.core.files.service.staging import Incoming
from holdfast.kernel.http import IfMatch, Routes, WorkDep, created, json_bytes, prepared
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=files.list_versions, answers=Page[VersionOut])
async def list_versions(work: WorkDep, file_id: UUID, params: Annotated[VersionList, Query()]) -> Response:
    """List the versions of a file, newest first."""
    return json_bytes(await files.list_versions(work, params, file_id=file_id))


@router.post(verb=files.replace_file, prepare=receive, streams=True, body=BODY, status=201, answers=FileOut)
async def upload_version(
    work: WorkDep,
    file_id: UUID,
    params: Annotated[FileDescription, Query()],  # noqa: ARG001  read by `receive`, declared for the documents
    expected: IfMatch,
    incoming: Annotated[Incoming, Depends(prepared)],
) -> Response:
    """Upload a new version of a file, as a file is uploaded; its kind and the record it hangs on stay as they are."""
    file = await files.replace_file(work, incoming, file_id=file_id, expected=expected)
    return created(file, f"/api/v1/files/{file.id}/versions/{file.number}/content")
