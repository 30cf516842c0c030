"""How much an organisation's files may take."""

from uuid import UUID

from holdfast.core.identity.schemas import FileQuota, FileQuotaOut
from holdfast.core.identity.service import file_quotas
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=file_quotas.read_file_quota)
async def read_file_quota(work: WorkDep, organization_id: UUID) -> FileQuotaOut:
    """Show how much an organisation's files take, and how much they may."""
    return await file_quotas.read_file_quota(work, organization_id=organization_id)


@router.put(verb=file_quotas.set_file_quota)
async def set_file_quota(work: WorkDep, organization_id: UUID, body: FileQuota) -> FileQuotaOut:
    """Give an organisation a quota of its own, or with null the installation's; what is there stays."""
    return await file_quotas.set_file_quota(work, organization_id=organization_id, megabytes=body.megabytes)
