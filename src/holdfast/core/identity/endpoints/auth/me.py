"""Who am I."""

from holdfast.core.identity.schemas import Me
from holdfast.core.identity.service.me import read_me
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=read_me)
async def me(work: WorkDep) -> Me:
    """Return who is signed in, with roles and permissions."""
    return await read_me(work)
