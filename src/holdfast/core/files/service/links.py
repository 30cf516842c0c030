"""Links that open a file without signing in, until they end or are revoked."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from holdfast.core.files import queries
from holdfast.core.files.errors import LinkNotFound
from holdfast.core.files.facts import FileDownloaded, FileLinked, FileLinkRevoked
from holdfast.core.files.models import FileLink
from holdfast.core.files.schemas import LinkCreate
from holdfast.core.files.service.files import Content, give_out, read_file
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.crypto import decode, encode, mac, same
from holdfast.kernel.permissions import ANONYMOUS, verb
from holdfast.kernel.work import Gate, Work

PURPOSE = b"file link"


@verb("files.link.read")
async def list_links(work: Work, params: queries.LinkList, *, file_id: UUID) -> bytes:
    """Return one page of a file's links as JSON, newest first; raise FileNotFound."""
    await read_file(work, file_id=file_id)
    return await queries.LINKS.page(work, queries.LinksOf(**params.given(), file_id=file_id))


@verb("files.link.create", writes=True)
async def create_link(work: Work, *, file_id: UUID, fields: LinkCreate) -> tuple[FileLink, str]:
    """Make a link to a version of a file and return it with its token, which is written down nowhere.

    Raises FileNotFound, and FileQuarantined for what may not leave.
    """
    await read_file(work, file_id=file_id)
    file = await queries.get_file(work, file_id=file_id)
    content = await give_out(work, file, fields.number)
    link = FileLink(
        id=work.new_id(),
        file_id=file.id,
        number=content.number,
        expires_at=work.now() + timedelta(hours=fields.hours),
        created_at=work.now(),
        created_by=work.actor.id,
    )
    work.session.add(link)
    work.record(FileLinked(entity=link))
    await work.flush()
    return link, encode(work.tenant_id.bytes + link.id.bytes + _seal(work.house.keys.tokens, work.tenant_id, link))


@verb("files.link.delete", writes=True)
async def revoke_link(work: Work, *, file_id: UUID, link_id: UUID) -> None:
    """Revoke a link; raise LinkNotFound."""
    await read_file(work, file_id=file_id)
    link = await queries.get_link(work, link_id=link_id, file_id=file_id)
    work.record(FileLinkRevoked(entity=link))
    await work.session.delete(link)
    await work.flush()


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to, and whose it is."""

    tenant_id: UUID
    link_id: UUID
    content: Content


@verb("files.link.open", access="public")
async def open_link(gate: Gate, *, token: str) -> Opened:
    """Return what a link leads to; raise LinkNotFound for whatever is no good link (any more)."""
    raw = decode(token) if len(token) < 200 else None
    if raw is None or len(raw) != 64:
        raise LinkNotFound
    tenant_id, link_id = UUID(bytes=raw[:16]), UUID(bytes=raw[16:32])
    async with gate.works.begin(tenant_id, ANONYMOUS, write=False, request=gate.request) as work:
        link = await queries.get_link(work, link_id=link_id)
        good = same(raw[32:], _seal(gate.works.keys.tokens, tenant_id, link)) and link.expires_at > work.now()
        file = await queries.find_file(work, file_id=link.file_id) if good else None
        if file is None or await queries.status_of_tenant(work) != "active":
            raise LinkNotFound
        return Opened(tenant_id, link_id, await give_out(work, file, link.number))


# lint: allow verb – what `open_link` leads to, recorded before the first byte leaves
async def note_opened(gate: Gate, opened: Opened) -> None:
    """Record that a link was used; raise LinkNotFound where it was revoked meanwhile."""
    async with gate.works.begin(opened.tenant_id, ANONYMOUS, request=gate.request) as work:
        link = await queries.get_link(work, link_id=opened.link_id)
        file = await queries.find_file(work, file_id=link.file_id)
        if file is None:
            raise LinkNotFound
        work.record(FileDownloaded(entity=file, number=link.number, link_id=link.id))


def _seal(key: bytes, tenant_id: UUID, link: FileLink) -> bytes:
    """Return what binds a link to its tenant, file, version and end: a row that was changed opens nothing."""
    ends = rfc3339(link.expires_at).encode()
    return mac(key, PURPOSE, tenant_id.bytes, link.id.bytes, link.file_id.bytes, str(link.number).encode(), ends)
