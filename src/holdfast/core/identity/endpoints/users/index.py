"""The users of the organisation."""

from typing import Annotated

from fastapi import Query

from holdfast.core.identity.queries import UserList
from holdfast.core.identity.schemas import UserOut
from holdfast.core.identity.service import users
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=users.list_users)
async def list_users(work: WorkDep, params: Annotated[UserList, Query()]) -> Page[UserOut]:
    """List users: search, filter, sort, page."""
    return await users.list_users(work, params)
