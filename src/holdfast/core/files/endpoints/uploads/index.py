"""Announcing a large file."""

from starlette.responses import Response

from holdfast.core.files.schemas import UploadCreate, UploadOut
from holdfast.core.files.service import uploads
from holdfast.kernel.http import Routes, WorkDep, reply

router = Routes()


@router.post(verb=uploads.begin_upload, status=201, answers=UploadOut)
async def begin_upload(work: WorkDep, body: UploadCreate) -> Response:
    """Announce a large file, which then comes in pieces of any size: PATCH at the Location, each from where it stands.

    An upload ends 24 hours after its last piece. Only who began it may go on with it.
    """
    upload = UploadOut.model_validate(await uploads.begin_upload(work, body))
    response = reply(upload, 201)
    response.headers["Upload-Offset"] = "0"
    return response
