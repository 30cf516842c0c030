"""Who am I."""

from holdfast.core.identity.schemas import Me, OwnUpdate
from holdfast.core.identity.service import me as service
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=service.read_me)
async def me(work: WorkDep) -> Me:
    """Return who is signed in, with roles, permissions and how they like to be shown things."""
    return await service.read_me(work)


@router.patch(verb=service.update_me)
async def update_me(work: WorkDep, body: OwnUpdate, expected: IfMatch) -> Me:
    """Change your name, your language and your time zone."""
    return await service.update_me(work, body, expected=expected)
