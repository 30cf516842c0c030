"""Statements on the installation's own tables: which organisations there are, and who is known where."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, func, select

from holdfast.core.identity.models import SetupLink, SignInName, SignInPolicy
from holdfast.core.identity.schemas import GONE
from holdfast.kernel.tenancy import Tenant
from holdfast.kernel.work import Work

_NAMED = (
    select(Tenant.id)
    .join(SignInName, SignInName.tenant_id == Tenant.id)
    .where(SignInName.name_hash == bindparam("name_hash", type_=SignInName.name_hash.type), Tenant.status == "active")
    .limit(2)
)
_BY_SLUG = select(Tenant.id).where(
    Tenant.slug == bindparam("slug", type_=Tenant.slug.type),
    Tenant.status.not_in(GONE),  # nothing is written any more into the trail of one whose data are gone
)
_NAMED_IN = _NAMED.where(Tenant.slug == bindparam("slug", type_=Tenant.slug.type))


async def list_tenants_by_name(work: Work, *, name_hash: bytes, slug: str | None) -> Sequence[UUID]:
    """Return the active tenants in which a sign-in name is known, at most two; `slug` narrows to one organisation."""
    found = await work.link.connection.execute(
        _NAMED if slug is None else _NAMED_IN, {"name_hash": name_hash, **({} if slug is None else {"slug": slug})}
    )
    return found.scalars().all()


async def is_tenant_active(work: Work) -> bool:
    """Tell whether this organisation may be entered."""
    status = await work.session.scalar(select(Tenant.status).where(Tenant.id == work.tenant_id))
    return status == "active"


async def find_tenant(work: Work, *, slug: str) -> Tenant | None:
    """Return the tenant with this slug."""
    found: Tenant | None = await work.session.scalar(select(Tenant).where(Tenant.slug == slug))
    return found


async def find_tenant_id(work: Work, *, slug: str) -> UUID | None:
    """Return the id of the tenant with this slug, for who is in none yet; None for one whose data are gone."""
    found = await work.link.connection.execute(_BY_SLUG, {"slug": slug})
    return found.scalar_one_or_none()


async def get_tenant(work: Work) -> Tenant:
    """Return this organisation's own row."""
    found: Tenant = (await work.session.scalars(select(Tenant).where(Tenant.id == work.tenant_id))).one()
    return found


async def hold_tenant(work: Work) -> Tenant:
    """Lock this organisation's own row, for what must not happen twice at once in it, and return it."""
    statement = select(Tenant).where(Tenant.id == work.tenant_id).with_for_update()
    found: Tenant = (await work.session.scalars(statement)).one()
    return found


async def count_tenants(work: Work) -> int:
    """Return how many tenants the installation has."""
    return (await work.session.scalar(select(func.count()).select_from(Tenant))) or 0


async def find_setup_link(work: Work, *, secret_hash: bytes, lock: bool = False) -> SetupLink | None:
    """Return the set-up link with this secret."""
    statement = select(SetupLink).where(SetupLink.secret_hash == secret_hash)
    found: SetupLink | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def list_setup_links(work: Work, *, lock: bool = False) -> Sequence[SetupLink]:
    """Return every set-up link."""
    statement = select(SetupLink)
    return (await work.session.scalars(statement.with_for_update() if lock else statement)).all()


async def list_demo_slugs(work: Work) -> Sequence[str]:
    """Return the slugs of the organisations that hold demo accounts."""
    return (await work.session.scalars(select(Tenant.slug).where(Tenant.demo).order_by(Tenant.slug))).all()


async def find_policy(work: Work, *, lock: bool = False) -> SignInPolicy | None:
    """Return the organisation's rules for signing in, None where it has none of its own."""
    statement = select(SignInPolicy).where(SignInPolicy.id == work.tenant_id)
    found: SignInPolicy | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def find_sign_in_name(work: Work, *, name_hash: bytes) -> SignInName | None:
    """Return the row that says that a name is known in this organisation."""
    statement = select(SignInName).where(SignInName.name_hash == name_hash, SignInName.tenant_id == work.tenant_id)
    found: SignInName | None = await work.session.scalar(statement)
    return found
