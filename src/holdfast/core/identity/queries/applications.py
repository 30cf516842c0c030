"""Statements on which applications an organisation has switched off."""

import json

from sqlalchemy import select

from holdfast.core.identity.models import ApplicationChoice
from holdfast.kernel.db import driver_value
from holdfast.kernel.work import Work

# Asked with each request for an application, so on the driver, in its placeholders: tenant and id, which is the tenant.
_SWITCHED_OFF = "SELECT c.switched_off FROM application_choice c WHERE c.tenant_id = ? AND c.id = ?"
_BY_DIALECT = {
    "sqlite": _SWITCHED_OFF,
    "mysql": _SWITCHED_OFF.replace("?", "%s"),
    "postgresql": _SWITCHED_OFF.replace("?", "$1"),
}


async def list_switched_off(work: Work) -> frozenset[str]:
    """Return the names that this organisation has switched off."""
    values = [driver_value(work.link.dialect, work.tenant_id)]
    if work.link.dialect != "postgresql":
        values *= 2
    rows = await work.link.fetch(_BY_DIALECT[work.link.dialect], values)
    return frozenset(json.loads(rows[0][0])) if rows else frozenset()


async def find_application_choice(work: Work, *, lock: bool = False) -> ApplicationChoice | None:
    """Return this organisation's choice, None where it has made none."""
    statement = select(ApplicationChoice).where(ApplicationChoice.id == work.tenant_id)
    found: ApplicationChoice | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found
