"""Addresses that are not written to."""

from typing import Annotated

from fastapi import Query

from holdfast.core.notify.queries import SuppressionList
from holdfast.core.notify.schemas import SuppressionCreate, SuppressionOut
from holdfast.core.notify.service import suppressions
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=suppressions.list_suppressions)
async def list_suppressions(work: WorkDep, params: Annotated[SuppressionList, Query()]) -> Page[SuppressionOut]:
    """List the addresses that your organisation does not write to, the latest first."""
    return await suppressions.list_suppressions(work, params)


@router.post(verb=suppressions.suppress_address, status=201)
async def suppress_address(work: WorkDep, body: SuppressionCreate) -> SuppressionOut:
    """Write to an address no more.

    What cannot be declined, such as a link for a new password, still goes there.
    """
    return await suppressions.suppress_address(work, fields=body)
