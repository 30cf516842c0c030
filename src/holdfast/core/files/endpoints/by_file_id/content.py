"""The content of a file."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.endpoints import ANY, answer
from holdfast.core.files.schemas import Delivery
from holdfast.core.files.service import files
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=files.open_content, media=ANY, also={206: "The range that was asked for."})
async def download_file(
    request: Request,
    work: WorkDep,
    file_id: UUID,
    params: Annotated[Delivery, Query()],  # noqa: ARG001  read by `answer`, declared for the documents
) -> Response:
    """Download a file, or by Range a part of it; the ETag is the SHA-256 of the content.

    It is always saved, not shown; of PDF files `inline=true` asks to show them.
    """
    return answer(request, work, await files.open_content(work, file_id=file_id))
