"""One API key of a user."""

from uuid import UUID

from holdfast.core.identity.schemas import ApiKeyOut
from holdfast.core.identity.service import api_keys
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=api_keys.get_key)
async def get_api_key(work: WorkDep, user_id: UUID, key_id: UUID) -> ApiKeyOut:
    """Return an API key of a user; that you looked is in the trail."""
    return await api_keys.get_key(work, user_id=user_id, key_id=key_id)


@router.delete(verb=api_keys.revoke_key)
async def revoke_api_key(work: WorkDep, user_id: UUID, key_id: UUID) -> None:
    """End an API key of a user; it is refused from the next request on."""
    await api_keys.revoke_key(work, user_id=user_id, key_id=key_id)
