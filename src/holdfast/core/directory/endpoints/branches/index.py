"""The list of branches."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import BranchList
from holdfast.core.directory.schemas import BranchCreate, BranchOut
from holdfast.core.directory.service import branches
from holdfast.kernel.http import Routes, WorkDep, json_bytes
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=branches.list_branches, answers=Page[BranchOut])
async def list_branches(work: WorkDep, params: Annotated[BranchList, Query()]) -> Response:
    """List branches: search, filter, sort, page."""
    return json_bytes(await branches.list_branches(work, params))


@router.post(verb=branches.create_branch, status=201)
async def create_branch(work: WorkDep, body: BranchCreate) -> BranchOut:
    """Add a branch; its code is unique in its company, whatever the case."""
    return BranchOut.model_validate(await branches.create_branch(work, body))
