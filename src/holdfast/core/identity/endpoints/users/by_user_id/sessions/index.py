"""Where a user is signed in."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from holdfast.core.identity.queries import SessionList
from holdfast.core.identity.schemas import SessionOut, SessionsEnded
from holdfast.core.identity.service import sessions
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=sessions.list_sessions)
async def list_sessions(work: WorkDep, user_id: UUID, params: Annotated[SessionList, Query()]) -> Page[SessionOut]:
    """List a user's live sessions; that you looked is in the trail."""
    return await sessions.list_sessions(work, params, user_id=user_id)


@router.delete(verb=sessions.revoke_sessions)
async def revoke_sessions(work: WorkDep, user_id: UUID) -> SessionsEnded:
    """Sign a user out everywhere."""
    return SessionsEnded(ended=await sessions.revoke_sessions(work, user_id=user_id))
