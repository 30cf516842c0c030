"""Opening a file by a link."""

from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.endpoints import ANY, content_response
from holdfast.core.files.schemas import Delivery
from holdfast.core.files.service import links
from holdfast.kernel.http import GateDep, Routes

router = Routes()


class LinkParameters(Delivery):
    """The link's token, which stands where no log shows it."""

    token: Annotated[str, Field(max_length=200)]


@router.get(verb=links.open_link, media=ANY, also={206: "The range that was asked for."})
async def open_link(request: Request, gate: GateDep, params: Annotated[LinkParameters, Query()]) -> Response:
    """Download the version of a file that a link leads to, or by Range a part of it."""
    opened = await links.open_link(gate, token=params.token)

    async def note() -> None:
        await links.note_opened(gate, opened)

    return content_response(request, gate.works, opened.content, before=note)
