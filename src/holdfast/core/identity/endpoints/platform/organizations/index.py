"""The installation's organisations."""

from typing import Annotated

from fastapi import Query

from holdfast.core.identity.queries import TenantList
from holdfast.core.identity.schemas import OrganizationCreate, PlatformOrganizationOut
from holdfast.core.identity.service import platform
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.get(verb=platform.list_organizations)
async def list_organizations(work: WorkDep, params: Annotated[TenantList, Query()]) -> Page[PlatformOrganizationOut]:
    """List the installation's organisations, by handle."""
    return await platform.list_organizations(work, params)


@router.post(verb=platform.create_organization, status=201)
async def create_organization(work: WorkDep, body: OrganizationCreate) -> PlatformOrganizationOut:
    """Make an organisation; its first administrator is sent an invitation."""
    return PlatformOrganizationOut.model_validate(await platform.create_organization(work, body))
