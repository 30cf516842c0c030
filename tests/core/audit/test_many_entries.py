"""One entry and many are inserted by different statements: both leave the same rows."""

import hashlib
from collections import Counter

import pytest
from sqlalchemy import select

from holdfast.core.audit.models import AuditEntry, AuditPart, LedgerQueue
from holdfast.core.directory.facts import CompanyCreated
from holdfast.core.directory.models import Company
from support import Org

pytestmark = [pytest.mark.service, pytest.mark.portable]


@pytest.mark.parametrize("count", [1, 3, 40])
async def test_every_entry_has_its_parts_and_its_place_in_the_queue(org: Org, count: int) -> None:
    async with org.work() as work:
        companies = [Company(id=work.new_id(), code=f"C{number}", name=f"Name {number} ü") for number in range(count)]
        for company in companies:
            work.session.add(company)
            work.record(CompanyCreated(entity=company, reason="because"))
    async with org.work(write=False) as work:
        statement = (
            select(AuditEntry).where(AuditEntry.action == "directory.company.created").order_by(AuditEntry.writer_seq)
        )
        entries = (await work.session.scalars(statement)).all()
        parts = (
            await work.session.scalars(select(AuditPart).where(AuditPart.id.in_([entry.id for entry in entries])))
        ).all()
        queue = select(LedgerQueue.entry_id, LedgerQueue.leaf_hash).where(LedgerQueue.log_id == org.id)
        queued = (await work.link.connection.execute(queue.order_by(LedgerQueue.seq))).all()
    assert [entry.entity_id for entry in entries] == [company.id for company in companies]
    assert all(entry.leaf_hash == hashlib.sha256(b"\0" + entry.core).digest() for entry in entries)
    assert Counter(part.id for part in parts) == {entry.id: 2 for entry in entries}
    assert all(part.salt and part.data and part.lookup is None for part in parts)
    wanted = {entry.id for entry in entries}
    assert [row for row in queued if row[0] in wanted] == [(entry.id, entry.leaf_hash) for entry in entries]
