"""Addresses that an organisation does not write to: because nobody is there, or because a person asked for it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from holdfast.core.notify import queries
from holdfast.core.notify.facts import AddressSuppressed, SuppressionLifted
from holdfast.core.notify.guards import may_write
from holdfast.core.notify.models import Reason, Suppression
from holdfast.core.notify.schemas import SuppressionCreate, SuppressionOut
from holdfast.core.notify.service.outbox import Returned, Taken, address_key
from holdfast.kernel.permissions import verb
from holdfast.kernel.schemas import Meta, Page
from holdfast.kernel.work import Work

MAX_SAID = 500


@verb("notify.suppression.read", sensitive=True)
async def list_suppressions(work: Work, params: queries.SuppressionList) -> Page[SuppressionOut]:
    """Return one page of the addresses that are not written to, the latest first."""
    ring, given = await work.keyring(), params.given()
    address = given.pop("address", None)
    if isinstance(address, str):
        given["address_key"] = address_key(ring, address)
    rows, meta = await queries.SUPPRESSIONS.rows_and_meta(work, queries.SuppressionsFound.model_validate(given))
    ids = [UUID(row["id"]) for row in rows]
    sealed = await queries.addresses_of(work, ids=ids)
    plain = [ring.open(Suppression.address, each, sealed[each]).decode() for each in ids]
    shown = [SuppressionOut(**row, address=address) for row, address in zip(rows, plain, strict=True)]
    return Page[SuppressionOut](data=shown, meta=Meta.model_validate(meta))


@verb("notify.suppression.read", sensitive=True)
async def read_suppression(work: Work, *, suppression_id: UUID) -> SuppressionOut:
    """Return one address that is not written to; raise SuppressionNotFound."""
    return await _shown(work, await queries.get_suppression(work, suppression_id=suppression_id))


@verb("notify.suppression.edit", writes=True)
async def suppress_address(work: Work, *, fields: SuppressionCreate) -> SuppressionOut:
    """Write to an address no more; raise UniqueViolation naming `body.address` for one that is known already."""
    row = await _add(work, fields.address, reason=Reason.MANUAL, said=fields.said)
    await work.flush()
    return await _shown(work, row)


@verb("notify.suppression.edit", writes=True)
async def lift_suppression(work: Work, *, suppression_id: UUID) -> None:
    """Let an address be written to again; raise SuppressionNotFound."""
    row = await queries.get_suppression(work, suppression_id=suppression_id, lock=True)
    work.record(SuppressionLifted(entity=row))
    await work.session.delete(row)


# lint: allow verb – a step of what sends, and of what reads what comes back
async def suppress(work: Work, address: str, *, reason: Reason, said: str) -> None:
    """Write to an address no more, unless it is known already; a dead one counts for more than a person's word.

    Raises UniqueViolation where another does the same at this moment.
    """
    known = await queries.find_suppression(work, address_key=address_key(await work.keyring(), address))
    if known is None:
        await _add(work, address, reason=reason, said=said)
    elif reason is Reason.BOUNCED and known.reason is not reason:
        known.reason, known.said = reason, said[:MAX_SAID]
        work.record(AddressSuppressed(entity=known))
    await work.flush()


# lint: allow verb – a step of what sends
async def held_back(work: Work, taken: Iterable[Taken]) -> Mapping[UUID, Reason]:
    """Return which of these messages must not go out, and why."""
    messages = list(taken)
    reasons = await queries.reasons_of(work, keys=[each.to_key for each in messages]) if messages else {}
    found = ((each, reasons.get(each.to_key)) for each in messages)
    return {each.id: why for each, why in found if why is not None and not may_write(why, fixed=each.fixed)}


# lint: allow verb – a step of what reads what comes back
async def address_behind(work: Work, returned: Returned, named: Iterable[str]) -> str | None:
    """Return the address that a message went to: its user's, or one that was `named`; None where it is neither.

    What is named by whoever sends a report is taken only where it is the one that was written to.
    """
    ring = await work.keyring()
    for address in (returned.email or "", *named):
        if address and address_key(ring, address) == returned.to_key:
            return address
    return None


async def _add(work: Work, address: str, *, reason: Reason, said: str) -> Suppression:
    ring = await work.keyring(sealing=True)
    row = Suppression(
        id=work.new_id(),
        address_key=address_key(ring, address),
        reason=reason,
        said=said[:MAX_SAID],
        created_at=work.now(),
        created_by=work.actor.id,
    )
    row.address = ring.seal(Suppression.address, row.id, address)
    work.session.add(row)
    work.record(AddressSuppressed(entity=row))
    return row


async def _shown(work: Work, row: Suppression) -> SuppressionOut:
    address = (await work.keyring()).open(Suppression.address, row.id, row.address).decode()
    plain = {name: getattr(row, name) for name in SuppressionOut.model_fields if name != "address"}
    return SuppressionOut(**plain, address=address)
