"""Taking bytes in before any transaction: stored, hashed, told by their content, scanned; then a verb uses them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from holdfast.core.files import guards, queries
from holdfast.core.files.errors import FileNotFound, UploadStalled
from holdfast.core.files.facts import FileInfected
from holdfast.core.files.models import File, FileSpace, Scan, StoredObject
from holdfast.core.files.service.cabinet import Cabinet, cabinet_of, parts_of
from holdfast.core.files.service.scanning import Finding
from holdfast.core.files.service.types import HEAD, TAIL, contradicts, media_type_of, refined
from holdfast.kernel.errors import Conflict, ContentTooLarge, FieldError
from holdfast.kernel.ids import new_id
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.permissions import enforce
from holdfast.kernel.plugins import FileRule
from holdfast.kernel.settings import Settings
from holdfast.kernel.storage import Receipt, blocks_of, key_of, read_ahead, read_all
from holdfast.kernel.work import Gate, Work

STALLED_SECONDS = 60.0  # without a byte

log = structlog.get_logger("holdfast.files")


@dataclass(slots=True)
class Incoming:
    """A content that was taken in and stands at its address, in use or not yet; fills the kernel's `Staged`."""

    gate: Gate
    object_id: UUID
    name: str
    rule: FileRule
    size: int
    sha256: str
    by_bytes: str
    media_type: str
    finding: Finding
    owner_kind: str | None = None
    owner_id: UUID | None = None
    adopted: bool = False
    spare: tuple[str, ...] = field(default=())  # addresses that are given up once this is in use

    @property
    def digest(self) -> bytes:
        """Return what tells this content, under this name, from another."""
        return f"{self.sha256} {self.rule.name} {self.owner_kind} {self.owner_id} {self.name}".encode()

    async def settle(self, *, answered: bool) -> None:
        """Remove the bytes unless a row names them; what fails here is removed by `remove_strays`."""
        cabinet = cabinet_of(self.gate.works)
        try:
            if answered and self.spare:
                await cabinet.storage.delete(*self.spare)
            if answered and self.adopted:
                return
            if not answered and self.adopted and await _is_named(self.gate, self.object_id):
                return  # the commit went through, though its answer was lost
            await cabinet.storage.delete(*parts_of(self.gate.tenant_id, self.object_id))
        except Exception:
            log.exception("bytes_left_behind", object_id=str(self.object_id))


# lint: allow verb – what verbs with a body ask before it is read; they ask for the permission
async def make_ready(gate: Gate, *, rule: str, size: int | None, file_id: UUID | None = None) -> FileRule:
    """Return the rule for a body that is about to come, after everything that can be refused before it was.

    Raises Invalid for an unknown rule, Forbidden, FileNotFound, QuotaExceeded and ContentTooLarge.
    """
    cabinet = cabinet_of(gate.works)
    async with gate.works.begin(gate.tenant_id, gate.actor, write=False, request=gate.request) as work:
        space = await queries.find_space(work)
        if file_id is not None:
            file = await queries.get_file(work, file_id=file_id)
            found = cabinet.rule_of(file.rule)
            if not guards.can_read(gate.actor, found):
                raise FileNotFound
        else:
            found = cabinet.rule(rule)
        cabinet.require_write(gate.actor, found)
        taken = (0 if space is None else space.used) + await queries.announced(work)
        enforce(guards.has_room(taken, size or 0, guards.quota_of(space, gate.settings)))
    most = limit_of(gate.settings, found)
    if size is not None and size > most:
        raise too_large(most)
    if space is None:
        await _make_space(gate)
    return found


def limit_of(settings: Settings, rule: FileRule) -> int:
    """Return how many bytes a file of a rule may have."""
    most = settings.files_max_bytes
    return most if rule.max_bytes is None else min(most, rule.max_bytes)


# lint: allow verb – the part that every way of uploading shares; the verb that uses it asks for the permission
async def take_in(
    gate: Gate, pieces: AsyncIterator[bytes], *, name: str, rule: FileRule, object_id: UUID | None = None
) -> Incoming:
    """Store a content and say what it is; nothing stays of one that is refused.

    Raises FileRefused where the rule does not take it, ContentTooLarge, UploadStalled, StorageFull, and what the pieces
    raise.
    """
    cabinet = cabinet_of(gate.works)
    object_id = object_id or new_id()
    key = key_of(gate.tenant_id, object_id)
    coming = watched(pieces, limit_of(gate.settings, rule))
    async with aclosing(coming), aclosing(read_ahead(blocks_of(coming))) as blocks:
        receipt = await cabinet.storage.put(key, blocks)
    try:
        return await _looked_at(gate, cabinet, receipt, key, object_id=object_id, name=name, rule=rule)
    except BaseException:
        await cabinet.storage.delete(key)
        raise


async def _looked_at(
    gate: Gate, cabinet: Cabinet, receipt: Receipt, key: str, *, object_id: UUID, name: str, rule: FileRule
) -> Incoming:
    head = await read_all(cabinet.storage, key, stop=min(HEAD, receipt.size))
    tail = await read_all(cabinet.storage, key, start=max(0, receipt.size - TAIL), stop=receipt.size)
    found = media_type_of(head, tail)
    kind = refined(found, name)
    enforce(guards.can_take(rule, size=receipt.size, media_type=kind, contradicts=contradicts(name, kind)))
    finding = await look_through(cabinet, key)
    return Incoming(gate, object_id, name, rule, receipt.size, receipt.sha256.hex(), found, kind, finding)


# lint: allow verb – asks the antivirus, no row is read
async def look_through(cabinet: Cabinet, key: str) -> Finding:
    """Return what the antivirus says of a stored content."""
    if cabinet.scanner is None:
        return Finding(Scan.NOT_SCANNED, "there is no antivirus")
    async with aclosing(cabinet.storage.get(key)) as blocks:
        return await cabinet.scanner.scan(blocks)


# lint: allow verb – reads a request's body
async def watched(pieces: AsyncIterator[bytes], most: int) -> AsyncGenerator[bytes, None]:
    """Yield the pieces, refusing too many bytes and a caller who stops sending."""
    size, source = 0, aiter(pieces)
    while True:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                piece = await anext(source)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise UploadStalled(f"No byte came for {STALLED_SECONDS:.0f} seconds.") from None
        size += len(piece)
        if size > most:
            raise too_large(most)
        yield piece


def too_large(most: int, where: str = "body.file") -> ContentTooLarge:
    """Return the error for a content of more bytes than may come."""
    message = f"is larger than {most} bytes"
    return ContentTooLarge(
        f"{where}: {message}", errors=(FieldError(where, "too_large", message),), headers={"Connection": "close"}
    )


async def _make_space(gate: Gate) -> None:
    """Make the row that says how much room the contents take; of two that make it at once one is enough."""
    try:
        async with gate.works.begin(gate.tenant_id, gate.actor, request=gate.request) as work:
            work.session.add(FileSpace(id=gate.tenant_id, used=0))
    except Conflict:
        log.debug("file_space_made_elsewhere")


async def _is_named(gate: Gate, object_id: UUID) -> bool:
    async with gate.works.begin(gate.tenant_id, gate.actor, write=False, request=gate.request) as work:
        return bool(await queries.known_addresses(work, ids=[object_id]))


# ── within the unit of work ──────────────────────────────────────────────────────────────────────────────────────────


# lint: allow verb – the part that the verbs of new files and new versions share
async def keep(work: Work, incoming: Incoming) -> StoredObject:
    """Return the row of a content that was taken in: the one that has it already, or a new one.

    Raises QuotaExceeded. Holds the organisation's space until the commit, so that two of the same content become one.
    """
    space = await queries.find_space(work, lock=True)
    if space is None:
        raise RuntimeError("nothing is kept before `make_ready`")
    known = await queries.find_object(work, sha256=incoming.sha256, lock=True)  # a scan of it may end meanwhile
    if known is not None:
        await note_finding(work, known, incoming.finding)
        return known
    taken = space.used + await queries.announced(work)
    enforce(guards.has_room(taken, incoming.size, guards.quota_of(space, work.settings)))
    space.used += incoming.size
    content = StoredObject(
        id=incoming.object_id,
        sha256=incoming.sha256,
        size=incoming.size,
        media_type=incoming.by_bytes,
        created_at=work.now(),
        scan=Scan.NOT_SCANNED,
    )
    mark_scanned(work, content, incoming.finding)
    work.session.add(content)
    await work.flush()
    await work.enqueue(JOBS["files.content.derive"], content_id=content.id, as_system=True)
    incoming.adopted = True
    return content


# lint: allow verb – the part that uploads and later scans share
async def note_finding(work: Work, content: StoredObject, finding: Finding) -> None:
    """Note what the antivirus says of a content now; where that is the first bad news, its files are told of.

    One that is infected stays so, and what it did not say this time takes nothing back.
    """
    if finding.scan is Scan.NOT_SCANNED or content.scan is Scan.INFECTED:
        return
    mark_scanned(work, content, finding)
    if finding.scan is Scan.INFECTED:
        tell_infected(work, content, await queries.list_files_with(work, object_id=content.id))


def mark_scanned(work: Work, content: StoredObject, finding: Finding) -> None:
    """Note what the antivirus said."""
    content.scan, content.finding = finding.scan, finding.said
    content.scanned_at = None if finding.scan is Scan.NOT_SCANNED else work.now()


def tell_infected(work: Work, content: StoredObject, files: Sequence[tuple[File, int]]) -> None:
    """Record of each file that the antivirus found something in it."""
    for file, number in files:
        fact = FileInfected(entity=file, finding=content.finding or "something", number=number, sha256=content.sha256)
        work.record(fact)
