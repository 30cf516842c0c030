"""Removing an organisation's data for good."""

from uuid import UUID

from holdfast.core.identity.schemas import PurgeOut
from holdfast.core.identity.service import purging
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=purging.purge_organization)
async def purge_organization(work: WorkDep, organization_id: UUID) -> PurgeOut:
    """Remove rows of a deleted organisation for good, once its waiting time is over; its trail stays.

    One request removes some thousand rows: ask again until the status is `deleted`. From the first one on the
    organisation cannot be resumed.
    """
    return await purging.purge_organization(work, organization_id=organization_id)
