"""Whose row is it: the two kinds of table, and the session that keeps to one tenant for life.

The first lock is the schema (composite keys, `kernel/db.py`), the second is the guard below, the third is row-level
security (`migrations/protection.py`). Each holds alone; the tests prove it with the other two off.
"""

from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import ClauseElement, Table, Uuid, delete, event, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import FromStatement, Mapped, ORMExecuteState, Session, UOWTransaction, mapped_column
from sqlalchemy.orm import with_loader_criteria as loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from holdfast.kernel.db import Base, InstallationOwned, Str, TenantOwned, Tracked, UtcDateTime
from holdfast.kernel.engines import Link
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import Actor

# The tables without row-level security: ids, states, counts and hashes only; a test refuses any other.
INSTALLATION_TABLES = frozenset(
    {
        *("tenant", "sign_in_name", "throttle", "ledger_log", "ledger_queue", "setup_link", "alembic_version"),
        *("job", "schedule"),
    }
)


# The organisation `system`, whose users run the installation; it has the same id everywhere.
SYSTEM_TENANT = UUID("00000000-0000-7000-8000-000000000001")


class TenancyError(RuntimeError):
    """The code tried to leave its tenant; always a defect, never a caller's fault."""


class Tenant(InstallationOwned, Base):
    """The anchor of an organisation: its id, its public handle, whether it may be entered."""

    __tablename__ = "tenant"
    __audited__ = False  # its organisation record leaves the entries

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(Str(63), unique=True)
    status: Mapped[str] = mapped_column(Str(20))
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    delete_after: Mapped[datetime | None] = mapped_column(UtcDateTime)


def tenant_tables() -> tuple[Table, ...]:
    """Return the tenant-owned tables of every loaded model, in name order."""
    tables = {
        mapper.local_table.name: mapper.local_table
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, TenantOwned) and isinstance(mapper.local_table, Table)
    }
    return tuple(tables[name] for name in sorted(tables))


class TenantSession(Session):
    """A session that reads and writes rows of one tenant only."""

    @property
    def tenant_id(self) -> UUID:
        """Return the tenant of this session."""
        found: UUID = self.info["tenant_id"]
        return found

    def bulk_save_objects(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: bulk forms run no event, so that nothing is stamped, checked or recorded."""
        raise TenancyError("bulk forms are neither kept to one tenant nor recorded: add the rows to the session")

    def bulk_insert_mappings(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse, as `bulk_save_objects`."""
        self.bulk_save_objects()

    def bulk_update_mappings(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse, as `bulk_save_objects`."""
        self.bulk_save_objects()


def open_session(connection: AsyncConnection, tenant_id: UUID, actor: Actor, now: datetime) -> AsyncSession:
    """Return a session on the connection's transaction, bound to the tenant for its whole life."""
    return AsyncSession(
        bind=connection,
        sync_session_class=TenantSession,
        autoflush=False,
        expire_on_commit=False,
        info={
            "tenant_id": tenant_id,
            "actor_id": actor.id,
            "now": now,
        },
    )


async def enter_tenant(link: Link, tenant_id: UUID) -> None:
    """Bind the link's transaction to a tenant; on PostgreSQL row-level security follows this setting.

    The setting is local to the transaction: a pooled connection never carries it on.
    """
    if link.dialect == "postgresql":
        await link.fetch("SELECT set_config('holdfast.tenant', $1, true)", (str(tenant_id),))


async def sweep(
    connection: AsyncConnection, tenant_id: UUID, table: Table, *, limit: int, column: str | None = None
) -> int:
    """Remove rows of one tenant from a table, by key, about `limit` at most; return how many.

    With `column` they stay and only that is emptied. It is the one statement that goes past the session, which must
    hold none of the rows.
    """
    key = next(each for each in table.primary_key if each.name != "tenant_id")
    mine = [table.c.tenant_id == tenant_id]
    if column is not None:
        mine.append(table.c[column].is_not(None))
    last = await connection.scalar(select(key).where(*mine).order_by(key).limit(1).offset(limit - 1))
    if last is not None:
        mine.append(key <= last)
    statement = delete(table) if column is None else update(table).values({column: None})
    return (await connection.execute(statement.where(*mine))).rowcount


@event.listens_for(TenantSession, "do_orm_execute")
def _keep_to_tenant(state: ORMExecuteState) -> None:
    """Add the tenant to every ORM statement and refuse every other kind."""
    if not state.is_orm_statement or isinstance(state.statement, FromStatement):
        raise TenancyError("only ORM statements run in a session; others cannot be kept to one tenant")
    if not (state.is_select or state.is_update or state.is_delete):
        raise TenancyError("rows are inserted through the session, so that they are stamped and recorded")
    if state.is_executemany:
        raise TenancyError("a statement for many rows goes by their keys alone and cannot be kept to one tenant")
    mapper = state.bind_mapper
    if not state.is_select and (mapper is None or mapper.class_.__audited__):
        raise TenancyError("a bulk statement leaves no entries: load the rows and change them")
    info = state.session.info
    criteria = info.get("criteria")
    if criteria is None:
        # Made with the first statement: it costs more than what a unit of work that only inserts does here.
        criteria = info["criteria"] = _criteria(info["tenant_id"])
    state.statement = state.statement.options(criteria)


def _criteria(tenant_id: UUID) -> ExecutableOption:
    return loader_criteria(TenantOwned, lambda model: model.tenant_id == tenant_id, include_aliases=True)


@event.listens_for(TenantSession, "before_attach")
def _refuse_foreign(session: TenantSession, row: object) -> None:
    """Refuse another tenant's row that was loaded elsewhere: refreshing one asks for its key, not for the tenant."""
    if isinstance(row, TenantOwned):
        key = inspect(row).identity
        held = key[0] if key else vars(row).get("tenant_id")
        if held is not None and held != session.tenant_id:
            raise TenancyError(f"a {type(row).__name__} of another tenant was given to the session")


@event.listens_for(TenantSession, "before_flush")
def _stamp(session: TenantSession, _context: UOWTransaction, _instances: object) -> None:
    """Stamp new rows with the tenant, refuse a foreign or changed one, and fill the bookkeeping columns."""
    now, actor_id = session.info["now"], session.info["actor_id"]
    for row in session.new:
        if isinstance(row, TenantOwned):
            _stamp_tenant(session, row)
        if isinstance(row, Tracked):
            row.created_at = row.created_at or now
            row.updated_at = row.updated_at or now
            row.created_by = row.created_by or actor_id
            row.updated_by = row.updated_by or actor_id
    for row in session.dirty:
        if isinstance(row, TenantOwned):
            _refuse_other_tenant(session, row)
            _refuse_expressions(row)
        if isinstance(row, Tracked) and session.is_modified(row):
            row.updated_at, row.updated_by = now, actor_id
    for row in session.deleted:
        if isinstance(row, TenantOwned):
            _refuse_other_tenant(session, row)


def _stamp_tenant(session: TenantSession, row: TenantOwned) -> None:
    if row.tenant_id is None:
        row.tenant_id = session.tenant_id
    elif row.tenant_id != session.tenant_id:
        raise TenancyError(f"a {type(row).__name__} of another tenant was added to the session")
    _refuse_expressions(row)


def _refuse_other_tenant(session: TenantSession, row: TenantOwned) -> None:
    if row.tenant_id != session.tenant_id or inspect(row).attrs.tenant_id.history.deleted:
        raise TenancyError(f"the tenant of a {type(row).__name__} cannot be changed")


def _refuse_expressions(row: object) -> None:
    """Refuse SQL expressions as values: they would change the row without a trace in the entry."""
    for name, value in vars(row).items():
        if isinstance(value, ClauseElement):
            raise TenancyError(f"{type(row).__name__}.{name} was given an SQL expression instead of a value")
