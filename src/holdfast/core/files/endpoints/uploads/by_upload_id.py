"""One large file on its way."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.endpoints import RAW, announced, body_of
from holdfast.core.files.errors import UploadNotFound
from holdfast.core.files.schemas import UploadOut
from holdfast.core.files.service import uploads
from holdfast.core.files.service.uploads import Piece
from holdfast.kernel.errors import Invalid, UnsupportedMediaType
from holdfast.kernel.http import Routes, WorkDep, prepared, reply
from holdfast.kernel.ids import parse_id
from holdfast.kernel.middleware import MAX_BODY_KEY
from holdfast.kernel.work import Gate

router = Routes()
BODY = {"required": True, "content": {RAW: {"schema": {"type": "string", "format": "binary"}}}}
Offset = Annotated[
    int | None, Header(alias="Upload-Offset", description="Where the piece begins: the bytes that have come before.")
]


@router.get(verb=uploads.read_upload, answers=UploadOut)
async def read_upload(work: WorkDep, upload_id: UUID) -> Response:
    """Show how much of an upload has come; HEAD answers the same by the header Upload-Offset."""
    return _shown(UploadOut.model_validate(await uploads.read_upload(work, upload_id=upload_id)))


async def receive_piece(request: Request, gate: Gate) -> Piece:
    """Take in the piece that a request brings."""
    upload_id = parse_id(request.path_params["upload_id"])
    if upload_id is None:
        raise UploadNotFound
    kind = request.headers.get("content-type", RAW).partition(";")[0].strip().lower()
    if kind != RAW:
        raise UnsupportedMediaType.of(RAW)
    offset = request.headers.get("upload-offset", "")
    if not offset.isdecimal() or len(offset) > 18:
        raise Invalid.field("header.Upload-Offset", "invalid", "must be the number of bytes that have come before")
    request.scope[MAX_BODY_KEY] = gate.settings.files_max_bytes
    return await uploads.take_piece(
        gate, body_of(request), upload_id=upload_id, offset=int(offset), size=announced(request)
    )


@router.patch(verb=uploads.finish_upload, prepare=receive_piece, streams=True, body=BODY, answers=UploadOut)
async def append_piece(
    work: WorkDep,
    upload_id: UUID,  # noqa: ARG001  read by `receive_piece`, declared for the documents
    piece: Annotated[Piece, Depends(prepared)],
    upload_offset: Offset = None,  # noqa: ARG001
) -> Response:
    """Send the next piece of a large file; the last one makes the file, whose id the answer names.

    409 with the header Upload-Offset where it does not begin where the upload stands. Of a piece that breaks off, what
    has come is kept.
    """
    file = await uploads.finish_upload(work, piece)
    return _shown(piece.upload.model_copy(update={"file_id": None if file is None else file.id}))


@router.delete(verb=uploads.abandon_upload, status=204)
async def abandon_upload(work: WorkDep, upload_id: UUID) -> None:
    """Give up an upload."""
    await uploads.abandon_upload(work, upload_id=upload_id)


def _shown(upload: UploadOut) -> Response:
    response = reply(upload, 200)
    response.headers["Upload-Offset"] = str(upload.received)
    return response
