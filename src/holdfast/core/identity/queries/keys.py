"""Statements on the keys of an organisation."""

from collections.abc import Sequence

from sqlalchemy import select

from holdfast.kernel.keys import TenantKey
from holdfast.kernel.work import Work


async def list_tenant_keys(work: Work, *, lock: bool = False) -> Sequence[TenantKey]:
    """Return the keys of this organisation that have not ended, the newest last; `lock` waits for who seals."""
    statement = select(TenantKey).where(TenantKey.wrapped.is_not(None)).order_by(TenantKey.number)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await work.session.scalars(statement)).all()
