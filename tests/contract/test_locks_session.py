"""The second of three locks: a tenant's session alone, on a connection that no row-level security binds.

Every way to read or write through a session is tried against another tenant's rows; a plain session lets each through.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest
from operations import Stage
from sqlalchemy import Uuid, delete, exists, func, insert, literal_column, select, text, true, union_all, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased, joinedload, make_transient_to_detached, selectinload, subqueryload

from holdfast.core.directory.models import Company, Person
from holdfast.core.identity.models import RefreshToken
from holdfast.kernel.clock import system_clock
from holdfast.kernel.engines import Database
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import TenancyError, enter_tenant
from holdfast.kernel.work import RequestInfo, Work

pytestmark = [pytest.mark.service, pytest.mark.portable]
COMPANY, TOKEN = Company.__table__, RefreshToken.__table__


@dataclass
class Ground:
    """A session of tenant B, the rows of tenant A that it wants, and a way to look past the session."""

    session: AsyncSession
    connection: AsyncConnection
    a: UUID
    company: UUID
    person: UUID
    token: UUID
    own_company: UUID

    async def found(self, statement) -> bool:
        """Tell whether the first column shows A's company."""
        return self.company in {row[0] for row in await self.session.execute(statement)}

    async def sync(self, act: Callable[[object], object]) -> object:
        return await self.session.run_sync(act)

    async def value(self, column, row_id: UUID) -> object:
        """Return what A's row really holds; None where there is no such row of A."""
        table = column.table
        where = (table.c.tenant_id == self.a, table.c.id == row_id)
        return (await self.connection.execute(select(column).where(*where))).scalar()

    async def renamed(self) -> bool:
        return await self.value(COMPANY.c.name, self.company) != "Ours"

    async def spent(self) -> bool:
        return await self.value(TOKEN.c.successor_id, self.token) is not None

    async def gone(self) -> bool:
        return await self.value(TOKEN.c.id, self.token) is None

    async def arrived(self, row_id: UUID) -> bool:
        return await self.value(COMPANY.c.id, row_id) is not None

    def new(self, row_id: UUID, **more: object) -> Company:
        return Company(id=row_id, code=uuid4().hex[:8], name="new", **more)

    def values(self, row_id: UUID) -> dict[str, object]:
        now, code = system_clock(), uuid4().hex[:8]
        keys = {"code": code, "code_key": code, "name": "new", "name_key": "new", "status": "active"}
        stamps = {"version": 1, "created_at": now, "updated_at": now, "deleted_key": UUID(int=0)}
        return {"tenant_id": self.a, "id": row_id, **keys, **stamps}

    def detached(self) -> Company:
        """Return A's company as an object that the session did not load."""
        company = Company(tenant_id=self.a, id=self.company, version=1, code="X", name="Ours")
        make_transient_to_detached(company)
        return company


Probe = Callable[[Ground], Awaitable[bool]]
PROBES: dict[str, Probe] = {}


def probe(function: Probe) -> Probe:
    """Register a probe; it tells whether A's row was seen or changed."""
    PROBES[function.__name__] = function
    return function


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def reads(name: str, statement: Callable[[Ground], object]) -> None:
    """Register a statement whose first column would be the id of A's company."""

    async def read(ground: Ground) -> bool:
        return await ground.found(statement(ground))

    PROBES[name] = read


ALIAS = aliased(Company)
reads("columns", lambda _: select(Company.id))
reads("columns_of_an_alias", lambda _: select(ALIAS.id))
reads("an_alias_joined_to_own_rows", lambda _: select(ALIAS.id).select_from(Company).join(ALIAS, true()))
reads("subquery", lambda _: select(select(Company).subquery().c.id))
reads("cte", lambda _: select(select(Company.id).cte().c.id))
reads("recursive_cte", lambda _: select(select(Company.id).cte(recursive=True).c.id))
reads("union", lambda _: union_all(select(Company.id), select(Company.id)))
reads("from_union", lambda _: select(union_all(select(Company.id), select(Company.id)).subquery().c.id))
reads("scalar_subquery", lambda g: select(select(Company.id).where(Company.id == g.company).scalar_subquery()))
reads("in_subquery", lambda g: select(Person.company_id).where(Person.company_id.in_(select(Company.id))))
reads("core_table", lambda _: select(COMPANY.c.id))
reads("core_joined_to_a_model", lambda _: select(COMPANY.c.id).select_from(Person).join(COMPANY, true()))
reads("lock", lambda _: select(Company.id).with_for_update())
reads("literal_column", lambda _: select(literal_column("company.id", type_=Uuid())).select_from(Company))


@probe
async def entities(ground: Ground) -> bool:
    return ground.company in {company.id for company in await ground.session.scalars(select(Company))}


@probe
async def entities_of_an_alias(ground: Ground) -> bool:
    return ground.company in {company.id for company in await ground.session.scalars(select(ALIAS))}


@probe
async def stream(ground: Ground) -> bool:
    return ground.company in [company.id async for company in await ground.session.stream_scalars(select(Company))]


@probe
async def legacy_query(ground: Ground) -> bool:
    return ground.company in await ground.sync(lambda s: [company.id for company in s.query(Company)])


@probe
async def count(ground: Ground) -> bool:
    counted = select(func.count()).select_from(Company).where(Company.id == ground.company)
    return bool(await ground.session.scalar(counted))


@probe
async def exists_(ground: Ground) -> bool:
    return bool(await ground.session.scalar(select(exists().where(Company.id == ground.company))))


@probe
async def get(ground: Ground) -> bool:
    return await ground.session.get(Company, (ground.a, ground.company)) is not None


@probe
async def refresh(ground: Ground) -> bool:
    company = ground.detached()
    ground.session.add(company)
    await ground.session.refresh(company)
    return True


@probe
async def merge(ground: Ground) -> bool:
    await ground.session.merge(Company(tenant_id=ground.a, id=ground.company, name="taken over"))
    await ground.session.flush()
    return await ground.renamed()


def loads(name: str, option: Callable[..., object]) -> None:
    """Register a load of a relation."""

    async def load(ground: Ground) -> bool:
        people = await ground.session.scalars(select(Person).options(option(Person.company)))
        return ground.company in {person.company_id and person.company.id for person in people}

    PROBES[name] = load


loads("selectin_load", selectinload)
loads("joined_load", joinedload)
loads("subquery_load", subqueryload)


@probe
async def load_of_many(ground: Ground) -> bool:
    companies = await ground.session.scalars(select(Company).options(selectinload(Company.people)))
    return ground.person in {person.id for company in companies for person in company.people}


@probe
async def refresh_of_a_relation(ground: Ground) -> bool:
    """Load the people of A's company on an object that the session did not load itself."""
    company = ground.detached()
    ground.session.add(company)
    await ground.session.refresh(company, ["people"])
    return ground.person in {person.id for person in company.people}


@probe
async def text_(ground: Ground) -> bool:
    return await ground.found(text("SELECT id FROM company").columns(id=Uuid()))


@probe
async def from_statement(ground: Ground) -> bool:
    raw = select(Company).from_statement(text("SELECT * FROM company"))
    return ground.company in {company.id for company in await ground.session.scalars(raw)}


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

UNSYNCED = {"synchronize_session": False}


@probe
async def update_statement(ground: Ground) -> bool:
    await ground.session.execute(update(Company).values(name="taken over"), execution_options=UNSYNCED)
    return await ground.renamed()


@probe
async def update_of_an_unaudited_table(ground: Ground) -> bool:
    await ground.session.execute(update(RefreshToken).values(successor_id=new_id()), execution_options=UNSYNCED)
    return await ground.spent()


@probe
async def delete_from_an_unaudited_table(ground: Ground) -> bool:
    await ground.session.execute(delete(RefreshToken), execution_options=UNSYNCED)
    return await ground.gone()


@probe
async def update_by_primary_key(ground: Ground) -> bool:
    row = {"tenant_id": ground.a, "id": ground.token, "successor_id": new_id()}
    await ground.session.execute(update(RefreshToken), [row])
    return await ground.spent()


@probe
async def core_update(ground: Ground) -> bool:
    await ground.session.execute(COMPANY.update().values(name="taken over"))
    return await ground.renamed()


@probe
async def core_delete(ground: Ground) -> bool:
    await ground.session.execute(TOKEN.delete())
    return await ground.gone()


@probe
async def text_update(ground: Ground) -> bool:
    await ground.session.execute(text("UPDATE company SET name = 'taken over'"))
    return await ground.renamed()


@probe
async def bulk_update_mappings(ground: Ground) -> bool:
    row = {"tenant_id": ground.a, "id": ground.token, "successor_id": new_id()}
    await ground.sync(lambda s: s.bulk_update_mappings(RefreshToken, [row]))
    return await ground.spent()


@probe
async def bulk_save_of_a_change(ground: Ground) -> bool:
    token = RefreshToken(tenant_id=ground.a, id=ground.token)
    make_transient_to_detached(token)
    token.successor_id = new_id()
    await ground.sync(lambda s: s.bulk_save_objects([token]))
    return await ground.spent()


@probe
async def legacy_query_update(ground: Ground) -> bool:
    change = {"successor_id": new_id()}
    await ground.sync(lambda s: s.query(RefreshToken).update(change, synchronize_session=False))
    return await ground.spent()


@probe
async def change_of_a_detached_object(ground: Ground) -> bool:
    company = ground.detached()
    ground.session.add(company)
    company.name = "taken over"
    await ground.session.flush()
    return await ground.renamed()


@probe
async def delete_of_a_detached_object(ground: Ground) -> bool:
    token = RefreshToken(tenant_id=ground.a, id=ground.token)
    make_transient_to_detached(token)
    await ground.session.delete(token)
    await ground.session.flush()
    return await ground.gone()


@probe
async def add_with_a_foreign_tenant(ground: Ground) -> bool:
    row_id = new_id()
    stamps = {"version": 1, "created_at": system_clock(), "updated_at": system_clock()}
    ground.session.add(ground.new(row_id, tenant_id=ground.a, **stamps))
    await ground.session.flush()
    return await ground.arrived(row_id)


@probe
async def change_of_the_tenant(ground: Ground) -> bool:
    company = (await ground.session.scalars(select(Company).where(Company.id == ground.own_company))).one()
    company.tenant_id = ground.a
    await ground.session.flush()
    return await ground.arrived(ground.own_company)


@probe
async def insert_statement(ground: Ground) -> bool:
    values = ground.values(new_id())
    await ground.session.execute(insert(Company).values(values))
    return await ground.arrived(values["id"])


@probe
async def insert_of_many(ground: Ground) -> bool:
    values = ground.values(new_id())
    await ground.session.execute(insert(Company), [values])
    return await ground.arrived(values["id"])


@probe
async def core_insert(ground: Ground) -> bool:
    values = ground.values(new_id())
    await ground.session.execute(COMPANY.insert().values(values))
    return await ground.arrived(values["id"])


@probe
async def bulk_insert_mappings(ground: Ground) -> bool:
    values = ground.values(new_id())
    await ground.sync(lambda s: s.bulk_insert_mappings(Company, [values]))
    return await ground.arrived(values["id"])


@probe
async def bulk_save_of_a_new_object(ground: Ground) -> bool:
    values = ground.values(new_id())
    await ground.sync(lambda s: s.bulk_save_objects([Company(**values)]))
    return await ground.arrived(values["id"])


# ── the tests ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def leaks(home, owner: Database, org, other, client, *, guarded: bool) -> dict[str, object]:
    """Try every probe in a transaction of its own; return what each saw or changed, or how it was refused."""
    stage = Stage(client, org)
    company = UUID(await stage.company())
    person = UUID(await stage.person(company))
    own_company = UUID(await Stage(client, other).company())
    async with org.work(write=False) as work:
        token = (await work.session.scalars(select(RefreshToken.id).limit(1))).one()
    works = replace(home.works, database=owner)
    outcomes: dict[str, object] = {}
    for name, probe_ in PROBES.items():
        link = await owner.acquire(write=True)
        # On PostgreSQL the setting is there, but the owner of these tests is above row-level security.
        await enter_tenant(link, other.id)
        work = Work(works, link, other.id, SYSTEM, RequestInfo())
        session = work.session if guarded else AsyncSession(link.connection, autoflush=False, expire_on_commit=False)
        ground = Ground(session, link.connection, org.id, company, person, token, own_company)
        assert await ground.value(COMPANY.c.name, company) == "Ours", "another lock is on"
        try:
            outcomes[name] = await probe_(ground)
        except (TenancyError, InvalidRequestError) as error:
            outcomes[name] = type(error)
        finally:
            session.sync_session.expunge_all()
            await work.close()
    return outcomes


async def test_a_tenants_session_alone_sees_and_changes_nothing_of_another(home, owner, org, other, client) -> None:
    outcomes = await leaks(home, owner, org, other, client, guarded=True)
    assert [name for name, outcome in outcomes.items() if outcome is True] == []


async def test_a_plain_session_lets_every_probe_through(home, owner, org, other, client) -> None:
    outcomes = await leaks(home, owner, org, other, client, guarded=False)
    assert {name: outcome for name, outcome in outcomes.items() if outcome is not True} == {}
