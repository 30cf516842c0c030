"""The operators' word on how much an organisation's files may take."""

from uuid import UUID

from holdfast.core.files.public import room_of, set_quota
from holdfast.core.identity import queries
from holdfast.core.identity.facts import OrganizationFileQuotaSet
from holdfast.core.identity.schemas import FileQuotaOut
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work


@verb("platform.organization.read")
async def read_file_quota(work: Work, *, organization_id: UUID) -> FileQuotaOut:
    """Return how much an organisation's files take, and may take; raise OrganizationNotFound."""
    tenant = await queries.get_tenant_by_id(work, tenant_id=organization_id)
    async with work.beside(tenant.id) as there:
        return await _shown(there)


@verb("platform.organization.limit", writes=True)
async def set_file_quota(work: Work, *, organization_id: UUID, megabytes: int | None) -> FileQuotaOut:
    """Give an organisation a quota of its own, None for the installation's; raise OrganizationNotFound.

    Told in both trails. Where more is there already, it stays, and nothing is added.
    """
    tenant = await queries.get_tenant_by_id(work, tenant_id=organization_id, lock=True)
    async with work.beside(tenant.id) as there:
        before = await set_quota(there, quota_mb=megabytes)
        told = OrganizationFileQuotaSet(slug=tenant.slug, megabytes=megabytes, earlier_megabytes=before)
        there.record(told)
        shown = await _shown(there)
    work.record(told)
    return shown


async def _shown(there: Work) -> FileQuotaOut:
    room = await room_of(there)
    return FileQuotaOut(
        organization_id=there.tenant_id,
        megabytes=room.own_limit_mb,
        limit_bytes=room.limit_bytes,
        bytes=room.bytes,
        announced_bytes=room.announced_bytes,
    )
