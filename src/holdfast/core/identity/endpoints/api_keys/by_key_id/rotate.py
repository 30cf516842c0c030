"""Following one of the caller's API keys by another."""

from datetime import timedelta
from uuid import UUID

from starlette.responses import Response

from holdfast.core.identity.schemas import ApiKeyIssued, ApiKeyRotation
from holdfast.core.identity.service import api_keys
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep, created

router = Routes()


@router.post(verb=api_keys.rotate_key, status=201, prepare=take_turn, answers=ApiKeyIssued)
async def rotate_api_key(work: WorkDep, key_id: UUID, body: ApiKeyRotation) -> Response:
    """Make a key like this one; this one ends after the overlap, so that programs can change over."""
    overlap = timedelta(minutes=body.overlap_minutes)
    issued = await api_keys.rotate_key(work, key_id=key_id, expires_at=body.expires_at, overlap=overlap)
    return created(ApiKeyIssued.just_made(issued.row, issued.text), f"/api/v1/api-keys/{issued.row.id}")
