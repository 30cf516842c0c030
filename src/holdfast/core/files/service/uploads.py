"""Large files that come in pieces, so that what has come survives a broken connection."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

import structlog

from holdfast.core.files import guards, queries
from holdfast.core.files.errors import FileNotFound, UploadBroken, UploadNotFound, UploadStalled
from holdfast.core.files.facts import UploadAbandoned, UploadBegun
from holdfast.core.files.models import FileUpload, FileUploadPiece
from holdfast.core.files.schemas import FileOut, UploadCreate, UploadOut
from holdfast.core.files.service.cabinet import cabinet_of
from holdfast.core.files.service.files import add_file, replace_file
from holdfast.core.files.service.removing import LIFE, abandon
from holdfast.core.files.service.staging import Incoming, limit_of, make_ready, take_in, too_large, watched
from holdfast.kernel.errors import FieldError
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import authorise, enforce, verb
from holdfast.kernel.plugins import FileRule
from holdfast.kernel.storage import blocks_of, key_of, read_ahead
from holdfast.kernel.work import Gate, Work

PIECES_AT_MOST = 10_000

log = structlog.get_logger("holdfast.files")


async def _rule_of_replaced(work: Work, file_id: UUID) -> FileRule:
    """Return the rule of the file that is to be replaced; raise FileNotFound naming the field."""
    try:
        file = await queries.get_file(work, file_id=file_id)
        rule = cabinet_of(work).rule_of(file.rule)
        if guards.can_read(work.actor, rule):
            return rule
    except FileNotFound:
        pass
    message = "there is no such file"
    raise FileNotFound(f"body.replaces_id: {message}", errors=[FieldError("body.replaces_id", "unknown", message)])


@verb("files.file.create", writes=True)
async def begin_upload(work: Work, fields: UploadCreate) -> FileUpload:
    """Announce a large file; raise Invalid for an unknown rule, QuotaExceeded, FileNotFound for what it replaces.

    What is announced and has not come counts against the room that the organisation has.
    """
    cabinet = cabinet_of(work)
    rule = cabinet.rule(fields.rule)
    space = await queries.find_space(work, lock=True)
    if fields.replaces_id is not None:
        authorise(work.actor, "files.file.update")
        rule = await _rule_of_replaced(work, fields.replaces_id)
    cabinet.require_write(work.actor, rule)
    most = limit_of(work.settings, rule)
    if fields.size > most:
        raise too_large(most, "body.size")
    taken = (0 if space is None else space.used) + await queries.announced(work)
    enforce(guards.has_room(taken, fields.size, guards.quota_of(space, work.settings)))
    upload = FileUpload(
        id=work.new_id(),
        **{**fields.model_dump(), "rule": rule.name},
        received=0,
        created_at=work.now(),
        created_by=work.actor.id,
        expires_at=work.now() + LIFE,
    )
    work.session.add(upload)
    work.record(UploadBegun(entity=upload, name=upload.name, size=upload.size))
    await work.flush()
    return upload


@verb("files.file.create")
async def read_upload(work: Work, *, upload_id: UUID) -> FileUpload:
    """Return an upload of the caller's own; raise UploadNotFound."""
    return await _get_own(work, upload_id=upload_id)


@verb("files.file.create", writes=True)
async def abandon_upload(work: Work, *, upload_id: UUID) -> None:
    """Give up an upload of the caller's own; a job removes its pieces. Raises UploadNotFound."""
    upload = await _get_own(work, upload_id=upload_id, lock=True)
    work.record(UploadAbandoned(entity=upload, name=upload.name))
    await abandon(work, upload)


@dataclass(slots=True)
class Piece:
    """A piece that has come and is written down, and the whole file where it was the last; fills `Staged`."""

    upload: UploadOut
    offset: int
    size: int
    sha256: str
    whole: Incoming | None = None

    @property
    def digest(self) -> bytes:
        """Return what tells this piece from another."""
        return f"{self.upload.id} {self.offset} {self.sha256}".encode()

    async def settle(self, *, answered: bool) -> None:
        """Give up the whole file where it did not come to be; the pieces stay, so that it can be tried again."""
        if self.whole is not None:
            await self.whole.settle(answered=answered)


# lint: allow verb – takes bytes in before `finish_upload`, which asks for the permission
async def take_piece(
    gate: Gate, pieces: AsyncIterator[bytes], *, upload_id: UUID, offset: int, size: int | None
) -> Piece:
    """Take in a piece of an upload, and with the last one put the whole together.

    Of a piece that breaks off, what has come is kept. Raises UploadNotFound, OffsetConflict (with the header
    Upload-Offset) and UploadBroken for bytes beyond the size that was announced.
    """
    cabinet = cabinet_of(gate.works)
    async with gate.works.begin(gate.tenant_id, gate.actor, write=False, request=gate.request) as work:
        upload = await _get_own(work, upload_id=upload_id)
        enforce(guards.can_append(upload, offset=offset))
        left, rule = upload.size - offset, upload.rule
        if left and len(await queries.list_pieces(work, upload_id=upload_id)) >= PIECES_AT_MOST:
            raise UploadBroken(f"body: an upload may come in {PIECES_AT_MOST} pieces; this one needs larger ones.")
    if size is not None and size > left:
        raise _beyond()
    piece_id = new_id()
    key = key_of(gate.tenant_id, piece_id)
    kept = _Kept(watched(pieces, gate.settings.files_max_bytes), left)
    async with aclosing(kept.run()) as run, aclosing(read_ahead(blocks_of(run))) as blocks:
        receipt = await cabinet.storage.put(key, blocks)
    if kept.beyond:
        await cabinet.storage.delete(key)
        raise _beyond()
    try:
        shown = await _write_down(gate, upload_id, piece_id, offset=offset, size=receipt.size)
    except BaseException:
        await cabinet.storage.delete(key)
        raise
    if receipt.size == 0:
        await cabinet.storage.delete(key)
    if kept.broken is not None:
        raise kept.broken
    piece = Piece(shown, offset, receipt.size, receipt.sha256.hex())
    if shown.received == shown.size:
        piece.whole = await _put_together(gate, shown, rule)
    return piece


@verb("files.file.create", writes=True)
async def finish_upload(work: Work, piece: Piece) -> FileOut | None:
    """Make a file of an upload whose last piece has come, None while more are to come.

    Raises UploadNotFound where another request has finished it, and what `add_file` and `replace_file` raise.
    """
    if piece.whole is None:
        return None
    upload = await _get_own(work, upload_id=piece.upload.id, lock=True)
    pieces = await queries.list_pieces(work, upload_id=upload.id)
    piece.whole.spare = tuple(key_of(work.tenant_id, each.id) for each in pieces)
    replaces = upload.replaces_id
    await queries.remove_upload(work, upload_id=upload.id)
    if replaces is None:
        return await add_file(work, piece.whole)
    return await replace_file(work, piece.whole, file_id=replaces)


class _Kept:
    """The bytes of a piece up to `most`, whole or as far as they came, and why they ended."""

    def __init__(self, pieces: AsyncIterator[bytes], most: int) -> None:
        self._pieces, self._most = pieces, most
        self.broken: UploadBroken | UploadStalled | None = None
        self.beyond = False

    async def run(self) -> AsyncGenerator[bytes, None]:
        size = 0
        try:
            async for piece in self._pieces:
                size += len(piece)
                if size > self._most:
                    self.beyond = True
                    return
                yield piece
        except (UploadBroken, UploadStalled) as error:
            self.broken = error


async def _write_down(gate: Gate, upload_id: UUID, piece_id: UUID, *, offset: int, size: int) -> UploadOut:
    async with gate.works.begin(gate.tenant_id, gate.actor, request=gate.request) as work:
        upload = await _get_own(work, upload_id=upload_id, lock=True)
        enforce(guards.can_append(upload, offset=offset))
        if size:
            work.session.add(FileUploadPiece(id=piece_id, upload_id=upload.id, begins=offset, size=size))
            upload.received, upload.expires_at = offset + size, work.now() + LIFE
        await work.flush()
        return UploadOut.model_validate(upload)


async def _put_together(gate: Gate, upload: UploadOut, rule: str) -> Incoming:
    """Read the pieces one after the other into one content, which is told and scanned like any other."""
    found = await make_ready(gate, rule=rule, size=None)  # its room is kept since it was announced
    async with gate.works.begin(gate.tenant_id, gate.actor, write=False, request=gate.request) as work:
        row = await queries.get_upload(work, upload_id=upload.id)
        owner = (row.owner_kind, row.owner_id)
        keys = [key_of(gate.tenant_id, each.id) for each in await queries.list_pieces(work, upload_id=upload.id)]

    async def joined() -> AsyncGenerator[bytes, None]:
        for key in keys:
            async for block in cabinet_of(gate.works).storage.get(key):
                yield block

    async with aclosing(joined()) as whole:
        incoming = await take_in(gate, whole, name=upload.name, rule=found)
    incoming.owner_kind, incoming.owner_id = owner
    return incoming


async def _get_own(work: Work, *, upload_id: UUID, lock: bool = False) -> FileUpload:
    """Return an upload that the caller began and that has not expired; for others it is not there."""
    upload = await queries.get_upload(work, upload_id=upload_id, lock=lock)
    if upload.created_by != work.actor.id or guards.is_over(upload, work.now()):
        raise UploadNotFound
    return upload


def _beyond() -> UploadBroken:
    message = "is longer than the upload was announced to be"
    return UploadBroken(f"body: {message}", errors=(FieldError("body", "too_long", message),))
