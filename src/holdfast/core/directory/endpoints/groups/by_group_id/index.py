"""One group."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from holdfast.core.directory.schemas import (
    DeleteParameters,
)
from holdfast.core.directory.schemas.groups import (
    GroupOut,
    GroupReplace,
    GroupUpdate,
)
from holdfast.core.directory.service import groups
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=groups.read_group)
async def read_group(work: WorkDep, group_id: UUID) -> GroupOut:
    """Show a group."""
    return GroupOut.model_validate(await groups.read_group(work, group_id=group_id))


@router.put(verb=groups.update_group)
async def replace_group(work: WorkDep, group_id: UUID, body: GroupReplace, expected: IfMatch) -> GroupOut:
    """Replace all writable fields of a group."""
    group = await groups.update_group(work, group_id=group_id, fields=body, expected=expected)
    return GroupOut.model_validate(group)


@router.patch(verb=groups.update_group)
async def update_group(work: WorkDep, group_id: UUID, body: GroupUpdate, expected: IfMatch) -> GroupOut:
    """Change some fields of a group."""
    group = await groups.update_group(work, group_id=group_id, fields=body, expected=expected)
    return GroupOut.model_validate(group)


@router.delete(verb=groups.delete_group, status=204)
async def delete_group(
    work: WorkDep, group_id: UUID, expected: IfMatch, params: Annotated[DeleteParameters, Query()]
) -> None:
    """Put a group into the trash; 409 with counts while people are in it, unless by `cascade`: they leave it then."""
    await groups.delete_group(work, group_id=group_id, expected=expected, cascade=params.cascade)
