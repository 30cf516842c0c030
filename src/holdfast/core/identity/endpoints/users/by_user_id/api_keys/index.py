"""The API keys of a user."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from holdfast.core.identity.queries import SessionList
from holdfast.core.identity.schemas import ApiKeyCreate, ApiKeyIssued, ApiKeyOut
from holdfast.core.identity.service import api_keys
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=api_keys.list_keys)
async def list_api_keys(work: WorkDep, user_id: UUID, params: Annotated[SessionList, Query()]) -> Page[ApiKeyOut]:
    """List a user's API keys that are good; that you looked is in the trail."""
    return await api_keys.list_keys(work, params, user_id=user_id)


@router.post(verb=api_keys.create_service_key, status=201, prepare=take_turn)
async def create_service_api_key(work: WorkDep, user_id: UUID, body: ApiKeyCreate) -> ApiKeyIssued:
    """Make an API key for a service account; its text is shown this once."""
    issued = await api_keys.create_service_key(work, user_id=user_id, **body.given())  # type: ignore[arg-type]
    return ApiKeyIssued.just_made(issued.row, issued.text)
