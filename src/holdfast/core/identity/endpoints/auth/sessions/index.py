"""Where the caller is signed in."""

from typing import Annotated

from fastapi import Query

from holdfast.core.identity.queries import SessionList
from holdfast.core.identity.schemas import SessionOut, SessionsEnded
from holdfast.core.identity.service import sessions
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=sessions.list_own_sessions)
async def list_own_sessions(work: WorkDep, params: Annotated[SessionList, Query()]) -> Page[SessionOut]:
    """List your live sessions."""
    return await sessions.list_own_sessions(work, params)


@router.delete(verb=sessions.end_other_sessions)
async def end_other_sessions(work: WorkDep) -> SessionsEnded:
    """Sign out everywhere else; this session goes on."""
    return SessionsEnded(ended=await sessions.end_other_sessions(work))
