"""Emergency access to organisations."""

from typing import Annotated

from fastapi import Query

from holdfast.core.identity.queries import BreakGlassList
from holdfast.core.identity.schemas import BreakGlassGrant, BreakGlassOpen, BreakGlassOut
from holdfast.core.identity.service import break_glass
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=break_glass.list_break_glass)
async def list_break_glass(work: WorkDep, params: Annotated[BreakGlassList, Query()]) -> Page[BreakGlassOut]:
    """List emergency accesses, the latest first; that you looked is in the trail."""
    return await break_glass.list_break_glass(work, params)


@router.post(verb=break_glass.open_break_glass, status=201, answers=BreakGlassGrant)
async def open_break_glass(work: WorkDep, body: BreakGlassOpen) -> BreakGlassGrant:
    """Enter an organisation in an emergency, with its administrators' rights, for at most an hour.

    Both trails tell of it, and of everything that is read or changed. It needs a second factor, but in the demo.
    """
    return await break_glass.open_break_glass(
        work, organization_id=body.organization_id, reason=body.reason, minutes=body.minutes
    )
