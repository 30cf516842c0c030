"""What people do with files."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from holdfast.core.files import guards, queries
from holdfast.core.files.errors import FileNotFound, NothingDerived
from holdfast.core.files.facts import (
    FileDeleted,
    FileDownloaded,
    FileLinkRevoked,
    FilePurged,
    FileReplaced,
    FileRestored,
    FileUpdated,
    FileUploaded,
)
from holdfast.core.files.models import File, FileVersion, Scan, StoredObject
from holdfast.core.files.schemas import FileOut, FileUpdate
from holdfast.core.files.service.cabinet import Cabinet, cabinet_of
from holdfast.core.files.service.removing import abandon
from holdfast.core.files.service.staging import Incoming, keep, tell_infected
from holdfast.kernel.db import NOBODY
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.storage import key_of
from holdfast.kernel.work import Work, check_version


@dataclass(frozen=True, slots=True)
class Content:
    """A content that may leave: where it stands, what it is, under which name."""

    key: str
    size: int
    sha256: str
    media_type: str
    name: str
    file_id: UUID
    number: int
    sensitive: bool


@verb("files.file.read")
async def list_files(work: Work, params: queries.FileList) -> bytes:
    """Return one page of files as JSON: those whose rules let the caller read."""
    return await queries.FILES.page(work, _seen(work, params))


@verb("files.file.read")
async def browse_files(work: Work, params: queries.FileList) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one page of files as rows, and where it stands."""
    return await queries.FILES.rows_and_meta(work, _seen(work, params))


@verb("files.file.read")
async def read_file(work: Work, *, file_id: UUID, deleted: bool = False) -> FileOut:
    """Return a file, with `deleted` also one in the trash; raise FileNotFound."""
    file = await _get_seen(work, file_id=file_id, deleted=deleted)
    return shown(file, await queries.get_object(work, object_id=file.object_id))


@verb("files.file.read")
async def list_versions(work: Work, params: queries.VersionList, *, file_id: UUID) -> bytes:
    """Return one page of a file's versions as JSON, newest first; raise FileNotFound."""
    await _get_seen(work, file_id=file_id)
    return await queries.VERSIONS.page(work, queries.VersionsOf(**params.given(), file_id=file_id))


@verb("files.file.read")
async def browse_versions(work: Work, *, file_id: UUID) -> list[dict[str, Any]]:
    """Return the newest versions of a file as rows; raise FileNotFound."""
    await _get_seen(work, file_id=file_id, deleted=True)
    return await queries.VERSIONS.rows(work, queries.VersionsOf(file_id=file_id, page_size=100))


@verb("files.file.read")
async def open_content(work: Work, *, file_id: UUID, number: int | None = None) -> Content:
    """Return where the content of a file stands, of the present version where none is named.

    Raises FileNotFound, and FileQuarantined where the antivirus stands in the way.
    """
    return await give_out(work, await _get_seen(work, file_id=file_id), number)


# lint: allow verb – the part that downloads and links share; who asks was admitted before
async def give_out(work: Work, file: File, number: int | None) -> Content:
    """Return where a version stands, if it may leave."""
    version = await queries.get_version(work, file_id=file.id, number=number or file.number)
    content = await queries.get_object(work, object_id=version.object_id)
    rule = cabinet_of(work).rule_of(file.rule)
    enforce(guards.can_give_out(content, rule, work.settings.scan_policy))
    return Content(
        key_of(work.tenant_id, content.id),
        content.size,
        content.sha256,
        version.media_type,
        version.name,
        file.id,
        version.number,
        rule.sensitive,
    )


@verb("files.file.read")
async def open_derived(work: Work, *, file_id: UUID, part: str) -> Content:
    """Return where the thumbnail (`thumb`) or the text of a file stands; raise NothingDerived where there is none."""
    file = await _get_seen(work, file_id=file_id)
    found = await give_out(work, file, None)
    content = await queries.get_object(work, object_id=file.object_id)
    if not (content.has_thumbnail if part == "thumb" else content.has_text):
        raise NothingDerived
    key = key_of(work.tenant_id, content.id, part)
    size = await cabinet_of(work).storage.size(key)
    if size is None:
        raise NothingDerived
    kind, ending = ("image/webp", "webp") if part == "thumb" else ("text/plain; charset=utf-8", "txt")
    return Content(
        key, size, f"{content.sha256}-{part}", kind, f"{file.name}.{ending}", file.id, file.number, found.sensitive
    )


@verb("files.file.read", writes=True)
async def note_download(work: Work, *, file_id: UUID, number: int) -> None:
    """Record that the content of a sensitive file is being read."""
    file = await queries.get_file(work, file_id=file_id)
    work.record(FileDownloaded(entity=file, number=number))


@verb("files.file.create", writes=True)
async def add_file(work: Work, incoming: Incoming) -> FileOut:
    """Add a file of a content that was taken in; raise QuotaExceeded."""
    cabinet_of(work).require_write(work.actor, incoming.rule)
    content = await keep(work, incoming)
    file = File(
        id=work.new_id(),
        name=incoming.name,
        rule=incoming.rule.name,
        owner_kind=incoming.owner_kind,
        owner_id=incoming.owner_id,
        object_id=content.id,
        number=1,
        media_type=incoming.media_type,
    )
    work.session.add(file)
    await work.flush()
    await _add_version(work, file, content, incoming)
    work.record(FileUploaded(entity=file, **_told(content, incoming)))
    _tell(work, file, content)
    return shown(file, content)


@verb("files.file.update", writes=True)
async def replace_file(work: Work, incoming: Incoming, *, file_id: UUID, expected: int | None = None) -> FileOut:
    """Give a file a new version, under the name that came with it.

    Raises FileNotFound, PreconditionFailed, QuotaExceeded.
    """
    cabinet = cabinet_of(work)
    await queries.find_space(work, lock=True)
    file = await _get_seen(work, file_id=file_id, lock=True)
    cabinet.require_write(work.actor, cabinet.rule_of(file.rule))
    check_version(file, expected)
    content = await keep(work, incoming)
    file.number = await queries.last_number(work, file_id=file.id) + 1
    file.object_id, file.name, file.media_type = content.id, incoming.name, incoming.media_type
    await _add_version(work, file, content, incoming)
    work.record(FileReplaced(entity=file, **_told(content, incoming)))
    _tell(work, file, content)
    return shown(file, content)


@verb("files.file.update", writes=True)
async def update_file(work: Work, *, file_id: UUID, fields: FileUpdate, expected: int | None = None) -> FileOut:
    """Rename a file, or make an earlier version the present one; raise FileNotFound, PreconditionFailed."""
    cabinet = cabinet_of(work)
    file = await _get_seen(work, file_id=file_id, lock=True)
    cabinet.require_write(work.actor, cabinet.rule_of(file.rule))
    check_version(file, expected)
    if fields.number is not None and fields.number != file.number:
        version = await queries.get_version(work, file_id=file.id, number=fields.number)
        file.number, file.object_id, file.media_type = version.number, version.object_id, version.media_type
        file.name = version.name
    if "name" in fields.model_fields_set:
        file.name = fields.name
    if work.session.is_modified(file):
        work.record(FileUpdated(entity=file))
        await work.flush()
    return shown(file, await queries.get_object(work, object_id=file.object_id))


@verb("files.file.delete", writes=True)
async def delete_file(work: Work, *, file_id: UUID, expected: int | None = None) -> None:
    """Put a file into the trash; its links lead nowhere from now on. Raises FileNotFound, PreconditionFailed."""
    file = await _get_seen(work, file_id=file_id, lock=True)
    check_version(file, expected)
    file.deleted_at, file.deleted_key = work.now(), file.id
    work.record(FileDeleted(entity=file))
    await work.flush()


@verb("files.file.restore", writes=True)
async def restore_file(work: Work, *, file_id: UUID, expected: int | None = None) -> FileOut:
    """Take a file out of the trash; raise FileNotFound, FileNotDeleted, PreconditionFailed."""
    file = await _get_seen(work, file_id=file_id, lock=True, deleted=True)
    check_version(file, expected)
    enforce(guards.is_deleted(file))
    file.deleted_at, file.deleted_key = None, NOBODY
    work.record(FileRestored(entity=file))
    await work.flush()
    return shown(file, await queries.get_object(work, object_id=file.object_id))


@verb("files.file.purge", writes=True)
async def purge_file(work: Work, *, file_id: UUID, expected: int | None = None) -> None:
    """Remove a file in the trash for good, with its versions and links.

    Jobs remove the contents that no other file has. Raises FileNotFound, FileNotDeleted, PreconditionFailed.
    """
    file = await _get_seen(work, file_id=file_id, lock=True, deleted=True)
    check_version(file, expected)
    enforce(guards.is_deleted(file))
    for upload in await queries.list_replacing(work, file_id=file.id):
        await abandon(work, upload)
    for link in await queries.list_links(work, file_id=file.id):
        work.record(FileLinkRevoked(entity=link))
        await work.session.delete(link)
    versions = await queries.list_versions(work, file_id=file.id)
    for version in versions:
        await work.session.delete(version)
    await work.flush()
    work.record(FilePurged(entity=file, versions=len(versions)))
    await work.session.delete(file)
    await work.flush()
    # In one order, so that two purges of files with the same contents do not wait for each other.
    for object_id in sorted({version.object_id for version in versions}):
        removal = JOBS["files.content.remove"]
        await work.enqueue(removal, content_id=object_id, unique=str(object_id), as_system=True)


def shown(file: File, content: StoredObject) -> FileOut:
    """Return a file with its present content."""
    of_content = {"size": content.size, "sha256": content.sha256, "scan": content.scan}
    made = {name: getattr(content, name) for name in ("has_thumbnail", "has_text", "text_state")}
    own = {name: getattr(file, name) for name in FileOut.model_fields if name not in of_content | made}
    return FileOut(**own, **of_content, **made)


async def _get_seen(work: Work, *, file_id: UUID, lock: bool = False, deleted: bool = False) -> File:
    """Return a file whose rule lets the caller read; for others it is not there."""
    file = await queries.get_file(work, file_id=file_id, lock=lock, deleted=deleted)
    cabinet: Cabinet = cabinet_of(work)
    if not guards.can_read(work.actor, cabinet.rule_of(file.rule)):
        raise FileNotFound
    return file


async def _add_version(work: Work, file: File, content: StoredObject, incoming: Incoming) -> None:
    version = FileVersion(
        id=work.new_id(),
        file_id=file.id,
        object_id=content.id,
        number=file.number,
        name=file.name,
        media_type=incoming.media_type,
        created_at=work.now(),
        created_by=work.actor.id,
    )
    work.session.add(version)
    await work.flush()


def _told(content: StoredObject, incoming: Incoming) -> dict[str, Any]:
    return {
        "size": content.size,
        "sha256": content.sha256,
        "media_type": incoming.media_type,
        "scan": content.scan.value,
    }


def _tell(work: Work, file: File, content: StoredObject) -> None:
    if content.scan is Scan.INFECTED:
        tell_infected(work, content, [(file, file.number)])


def _seen(work: Work, params: queries.FileList) -> queries.FilesSeen:
    return queries.FilesSeen(**params.given(), rules=cabinet_of(work).readable(work.actor))
