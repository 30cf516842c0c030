"""Identity's part of the demo data: sign-ins, roles, rules. Only the sign-ins have passwords."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.demo.access import Account, Given, Staffing, load_access, user_id_of
from holdfast.core.identity.demo.plans import ACCESS, AccessPlan, Place
from holdfast.core.identity.models import ScopeKind
from holdfast.core.identity.public import add_user, find_tenant_id, found_tenant
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Work, Works

__all__ = [
    "ACCESS",
    "OPERATOR",
    "PASSWORD",
    "ROLES",
    "SCOPED",
    "AccessPlan",
    "Account",
    "Given",
    "Place",
    "ScopeKind",
    "SignInAccount",
    "Staffing",
    "add_operator",
    "find_tenant_id",
    "found_demo_tenant",
    "has_demo",
    "has_other",
    "hash_password",
    "load_access",
    "user_id_of",
]

PASSWORD = "password123"  # noqa: S105  known to everyone: the start refuses it outside the demo
ROLES = {"ceo": "Admin", "operator": "Operator", "user": "User", "viewer": "Viewer", "auditor": "Auditor"}
# Sign-ins that hold a role in a part of the organisation: a department, a branch, a company, a group.
SCOPED = ("lead", "manager", "reviewer", "trainer")


@dataclass(frozen=True, slots=True)
class SignInAccount:
    """A demo sign-in: address, password, the name shown, the role."""

    email: str
    password: str
    name: str
    role: str


OPERATOR = SignInAccount("superadmin@system.com", "SuperAdmin123!", "System Operator", "Admin")


async def hash_password(works: Works, password: str) -> str:
    """Return a new hash of a demo password."""
    return await desk_of(works).passwords.hash(password)


async def found_demo_tenant(
    work: Work,
    *,
    slug: str,
    name: str,
    industry: str,
    country: str,
    founded: datetime,
    chief: SignInAccount,
    hashed: str,
) -> UUID:
    """Make a demo organisation and its first administrator, whose password is hashed; return the administrator's id."""
    work.claim(founded)
    await found_tenant(work, slug=slug, name=name, industry=industry, country=country, demo=True)
    user_id = user_id_of(slug, founded, chief.email)
    await _add(work, chief, hashed, user_id)
    await work.unload()
    return user_id


async def add_operator(works: Works, *, founded: datetime) -> None:
    """Add the demo operator to the operators' organisation, which is a demo one from then on."""
    hashed = await hash_password(works, OPERATOR.password)
    async with works.begin(SYSTEM_TENANT, SYSTEM) as work:
        tenant = await queries.find_tenant(work, slug="system")
        assert tenant is not None
        tenant.demo = True
        work.claim(founded)
        await _add(work, OPERATOR, hashed, user_id_of("system", founded, OPERATOR.email))


async def has_demo(works: Works) -> bool:
    """Tell whether the database holds demo accounts."""
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        return bool(await queries.list_demo_slugs(work))


async def has_other(works: Works) -> bool:
    """Tell whether the database holds organisations or operators that are not of the demo."""
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        demo = await queries.list_demo_slugs(work)
        tenants = await queries.count_tenants(work)
        return tenants > len(set(demo) | {"system"}) or ("system" not in demo and await queries.count_users(work) > 0)


async def _add(work: Work, account: SignInAccount, hashed: str, user_id: UUID) -> None:
    await add_user(
        work,
        email=account.email,
        name=account.name,
        password_hash=hashed,
        roles=[account.role],
        demo=True,
        user_id=user_id,
    )
