"""One of the caller's API keys."""

from uuid import UUID

from holdfast.core.identity.schemas import ApiKeyOut
from holdfast.core.identity.service import api_keys
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=api_keys.get_own_key)
async def get_own_api_key(work: WorkDep, key_id: UUID) -> ApiKeyOut:
    """Return one of your API keys."""
    return await api_keys.get_own_key(work, key_id=key_id)


@router.delete(verb=api_keys.end_own_key)
async def end_own_api_key(work: WorkDep, key_id: UUID) -> None:
    """End one of your API keys; it is refused from the next request on."""
    await api_keys.end_own_key(work, key_id=key_id)
