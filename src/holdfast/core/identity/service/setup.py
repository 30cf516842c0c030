"""The first administrator: a one-time link for an empty installation, a command for every other."""

from datetime import timedelta
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import SetupRefused, UserExists
from holdfast.core.identity.models import SetupLink, User
from holdfast.core.identity.schemas import OrganizationBrief, SetupOut, TenantStatus, UserBrief
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.own_password import check_password
from holdfast.core.identity.service.tenants import found_tenant
from holdfast.core.identity.service.users import add_user
from holdfast.kernel.crypto import decode, digest, encode, new_secret
from holdfast.kernel.db import folded
from holdfast.kernel.facts import Record
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import ANONYMOUS, SYSTEM, enforce, verb
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Gate, Work, Works

LINK_MINUTES = 30
ADMIN = "Admin"


# lint: allow verb – asked at the start of the program, by nobody
async def needs_setup(works: Works) -> bool:
    """Tell whether nobody can sign in yet: there is no organisation but the operators', and no user in that."""
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        return await queries.count_tenants(work) <= 1 and await queries.count_users(work) == 0


# lint: allow verb – printed at the start of the program, for who reads its output
async def issue_setup_link(works: Works) -> str:
    """Return the secret of a new set-up link, good once and for 30 minutes; earlier links end."""
    secret = new_secret()
    async with works.begin(SYSTEM_TENANT, SYSTEM) as work:
        await _end_links(work)
        expires = work.now() + timedelta(minutes=LINK_MINUTES)
        work.session.add(SetupLink(secret_hash=digest(secret), expires_at=expires))
    return encode(secret)


@verb("identity.setup.complete", access="public", writes=True)
async def complete_setup(
    gate: Gate, *, secret: str, organization: str, slug: str, email: str, name: str, password: str
) -> SetupOut:
    """Make the first organisation and its administrator, and end the link, in one transaction.

    Raises SetupRefused for a link that is unknown, used or too old, WeakPassword, SlugTaken.
    """
    desk = desk_of(gate.works)
    await desk.take_turn(gate, account=None)
    secret_hash = digest(decode(secret) or b"")
    async with gate.works.begin(SYSTEM_TENANT, SYSTEM, write=False, request=gate.request) as work:
        good = await _is_good(work, secret_hash)
    if not good:
        await _refuse(gate)
    check_password(gate.works, password, context=(organization, slug, email, name))
    hashed = await desk.passwords.hash(password)
    tenant_id = new_id()
    async with gate.works.begin(tenant_id, SYSTEM, request=gate.request) as work:
        good = await _is_good(work, secret_hash, lock=True)
        if good:
            await _end_links(work)
            await found_tenant(work, slug=slug, name=organization)
            user = await add_user(work, email=email, name=name, password_hash=hashed, roles=[ADMIN])
    if not good:
        await _refuse(gate)
    return SetupOut(
        organization=OrganizationBrief(id=tenant_id, slug=slug, name=organization), user=UserBrief.model_validate(user)
    )


# lint: allow verb – for the command, which runs with the database's own rights
async def create_admin(
    works: Works, *, organization: str, name: str, email: str, password: str, organization_name: str | None = None
) -> User:
    """Add an administrator to the organisation with this slug, which is made where there is none, for the command.

    Raises WeakPassword, and UserExists where the address is known in the organisation.
    """
    check_password(works, password, context=(organization, organization_name or "", email, name))
    hashed = await desk_of(works).passwords.hash(password)
    known = await find_tenant_id(works, slug=organization)
    async with works.begin(known or new_id(), SYSTEM) as work:
        if known is None:
            await found_tenant(work, slug=organization, name=organization_name or organization)
        elif await queries.find_user_by_name(work, name_key=folded(email)) is not None:
            raise UserExists(f"email: {email} is already known in {organization}")
        return await add_user(work, email=email, name=name, password_hash=hashed, roles=[ADMIN])


# lint: allow verb – turns a handle into an id for a command
async def find_tenant_id(works: Works, *, slug: str) -> UUID | None:
    """Return the id of the organisation with this slug; raise OrganizationState where its data were removed."""
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        tenant = await queries.find_tenant(work, slug=slug)
    if tenant is None:
        return None
    enforce(guards.can_be_worked_on(TenantStatus(tenant.status)))
    return tenant.id


async def _is_good(work: Work, secret_hash: bytes, *, lock: bool = False) -> bool:
    link = await queries.find_setup_link(work, secret_hash=secret_hash, lock=lock)
    return link is not None and link.expires_at > work.now() and await queries.count_tenants(work) <= 1


async def _end_links(work: Work) -> None:
    for link in await queries.list_setup_links(work, lock=True):
        await work.session.delete(link)
    await work.flush()


async def _refuse(gate: Gate) -> None:
    """Write the attempt into the operators' trail and raise SetupRefused."""
    error = SetupRefused()
    record = Record(
        action="identity.setup.complete", category="access", severity="warning", outcome="refused", reason=error.code
    )
    await gate.works.refuse(SYSTEM_TENANT, ANONYMOUS, gate.request, record)
    raise error
