"""The thumbnail of a file."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.endpoints import answer
from holdfast.core.files.schemas import Delivery
from holdfast.core.files.service import files
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=files.open_derived, media="image/webp", also={206: "The range that was asked for."})
async def read_thumbnail(
    request: Request,
    work: WorkDep,
    file_id: UUID,
    params: Annotated[Delivery, Query()],  # noqa: ARG001  read by `answer`, declared for the documents
) -> Response:
    """Show the thumbnail of a file; 404 where there is none, or not yet."""
    return answer(request, work, await files.open_derived(work, file_id=file_id, part="thumb"))
