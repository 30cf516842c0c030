"""The unit of work: one tenant, one actor, one transaction, one commit, and what it did written down with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from holdfast.kernel.cache import Cache
from holdfast.kernel.callers import Authenticator, Credential, Presence
from holdfast.kernel.callers import RequestInfo as RequestInfo  # noqa: PLC0414 - offered here too
from holdfast.kernel.clock import Clock
from holdfast.kernel.crypto import Keys
from holdfast.kernel.db import NOBODY
from holdfast.kernel.engines import Database, Link, Write
from holdfast.kernel.engines.faults import RETRY
from holdfast.kernel.engines.meaning import meaning
from holdfast.kernel.errors import Unavailable
from holdfast.kernel.facts import Changes, Fact, Record
from holdfast.kernel.ids import new_id
from holdfast.kernel.keys import Keyring, Masters, load_keyring
from holdfast.kernel.keys.rotation import Position, reseal
from holdfast.kernel.permissions import ANONYMOUS, Actor
from holdfast.kernel.ports import Namer, Queue, Recorder, Teller
from holdfast.kernel.settings import Settings
from holdfast.kernel.tenancy import SYSTEM_TENANT, TenancyError, enter_tenant, open_session, sweep
from holdfast.kernel.versions import check_version as check_version  # noqa: PLC0414 - offered here too

REFUSALS_TRIED = 5


class Work:
    """What a verb works with: session, tenant, actor, clock, ids. The one explicit parameter."""

    __slots__ = (
        "_changes",
        "_ring",
        "_session",
        "actor",
        "announced",
        "facts",
        "house",
        "link",
        "marks",
        "moment",
        "occurred_at",
        "others",
        "presence",
        "request",
        "telling",
        "tenant_id",
    )

    def __init__(
        self,
        house: "Works",
        link: Link,
        tenant_id: UUID,
        actor: Actor,
        request: RequestInfo,
        *,
        presence: Presence | None = None,
    ) -> None:
        self.house = house
        self.link = link
        self.tenant_id = tenant_id
        self.actor = actor
        self.request = request
        self.presence = presence
        self.moment = house.clock()
        # When what is recorded is said to have happened, where that is not now.
        self.occurred_at: datetime | None = None
        self.facts: list[Fact] = []
        # What the recorder drew for this unit of work, kept for `committed` and `voided`.
        self.marks: list[object] = []
        self.others: list[Work] = []
        self.announced = False  # whether jobs became due, so that workers are woken after the commit
        self.telling = False  # whether people were told, so that the teller is asked before the commit
        self._changes = Changes()
        self._session: AsyncSession | None = None
        self._ring: Keyring | None = None

    @property
    def settings(self) -> Settings:
        """Return the installation's settings."""
        return self.house.settings

    @property
    def cursor_key(self) -> bytes:
        """Return the key that seals the cursors of lists."""
        return self.house.keys.cursor

    @property
    def session(self) -> AsyncSession:
        """Return the session on this transaction, bound to the tenant."""
        if self._session is None:
            self._session = open_session(self.link.connection, self.tenant_id, self.actor, self.moment)
            self._session.sync_session.info["changes"] = self._changes
        return self._session

    async def settle(self, tenant_id: UUID) -> None:
        """Go on in a tenant found by an address, for who began in none and read no row; else raise TenancyError."""
        if self.tenant_id != NOBODY or self._session is not None:
            raise TenancyError("a unit of work keeps to one tenant")
        self.tenant_id = tenant_id
        await enter_tenant(self.link, tenant_id)

    def act_as(self, actor: Actor) -> None:
        """Go on as the user that was just recognised: signing in begins as the system."""
        self.actor = actor
        if self._session is not None:
            self._session.sync_session.info["actor_id"] = actor.id

    def now(self) -> datetime:
        """Return the moment at which this unit of work began."""
        return self.moment

    def claim(self, moment: datetime) -> None:
        """Go on as if at a past moment: rows are stamped with it, entries occurred then and were recorded now.

        Holds until the next claim for what `unload` or the commit writes down.
        """
        self.moment = self.occurred_at = moment
        if self._session is not None:
            self._session.sync_session.info["now"] = moment

    def new_id(self) -> UUID:
        """Return a new UUIDv7."""
        return new_id()

    def record(self, fact: Fact) -> None:
        """Note a fact; its entry is written in the same transaction, just before COMMIT."""
        self.facts.append(fact)

    async def enqueue(
        self,
        job: object,
        *,
        unique: str | None = None,
        delay: timedelta = timedelta(0),
        priority: int | None = None,
        as_system: bool = False,
        **ids: object,
    ) -> UUID:
        """Ask for a job in this transaction and return its id; it runs with today's rights of whoever asks now.

        While one with the same `unique` waits, there is no second, and it waits for this commit. `as_system` is for
        what follows from an act, whoever acted. Raises TypeError for ids that the job does not take.
        """
        return await self.house.queue.put(
            self, job, ids, unique=unique, delay=delay, priority=priority, as_system=as_system
        )

    async def tell(
        self, message: str, user_ids: Iterable[UUID], *, key: str | None = None, to: str = "", **told: str
    ) -> None:
        """Tell users, in this transaction, a message that an app declares, with the texts that it is told.

        With a `key` each of them is told once, however often and by whomever it is said. `to` is another address than
        theirs, for a mail. A program is told nothing. Raises TypeError for what is not declared.
        """
        await self.house.teller.tell(self, message, user_ids, told, key=key, to=to)

    async def flush(self) -> None:
        """Send pending rows to the database, so that its constraints answer now."""
        if self._session is not None:
            await self._session.flush()

    async def reset(self) -> None:
        """Give up everything done so far and go on reading in a fresh transaction: for a form that is shown again."""
        if self._session is not None:
            self._session.sync_session.expunge_all()
        self.facts.clear()
        self._changes = Changes()
        self._session = None
        await self.link.rollback()
        await enter_tenant(self.link, self.tenant_id)

    @asynccontextmanager
    async def beside(self, tenant_id: UUID) -> AsyncIterator["Work"]:
        """Act in another tenant within this transaction: for the operators' verbs, which stand in two trails.

        Each of the two units has a session of its own, bound to its tenant for life. Raises TenancyError for anybody
        else.
        """
        if self.tenant_id != SYSTEM_TENANT:
            raise TenancyError("nobody but an operator acts in another tenant")
        await self.flush()
        await enter_tenant(self.link, tenant_id)
        actor = self.actor if self.actor.kind == "system" else replace(self.actor, kind="operator")
        there = Work(self.house, self.link, tenant_id, actor, self.request)
        there.moment = self.moment
        self.others.append(there)
        yield there
        await there.unload()
        await enter_tenant(self.link, self.tenant_id)

    async def unload(self) -> None:
        """Write the rows and entries of what was recorded so far and let go of them; nothing is committed.

        For imports that are too large to hold: a row that is changed again afterwards leaves a second entry.
        Raises CoverageError as `commit` does.
        """
        await self._write_down()
        self.facts.clear()
        self._changes.clear()
        if self._session is not None:
            self._session.expunge_all()
        if self.link.dialect == "postgresql":
            # It plans a foreign key's check once a connection; the plan for an empty table reads all of a full one.
            await self.link.execute("DISCARD PLANS")

    async def keyring(self, *, sealing: bool = False) -> Keyring:
        """Return the organisation's keys; `sealing`, which writes, lets none of them end before the commit."""
        if self._ring is None or (sealing and not self._ring.held):
            self._ring = await load_keyring(self.session, self.house.masters, hold=sealing)
        return self._ring

    async def reseal(self, position: Position, *, limit: int) -> tuple[Position | None, int]:
        """Seal again with the newest key, as `rotation.reseal`; what is said stays, so no entry tells of it."""
        ring = await self.keyring(sealing=True)
        return await reseal(self.link.connection, self.tenant_id, ring, position, limit=limit)

    async def sweep(self, table: Table, *, limit: int, column: str | None = None) -> int:
        """Remove rows for good, as `tenancy.sweep`; the commit fails unless a fact tells how many (`Fact.swept`)."""
        count = await sweep(self.link.connection, self.tenant_id, table, limit=limit, column=column)
        self._changes.swept[table.name if column is None else f"{table.name}.{column}"] += count
        return count

    async def _write_down(self) -> None:
        if self._session is not None:
            pending = self._session.sync_session
            if pending.new or pending.dirty or pending.deleted:  # mostly the verb has flushed already
                await self._session.flush()
        records = self._changes.records(self.facts)
        if records:
            await self.house.recorder.write(self, records)

    async def commit(self) -> None:
        """Flush, check that every changed row is covered by a fact, write the entries, commit.

        Raises CoverageError for an uncovered row. Only the kernel calls this.
        """
        await self._write_down()
        for work in (self, *self.others):
            if work.telling:
                await self.house.teller.committing(work)
        await self.link.commit()
        for work in (self, *self.others):
            self.house.recorder.committed(work)
            work.marks = []
            if work.announced:
                work.announced = False
                self.house.queue.committed()

    async def close(self) -> None:
        """Give the connection back; what is not committed is rolled back."""
        for work in (self, *self.others):
            if work.marks:
                self.house.recorder.voided(work)
        try:
            if self._session is not None:
                self._session.sync_session.expunge_all()
        finally:
            await self.link.close()


@dataclass(slots=True)
class Works:
    """Opens units of work: the composition root fills it once a process."""

    database: Database
    settings: Settings
    clock: Clock
    authenticator: Authenticator
    recorder: Recorder[Work]
    keys: Keys
    masters: Masters
    name_users: Namer[Work]
    cache: Cache
    queue: Queue[Work]
    teller: Teller[Work]
    # Filled by identity: which of the installed applications an organisation has switched off at this moment.
    switched_off: Callable[[Work], Awaitable[frozenset[str]]]
    state: dict[str, object] = field(default_factory=dict)

    @asynccontextmanager
    async def begin(
        self, tenant_id: UUID, actor: Actor, *, write: Write = True, request: RequestInfo | None = None
    ) -> AsyncIterator[Work]:
        """Open a unit of work in a tenant, commit it when the block ends well, roll it back otherwise.

        For jobs, commands and public verbs; requests with a credential use `enter`. `write` as `Database.acquire`.
        """
        link = await self.database.acquire(write=write)
        work = None
        try:
            if tenant_id != NOBODY:  # without the setting no row is seen
                await enter_tenant(link, tenant_id)
            work = Work(self, link, tenant_id, actor, request or RequestInfo())
            yield work
            await work.commit()
        except Exception as error:
            known = meaning(error)
            if known is None or known is error:
                raise
            raise known from error
        finally:
            await (link if work is None else work).close()

    async def enter(self, credential: Credential, *, write: bool, request: RequestInfo) -> Work | None:
        """Open a unit of work for a credential, None where its row gives no access; the caller commits and closes."""
        link = await self.database.acquire(write=write)
        try:
            presence = await self.authenticator.resolve(link, credential, self.clock(), request.ip)
        except BaseException:
            await link.close()
            raise
        if presence is None:
            await link.close()
            return None
        return Work(self, link, credential.tenant_id, presence.actor, request, presence=presence)

    async def refuse(self, tenant_id: UUID, actor: Actor, request: RequestInfo, record: Record) -> None:
        """Write a refusal in a unit of work of its own, committed before the answer.

        MariaDB may choose it for a deadlock's victim: nothing but the refusal is in there, so it is tried again.
        """
        for attempt in range(REFUSALS_TRIED):
            try:
                async with self.begin(tenant_id, actor, request=request) as work:
                    await self.recorder.refuse(work, record)
            except Unavailable as error:
                if error.detail != RETRY or attempt == REFUSALS_TRIED - 1:
                    raise
                await asyncio.sleep(0.01 * (attempt + 1))
            else:
                return

    async def note(self, tenant_id: UUID, actor: Actor, request: RequestInfo, record: Record) -> None:
        """Write of a sensitive read in a unit of work of its own, committed before the answer."""
        async with self.begin(tenant_id, actor, request=request) as work:
            await self.recorder.write(work, [record])


@dataclass(frozen=True, slots=True)
class Gate:
    """What a public verb gets instead of a Work: the means to open units of work, and who calls where that is known."""

    works: Works
    request: RequestInfo
    actor: Actor = ANONYMOUS
    tenant_id: UUID = NOBODY

    @property
    def settings(self) -> Settings:
        """Return the installation's settings."""
        return self.works.settings

    def now(self) -> datetime:
        """Return the server's time."""
        return self.works.clock()
