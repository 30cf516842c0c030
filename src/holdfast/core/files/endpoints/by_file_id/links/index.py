"""Links to a file."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from holdfast.core.files.queries import LinkList
from holdfast.core.files.schemas import LinkCreate, LinkMade, LinkOut
from holdfast.core.files.service import links
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=links.list_links, answers=Page[LinkOut])
async def list_links(work: WorkDep, file_id: UUID, params: Annotated[LinkList, Query()]) -> Response:
    """List the links to a file, newest first; those that have ended too."""
    return json_bytes(await links.list_links(work, params, file_id=file_id))


@router.post(verb=links.create_link, status=201)
async def create_link(work: WorkDep, file_id: UUID, body: LinkCreate) -> LinkMade:
    """Make a link that opens this version of the file without signing in, until it ends or is revoked.

    The address is shown now and never again. Each use of it is in the trail.
    """
    link, token = await links.create_link(work, file_id=file_id, fields=body)
    url = f"{work.settings.public_url}/api/v1/files/shared?token={token}"
    return LinkMade(**LinkOut.model_validate(link).model_dump(), url=url)
