"""Whom a message reaches: users as what tells them needs them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.queries import Recipient as Recipient  # noqa: PLC0414  offered here too
from holdfast.core.identity.schemas import Audience, TenantStatus
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.kernel.work import Work, Works


# lint: allow verb – for what sends
async def list_open_organizations(works: Works) -> list[UUID]:
    """Return the organisations whose messages are sent: those that may be entered."""
    async with works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        return [each.id for each in await queries.list_every_tenant(work) if each.status == TenantStatus.ACTIVE]


# lint: allow verb – for what tells people
async def recipients_of(work: Work, user_ids: Collection[UUID]) -> dict[UUID, Recipient]:
    """Return the users of this organisation among these ids, deleted ones and programs too; one query for all."""
    return await queries.list_recipients(work, user_ids=user_ids)


# lint: allow verb – for what tells people
async def next_in_audience(work: Work, audience: Audience, *, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Return the users in an audience as it is now, in the order of their ids, those after one."""
    return await queries.list_users_in_audience(work, audience, after=after, limit=limit)
