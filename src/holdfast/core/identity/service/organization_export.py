"""Everything that an organisation holds, written out as one file."""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import inspect

from holdfast.core.identity import queries
from holdfast.core.identity.facts import OrganizationExported
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.db import TenantOwned, canonical
from holdfast.kernel.facts import plain
from holdfast.kernel.permissions import Actor, verb
from holdfast.kernel.work import RequestInfo, Work, Works

FORMAT = "holdfast-organization/1"
# The mechanism of signing in, of no use elsewhere and a danger there; and what follows from people.
LEFT_OUT = frozenset(
    {
        "idempotency_key",
        "announcement",
        "notice",
        "person_word",
        "recovery_code",
        "refresh_token",
        "refusal_count",
        "sign_in_challenge",
        "user_password",
        "user_token",
        "user_totp",
    }
)


@verb("platform.organization.export", writes=True, personal=True, step_up=True, cost=10)
async def begin_export(work: Work, *, organization_id: UUID) -> str:
    """Write into both trails that everything is written out, and return the handle; raise OrganizationNotFound."""
    tenant = await queries.get_tenant_by_id(work, tenant_id=organization_id)
    told = OrganizationExported(slug=tenant.slug)
    if tenant.id != work.tenant_id:
        async with work.beside(tenant.id) as there:
            there.record(told)
    work.record(told)
    return tenant.slug


# lint: allow verb – goes on after the verb above was committed, while the answer leaves
async def export_lines(works: Works, tenant_id: UUID, actor: Actor, request: RequestInfo) -> AsyncIterator[bytes]:
    """Yield an organisation's rows as JSON lines: one with the format first, then a table and a row in each.

    Hashes and sealed fields are left out. Rows that change meanwhile are written as they are when their turn comes.
    """
    yield canonical({"format": FORMAT, "organization_id": str(tenant_id), "at": rfc3339(works.clock())}) + b"\n"
    async with works.begin(tenant_id, actor, write=False, request=request) as work:
        for model in queries.exported_models():
            name = str(inspect(model).local_table.name)
            if name in LEFT_OUT:
                continue
            columns = _columns(model)
            async for rows in queries.batches_of(work, model):
                lines = [
                    canonical({"table": name, "row": {key: plain(getattr(row, key)) for key in columns}})
                    for row in rows
                ]
                work.session.expunge_all()
                yield b"\n".join(lines) + b"\n"


def _columns(model: type[TenantOwned]) -> list[str]:
    """Return the names of the columns that are written out: what is secret is not, nor what follows from another."""
    return [
        attribute.key
        for attribute in inspect(model).column_attrs
        if attribute.key != "tenant_id" and attribute.columns[0].info.get("audit") not in ("secret", "omit")
    ]
