"""Things to lend."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page
from holdfast_lending import service
from holdfast_lending.queries import ListParameters
from holdfast_lending.schemas import ItemCreate, ItemOut

router = Routes()


@router.get(verb=service.list_items, answers=Page[ItemOut])
async def list_items(work: WorkDep, params: Annotated[ListParameters, Query()]) -> Response:
    """List what can be lent."""
    return json_bytes(await service.list_items(work, params))


@router.post(verb=service.add_item, status=201)
async def add_item(work: WorkDep, body: ItemCreate) -> ItemOut:
    """Add a thing."""
    return ItemOut.model_validate(await service.add_item(work, body))
