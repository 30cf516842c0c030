"""Making an organisation: its anchor, its log, its record; and finding the one that a name belongs to."""

from uuid import UUID

from holdfast.core.audit.public import open_log
from holdfast.core.directory.public import found_organization
from holdfast.core.identity import queries
from holdfast.core.identity.errors import SlugTaken
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.tenant_keys import make_key
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT, Tenant
from holdfast.kernel.work import Work, Works

SYSTEM_SLUG = "system"


# lint: allow verb – the first act in a tenant, before anyone holds a right in it
async def found_tenant(
    work: Work, *, slug: str, name: str, industry: str | None = None, country: str | None = None, demo: bool = False
) -> None:
    """Make the organisation of this unit of work's tenant; raise SlugTaken where its handle is in use."""
    if await queries.find_tenant(work, slug=slug) is not None:
        raise SlugTaken(f"organization: {slug} is taken")
    work.session.add(Tenant(id=work.tenant_id, slug=slug, status="active", demo=demo, created_at=work.now()))
    open_log(work)
    make_key(work)
    await found_organization(work, name=name, industry=industry, country=country)
    await work.flush()


# lint: allow verb – the first act of an installation
async def ensure_system(works: Works) -> bool:
    """Make the operators' organisation where there is none yet; return whether the installation was empty."""
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        if await queries.find_tenant(work, slug=SYSTEM_SLUG) is not None:
            return False
    async with works.begin(SYSTEM_TENANT, SYSTEM) as work:
        await found_tenant(work, slug=SYSTEM_SLUG, name="System")
    return True


# lint: allow verb – the first step of whoever only has a name
async def find_tenant_of(work: Work, *, name: str, organization: str | None) -> tuple[UUID | None, UUID | None]:
    """Return the one organisation in which a name is known (None for none or several), and the one that was named."""
    hashed = desk_of(work.house).name_hash(name)
    found = await queries.list_tenants_by_name(work, name_hash=hashed, slug=organization)
    named_id = None if organization is None else await queries.find_tenant_id(work, slug=organization)
    return found[0] if len(found) == 1 else None, named_id
