"""The caller's API keys."""

from typing import Annotated

from fastapi import Query

from holdfast.core.identity.queries import SessionList
from holdfast.core.identity.schemas import ApiKeyCreate, ApiKeyIssued, ApiKeyOut
from holdfast.core.identity.service import api_keys
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=api_keys.list_own_keys)
async def list_own_api_keys(work: WorkDep, params: Annotated[SessionList, Query()]) -> Page[ApiKeyOut]:
    """List your API keys that are good."""
    return await api_keys.list_own_keys(work, params)


@router.post(verb=api_keys.create_key, status=201, prepare=take_turn)
async def create_api_key(work: WorkDep, body: ApiKeyCreate) -> ApiKeyIssued:
    """Make an API key that acts for you; its text is shown this once.

    It may do what its scopes name and you may do at that moment. Send it as `Authorization: Bearer hf_…`.
    """
    issued = await api_keys.create_key(work, **body.given())  # type: ignore[arg-type]
    return ApiKeyIssued.just_made(issued.row, issued.text)
