"""The users of the organisation."""

from typing import Annotated

from fastapi import Query

from holdfast.core.identity.queries import UserList
from holdfast.core.identity.schemas import UserCreate, UserOut
from holdfast.core.identity.service import users
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=users.list_users)
async def list_users(work: WorkDep, params: Annotated[UserList, Query()]) -> Page[UserOut]:
    """List users: search, filter, sort, page."""
    return await users.list_users(work, params)


@router.post(verb=users.create_user, status=201)
async def create_user(work: WorkDep, body: UserCreate) -> UserOut:
    """Add a user, who is sent a link to choose a password and is `invited` until then."""
    return await users.shown(work, await users.create_user(work, body))
