"""Statements on the installation's organisations, and on emergency accesses."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, func, inspect, literal, select, tuple_

from holdfast.core.identity.errors import EmergencyAccessNotFound, OrganizationNotFound
from holdfast.core.identity.models import BreakGlass
from holdfast.core.identity.schemas import BreakGlassOut, TenantStatus
from holdfast.kernel.db import Base, TenantOwned
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Inward
from holdfast.kernel.tenancy import Tenant, tenant_tables
from holdfast.kernel.work import Work

AT_ONCE = 500


class TenantList(Inward):
    """How the list of organisations is filtered and paged; by handle."""

    q: Annotated[str | None, Field(max_length=63, description="A part of the handle.")] = None
    status: TenantStatus | None = None
    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=200)] = 50


async def list_tenants(work: Work, params: TenantList) -> tuple[Sequence[Tenant], int]:
    """Return one page of the installation's organisations and how many there are."""
    conditions: list[ColumnElement[bool]] = []
    if params.q:
        conditions.append(Tenant.slug.contains(params.q.lower(), autoescape=True))
    if params.status:
        conditions.append(Tenant.status == params.status)
    total = await work.session.scalar(select(func.count()).select_from(Tenant).where(*conditions))
    page = select(Tenant).where(*conditions).order_by(Tenant.slug)
    page = page.limit(params.page_size).offset((params.page - 1) * params.page_size)
    return (await work.session.scalars(page)).all(), total or 0


async def get_tenant_by_id(work: Work, *, tenant_id: UUID, lock: bool = False) -> Tenant:
    """Return the anchor of an organisation; raise OrganizationNotFound."""
    statement = select(Tenant).where(Tenant.id == tenant_id)
    found: Tenant | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise OrganizationNotFound
    return found


class BreakGlassList(ListParameters):
    """How the list of emergency accesses is filtered; the latest comes first."""

    operator_id: UUID | None = None
    target_id: UUID | None = None
    open: Annotated[bool | None, Field(description="Whether it was not ended before its time.")] = None


BREAK_GLASS = HotList(
    "identity.break_glass",
    BreakGlass,
    columns={name: getattr(BreakGlass, name) for name in BreakGlassOut.model_fields},
    sorts={"opened_at": BreakGlass.opened_at},
    default_sort="-opened_at",
    filters={
        "operator_id": lambda value: BreakGlass.operator_id == value,
        "target_id": lambda value: BreakGlass.target_id == value,
        "open": lambda value: BreakGlass.ended_at.is_(None) if value else BreakGlass.ended_at.is_not(None),
    },
)


async def get_break_glass(work: Work, *, access_id: UUID) -> BreakGlass:
    """Return an emergency access, locked; raise EmergencyAccessNotFound."""
    found = await work.session.scalar(select(BreakGlass).where(BreakGlass.id == access_id).with_for_update())
    if found is None:
        raise EmergencyAccessNotFound
    return found


def exported_models() -> Sequence[type[TenantOwned]]:
    """Return the models of every table that belongs to an organisation, in name order."""
    names = [table.name for table in tenant_tables()]
    by_name = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
    return [by_name[name] for name in names]


async def batches_of(work: Work, model: type[TenantOwned]) -> AsyncIterator[Sequence[TenantOwned]]:
    """Yield all rows of this organisation in a table, a few hundred at a time, by their keys."""
    key = [column for column in inspect(model).primary_key if column.name != "tenant_id"]
    statement = select(model).order_by(*key).limit(AT_ONCE)
    last: list[Any] | None = None
    while True:
        after = statement if last is None else statement.where(tuple_(*key) > tuple_(*last))
        rows = (await work.session.scalars(after)).all()
        if not rows:
            return
        last = [literal(getattr(rows[-1], column.name), column.type) for column in key]
        yield rows
