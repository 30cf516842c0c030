"""Statements that remove everything of an organisation but its trail."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Table, func, or_, select

from holdfast.core.identity.models import SignInName
from holdfast.core.identity.schemas import TenantStatus
from holdfast.kernel.db import Base
from holdfast.kernel.jobs.tables import JOB
from holdfast.kernel.keys import TenantKey
from holdfast.kernel.tenancy import Tenant, tenant_tables
from holdfast.kernel.work import Work


async def list_due_tenants(work: Work) -> Sequence[Tenant]:
    """Return the organisations whose waiting time is over, and those whose removal was begun, by handle."""
    waited = (Tenant.status == TenantStatus.DELETING) & (Tenant.delete_after <= work.now())
    due = select(Tenant).where(or_(Tenant.status == TenantStatus.PURGING, waited)).order_by(Tenant.slug)
    return (await work.session.scalars(due)).all()


async def list_every_tenant(work: Work) -> Sequence[Tenant]:
    """Return every organisation of the installation, by handle."""
    return (await work.session.scalars(select(Tenant).order_by(Tenant.slug))).all()


async def sweep_tenant(work: Work, *, limit: int) -> Mapping[str, int]:
    """Remove about `limit` rows of this organisation, and return how many by table; fewer than that: nothing is left.

    Links that would hold rows up are emptied first; these count as well, by table and column.
    """
    done: dict[str, int] = {}
    for table, column in links_and_tables():
        left = limit - sum(done.values())
        if left <= 0:
            break
        count = await work.sweep(table, limit=left, column=column)
        if count:
            done[table.name if column is None else f"{table.name}.{column}"] = count
    return done


async def count_rows(work: Work) -> Mapping[str, int]:
    """Return how many rows of this organisation each table holds that a removal empties."""
    models = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
    found: dict[str, int] = {}
    for table in sorted((table for table, column in links_and_tables() if column is None), key=lambda each: each.name):
        model = models[table.name]
        rows = select(func.count()).select_from(model).where(model.tenant_id == work.tenant_id)
        found[table.name] = await work.session.scalar(rows) or 0
    return {name: count for name, count in found.items() if count}


def links_and_tables() -> Sequence[tuple[Table, str | None]]:
    """Return what a removal goes through in its order: keys, links to empty, then tables, children before parents.

    Without the keys whatever is sealed is closed to everybody. Links are those between rows of one table and those of
    two tables that point at each other. The trail stays.
    """
    ours = {table for table in tenant_tables() if not table.info.get("insert_only")}
    ours |= {Base.metadata.tables[SignInName.__tablename__], JOB}
    tables = [table for table in reversed(Base.metadata.sorted_tables) if table in ours]
    links = [
        (table, column.name)
        for table in tables
        for key in sorted(table.foreign_key_constraints, key=lambda each: str(each.name))
        if key.use_alter or key.referred_table is table
        for column in key.columns
        if column.name != "tenant_id"
    ]
    keys = Base.metadata.tables[TenantKey.__tablename__]
    return [(keys, None), *links, *((table, None) for table in tables if table is not keys)]
