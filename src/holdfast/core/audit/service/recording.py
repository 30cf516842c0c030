"""Writing the trail: entries in the business transaction, refusals in one of their own, repeats as one with a count."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from holdfast.core.audit import queries
from holdfast.core.audit.facts import RefusalsRepeated
from holdfast.core.audit.models import LedgerLog
from holdfast.core.audit.service.entry import Entry, Place, build_entry
from holdfast.kernel.facts import Record
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.work import Work, Works


class Trail:
    """The recorder of one process: numbers its entries, so that one taken away before sequencing leaves a gap."""

    def __init__(self) -> None:
        self.epoch = new_id()
        self._last: defaultdict[UUID, int] = defaultdict(int)
        self._void: defaultdict[UUID, list[int]] = defaultdict(list)
        # Tenants in which this process counted repeats that are not yet an entry.
        self.counting: set[UUID] = set()

    async def write(self, work: Work, records: Sequence[Record]) -> None:
        """Insert one entry a record, its parts and its place in the queue, just before COMMIT."""
        await self._insert(work, [self._entry(work, record) for record in records])

    async def _insert(self, work: Work, entries: Sequence[Entry]) -> None:
        await queries.insert_entries(
            work,
            [entry.columns for entry in entries],
            [
                {
                    "tenant_id": work.tenant_id,
                    "id": entry.id,
                    "part": part.name,
                    "lookup": work.request.ip if part.name == "pii" else None,
                    "salt": part.salt,
                    "data": part.data,
                }
                for entry in entries
                for part in entry.parts
            ],
            [{"log_id": work.tenant_id, "entry_id": entry.id, "leaf_hash": entry.leaf_hash} for entry in entries],
        )

    def committed(self, work: Work) -> None:
        """Nothing to mend: the numbers drawn are in the database."""

    def voided(self, work: Work) -> None:
        """Declare the numbers of a rolled-back unit of work in the next entry."""
        self._void[work.tenant_id].extend(number for number in work.marks if isinstance(number, int))

    async def refuse(self, work: Work, record: Record) -> None:
        """Write the refusal, or count it where the same one was written within the minute."""
        same = _sameness(work, record)
        minute = int(work.now().timestamp()) // 60
        known, new = await queries.claim_refusal(work, same=same, minute=minute, entry_id=work.new_id())
        if not new and known.minute == minute:
            known.repeats += 1
            self.counting.add(work.tenant_id)
            return
        if known.repeats:
            work.record(RefusalsRepeated(first_entry=known.entry_id, repeats=known.repeats))
        entry = self._entry(work, record)
        known.minute, known.repeats, known.entry_id = minute, 0, entry.id
        await self._insert(work, [entry])

    async def settle(self, works: Works) -> None:
        """Make entries of the repeats whose minute is over, in the tenants where this process counted some."""
        minute = int(works.clock().timestamp()) // 60
        for tenant_id in tuple(self.counting):
            async with works.begin(tenant_id, SYSTEM) as work:
                await tell_repeats(work, before_minute=minute)
                left = await queries.count_open_refusals(work)
            if not left:
                self.counting.discard(tenant_id)

    def _entry(self, work: Work, record: Record) -> Entry:
        self._last[work.tenant_id] += 1
        number = self._last[work.tenant_id]
        void = self._void.pop(work.tenant_id, [])
        # Should this unit of work roll back too, its number and the ones it would have declared stay to be declared.
        work.marks += [number, *void]
        if work.occurred_at is not None and record.occurred_at is None:
            record = replace(record, occurred_at=work.occurred_at)
        return build_entry(
            record,
            tenant_id=work.tenant_id,
            actor=work.actor,
            request=work.request,
            recorded_at=work.house.clock(),
            place=Place(self.epoch, number, tuple(sorted(void))),
        )


# lint: allow verb – the trail's own housekeeping
async def tell_repeats(work: Work, *, before_minute: int) -> None:
    """Make entries of the repeats that were counted in the minutes before one."""
    for count in await queries.list_repeated_refusals(work, before_minute=before_minute):
        work.record(RefusalsRepeated(first_entry=count.entry_id, repeats=count.repeats))
        count.repeats = 0
    await work.flush()


def open_log(work: Work) -> None:
    """Begin the log of a new tenant."""
    work.session.add(LedgerLog(id=work.tenant_id, origin=f"holdfast/l/{work.tenant_id}", epoch=1, size=0))


def _sameness(work: Work, record: Record) -> bytes:
    what = (record.action, record.outcome, record.reason, record.entity_id, record.detail)
    return hashlib.sha256(repr((work.actor.id, work.request.ip, *what)).encode()).digest()
