"""The operators' work on organisations: making, suspending, resuming, deleting after a waiting time.

Each act stands in the operators' trail and, by the same commit, in that of the organisation.
"""

from datetime import timedelta
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import SlugTaken
from holdfast.core.identity.facts import OrganizationOpened, OrganizationStatusChanged
from holdfast.core.identity.models import UserStatus
from holdfast.core.identity.schemas import OrganizationCreate, PlatformOrganizationOut, TenantStatus
from holdfast.core.identity.service.invitations import invite
from holdfast.core.identity.service.tenants import found_tenant
from holdfast.core.identity.service.users import add_user
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.schemas import Meta, Page
from holdfast.kernel.tenancy import Tenant
from holdfast.kernel.work import Work


@verb("platform.organization.read")
async def list_organizations(work: Work, params: queries.TenantList) -> Page[PlatformOrganizationOut]:
    """Return one page of the installation's organisations."""
    rows, total = await queries.list_tenants(work, params)
    meta = Meta(page=params.page, page_size=params.page_size, total=total, next_cursor=None)
    return Page[PlatformOrganizationOut](data=[PlatformOrganizationOut.model_validate(row) for row in rows], meta=meta)


@verb("platform.organization.read")
async def get_organization(work: Work, *, organization_id: UUID) -> Tenant:
    """Return an organisation of the installation; raise OrganizationNotFound."""
    return await queries.get_tenant_by_id(work, tenant_id=organization_id)


@verb("platform.organization.create", writes=True, step_up=True)
async def create_organization(work: Work, wanted: OrganizationCreate) -> Tenant:
    """Make an organisation with its first administrator, who is sent an invitation; raise SlugTaken."""
    if await queries.find_tenant(work, slug=wanted.slug) is not None:
        raise SlugTaken(f"body.slug: {wanted.slug} is taken")
    tenant_id, first = work.new_id(), wanted.administrator
    async with work.beside(tenant_id) as there:
        await found_tenant(there, slug=wanted.slug, name=wanted.name, industry=wanted.industry, country=wanted.country)
        user = await add_user(there, email=first.email, name=first.name, password_hash=None, roles=[guards.ADMIN])
        user.status = UserStatus.INVITED
        await invite(there, user)
    work.record(OrganizationOpened(slug=wanted.slug, organization_id=tenant_id))
    return await queries.get_tenant_by_id(work, tenant_id=tenant_id)


@verb("platform.organization.suspend", writes=True, step_up=True)
async def suspend_organization(work: Work, *, organization_id: UUID, reason: str) -> Tenant:
    """Shut an organisation: every credential of it is dead when this commits; raise OrganizationState."""
    return await _turn(work, organization_id, TenantStatus.SUSPENDED, reason)


@verb("platform.organization.suspend", writes=True, step_up=True)
async def resume_organization(work: Work, *, organization_id: UUID, reason: str) -> Tenant:
    """Open a suspended organisation again, also one whose deletion was set; raise OrganizationState."""
    return await _turn(work, organization_id, TenantStatus.ACTIVE, reason)


@verb("platform.organization.delete", writes=True, step_up=True)
async def delete_organization(work: Work, *, organization_id: UUID, reason: str) -> Tenant:
    """Shut an organisation now and set the day after which its data may be deleted; raise OrganizationState.

    Until then it can be resumed.
    """
    return await _turn(work, organization_id, TenantStatus.DELETING, reason)


async def _turn(work: Work, organization_id: UUID, status: TenantStatus, reason: str) -> Tenant:
    tenant = await queries.get_tenant_by_id(work, tenant_id=organization_id, lock=True)
    enforce(guards.can_turn(tenant.id, TenantStatus(tenant.status), status))
    tenant.status = status
    days = timedelta(days=work.settings.organization_delete_days)
    tenant.delete_after = work.now() + days if status is TenantStatus.DELETING else None
    told = OrganizationStatusChanged(slug=tenant.slug, status=status, reason=reason)
    async with work.beside(tenant.id) as there:
        there.record(told)
    work.record(told)
    return tenant
