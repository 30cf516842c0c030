"""The organisation's own record."""

from holdfast.core.directory import queries
from holdfast.core.directory.facts import OrganizationFounded, OrganizationUpdated
from holdfast.core.directory.models import Organization
from holdfast.core.directory.schemas import OrganizationUpdate
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work, check_version


@verb("directory.organization.read")
async def read_organization(work: Work) -> Organization:
    """Return the caller's organisation."""
    return await queries.get_organization(work)


# lint: allow verb – for what tells people at a time of their day
async def zone_of(work: Work) -> str:
    """Return the organisation's time zone."""
    return (await queries.get_organization(work)).time_zone


# lint: allow verb – a step of verbs and jobs that name the organisation
async def organization_name(work: Work) -> str:
    """Return what the organisation is called."""
    return (await queries.get_organization(work)).name


# lint: allow verb – for what tells people in their language
async def name_and_locale(work: Work) -> tuple[str, str | None]:
    """Return what the organisation is called, and the language of messages to whoever chose none."""
    organization = await queries.get_organization(work)
    return organization.name, organization.locale


@verb("directory.organization.update", writes=True)
async def update_organization(work: Work, fields: OrganizationUpdate, *, expected: int | None = None) -> Organization:
    """Change the particulars that were given; raise PreconditionFailed for an outdated version."""
    organization = await queries.get_organization(work, lock=True)
    check_version(organization, expected)
    before = organization.time_zone
    for name, value in fields.given().items():
        setattr(organization, name, value)
    if work.session.is_modified(organization):
        work.record(OrganizationUpdated(entity=organization))
        await work.flush()
        if organization.time_zone != before:
            await queries.move_access(work, zone=organization.time_zone)
    return organization


# lint: allow verb – part of founding a tenant, before anyone holds a right in it
async def found_organization(work: Work, *, name: str, industry: str | None = None, country: str | None = None) -> None:
    """Add the organisation's record to a tenant that was just made."""
    organization = Organization(id=work.tenant_id, name=name, industry=industry, country=country, time_zone="UTC")
    work.session.add(organization)
    work.record(OrganizationFounded(entity=organization))
