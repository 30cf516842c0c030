"""Every statement on the tables of files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import join

from holdfast.core.files.errors import FileNotFound, LinkNotFound, UploadNotFound
from holdfast.core.files.models import (
    Derived,
    File,
    FileLink,
    FileSpace,
    FileUpload,
    FileUploadPiece,
    FileVersion,
    Scan,
    StoredObject,
    TextState,
)
from holdfast.core.files.schemas import FileOut, Kind, LinkOut, RuleName, VersionOut
from holdfast.kernel.db import NOBODY
from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.schemas import Moment
from holdfast.kernel.tenancy import Tenant
from holdfast.kernel.work import Work


class FileList(ListParameters):
    """Filters of the list of files; `q` searches their names."""

    rule: RuleName | None = None
    owner_kind: Kind | None = None
    owner_id: UUID | None = None
    media_type: Annotated[str | None, Field(max_length=127)] = None
    scan: Scan | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None
    deleted: Annotated[bool, Field(description="`true`: what is in the trash, instead of what is not.")] = False


class FilesSeen(FileList):
    """The same, kept to the rules whose files the caller may read."""

    rules: tuple[str, ...] = ()


_OF_CONTENT = ("size", "sha256", "scan", "has_thumbnail", "has_text", "text_state")

FILES = HotList(
    "files.files",
    join(File.__table__, StoredObject.__table__, File.object_id == StoredObject.id),
    columns={name: getattr(StoredObject if name in _OF_CONTENT else File, name) for name in FileOut.model_fields},
    sorts={
        "name": File.name_key,
        "size": StoredObject.size,
        "created_at": File.created_at,
        "updated_at": File.updated_at,
    },
    default_sort="name",
    filters={
        "rule": lambda value: File.rule == value,
        "owner_kind": lambda value: File.owner_kind == value,
        "owner_id": lambda value: File.owner_id == value,
        "media_type": lambda value: File.media_type == value,
        "scan": lambda value: StoredObject.scan == value,
        "created_from": lambda value: File.created_at >= value,
        "created_to": lambda value: File.created_at < value,
        "deleted": lambda value: (File.deleted_key != NOBODY) if value else (File.deleted_key == NOBODY),
        "rules": File.rule.in_,
    },
    search=(File.name_key,),
)


class VersionList(ListParameters):
    """The list of a file's versions has no filters of its own."""


class VersionsOf(VersionList):
    """The same, of one file."""

    file_id: UUID


VERSIONS = HotList(
    "files.versions",
    join(FileVersion.__table__, StoredObject.__table__, FileVersion.object_id == StoredObject.id),
    columns={
        name: getattr(StoredObject if name in _OF_CONTENT else FileVersion, name) for name in VersionOut.model_fields
    },
    sorts={"number": FileVersion.number, "created_at": FileVersion.created_at},
    default_sort="-number",
    filters={"file_id": lambda value: FileVersion.file_id == value},
)


class LinkList(ListParameters):
    """The list of a file's links has no filters of its own."""


class LinksOf(LinkList):
    """The same, of one file."""

    file_id: UUID


LINKS = HotList(
    "files.links",
    FileLink,
    columns={name: getattr(FileLink, name) for name in LinkOut.model_fields},
    sorts={"created_at": FileLink.created_at, "expires_at": FileLink.expires_at},
    default_sort="-created_at",
    filters={"file_id": lambda value: FileLink.file_id == value},
)


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def find_file(work: Work, *, file_id: UUID, lock: bool = False, deleted: bool = False) -> File | None:
    """Return a living file, with `deleted` also one in the trash; None for none."""
    statement = select(File).where(File.id == file_id)
    if not deleted:
        statement = statement.where(File.deleted_key == NOBODY)
    found: File | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def get_file(work: Work, *, file_id: UUID, lock: bool = False, deleted: bool = False) -> File:
    """Return a living file, with `deleted` also one in the trash; raise FileNotFound."""
    found = await find_file(work, file_id=file_id, lock=lock, deleted=deleted)
    if found is None:
        raise FileNotFound
    return found


async def get_version(work: Work, *, file_id: UUID, number: int) -> FileVersion:
    """Return a version of a file; raise FileNotFound."""
    statement = select(FileVersion).where(FileVersion.file_id == file_id, FileVersion.number == number)
    found: FileVersion | None = await work.session.scalar(statement)
    if found is None:
        raise FileNotFound(f"The file has no version {number}.")
    return found


async def last_number(work: Work, *, file_id: UUID) -> int:
    """Return the number of a file's newest version."""
    newest = select(func.max(FileVersion.number)).where(FileVersion.file_id == file_id)
    return await work.session.scalar(newest) or 0


async def list_versions(work: Work, *, file_id: UUID) -> Sequence[FileVersion]:
    """Return the versions of a file, oldest first."""
    rows = select(FileVersion).where(FileVersion.file_id == file_id).order_by(FileVersion.number)
    return (await work.session.scalars(rows)).all()


async def list_links(work: Work, *, file_id: UUID) -> Sequence[FileLink]:
    """Return the links to a file."""
    return (await work.session.scalars(select(FileLink).where(FileLink.file_id == file_id))).all()


async def list_replacing(work: Work, *, file_id: UUID) -> Sequence[FileUpload]:
    """Return the uploads that are to become a version of a file, locked."""
    rows = select(FileUpload).where(FileUpload.replaces_id == file_id).order_by(FileUpload.id)
    return (await work.session.scalars(rows.with_for_update())).all()


# ── contents ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def find_space(work: Work, *, lock: bool = False) -> FileSpace | None:
    """Return the row that says how much room the contents take."""
    statement = select(FileSpace).where(FileSpace.id == work.tenant_id)
    found: FileSpace | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def count_all(work: Work) -> tuple[int, int, int]:
    """Return how many files, versions and contents there are."""
    counts = [select(func.count()).select_from(model) for model in (File, FileVersion, StoredObject)]
    files, versions, contents = [await work.session.scalar(each) or 0 for each in counts]
    return files, versions, contents


async def usage_by_rule(work: Work) -> Sequence[tuple[str, int, int]]:
    """Return by rule how many files there are and how many bytes their contents have, each counted once."""
    kept = (
        select(File.rule, StoredObject.id, StoredObject.size)
        .join(FileVersion, (FileVersion.tenant_id == File.tenant_id) & (FileVersion.file_id == File.id))
        .join(
            StoredObject,
            (StoredObject.tenant_id == FileVersion.tenant_id) & (StoredObject.id == FileVersion.object_id),
        )
        .where(File.tenant_id == work.tenant_id)
        .distinct()
        .subquery()
    )
    sizes = {
        rule: int(size)
        for rule, size in await work.session.execute(select(kept.c.rule, func.sum(kept.c.size)).group_by(kept.c.rule))
    }
    counts = select(File.rule, func.count()).group_by(File.rule).order_by(File.rule)
    return [(rule, count, sizes.get(rule, 0)) for rule, count in await work.session.execute(counts)]


async def find_object(work: Work, *, sha256: str, lock: bool = False) -> StoredObject | None:
    """Return the content that has this hash."""
    statement = select(StoredObject).where(StoredObject.sha256 == sha256)
    found: StoredObject | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def find_content(work: Work, *, object_id: UUID, lock: bool = False) -> StoredObject | None:
    """Return a content by its id."""
    statement = select(StoredObject).where(StoredObject.id == object_id)
    found: StoredObject | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found


async def get_object(work: Work, *, object_id: UUID, lock: bool = False) -> StoredObject:
    """Return a content by its id; raise FileNotFound."""
    found = await find_content(work, object_id=object_id, lock=lock)
    if found is None:
        raise FileNotFound
    return found


async def known_addresses(work: Work, *, ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these are addresses of contents or of pieces of uploads."""
    objects = await work.session.scalars(select(StoredObject.id).where(StoredObject.id.in_(ids)))
    pieces = await work.session.scalars(select(FileUploadPiece.id).where(FileUploadPiece.id.in_(ids)))
    return {*objects, *pieces}


async def list_orphans(work: Work, *, limit: int, object_id: UUID | None = None) -> Sequence[StoredObject]:
    """Return contents that no version of any file has; of one id, that content if it is such."""
    used = exists().where(FileVersion.tenant_id == StoredObject.tenant_id, FileVersion.object_id == StoredObject.id)
    rows = select(StoredObject).where(~used).order_by(StoredObject.id).limit(limit)
    if object_id is not None:
        rows = rows.where(StoredObject.id == object_id)
    return (await work.session.scalars(rows)).all()


async def list_waiting(work: Work, *, limit: int, after: UUID = NOBODY) -> Sequence[UUID]:
    """Return the ids of contents that were not scanned, behind one."""
    rows = (
        select(StoredObject.id)
        .where(StoredObject.scan == Scan.NOT_SCANNED, StoredObject.id > after)
        .order_by(StoredObject.id)
        .limit(limit)
    )
    return (await work.session.scalars(rows)).all()


async def list_underived(work: Work, *, limit: int, unread: bool) -> Sequence[UUID]:
    """Return the ids of contents whose thumbnail and text were not made yet; `unread`: also whose text only shows."""
    wanted = StoredObject.derived == Derived.PENDING
    if unread:
        wanted |= StoredObject.text_state == TextState.NO_TEXT_LAYER
    pending = select(StoredObject.id).where(wanted)
    return (await work.session.scalars(pending.order_by(StoredObject.id).limit(limit))).all()


async def list_files_with(work: Work, *, object_id: UUID) -> Sequence[tuple[File, int]]:
    """Return the files that have or had a content, with the number of the version."""
    rows = (
        select(File, FileVersion.number)
        .join(FileVersion, (FileVersion.tenant_id == File.tenant_id) & (FileVersion.file_id == File.id))
        .where(FileVersion.object_id == object_id)
        .order_by(File.id, FileVersion.number)
    )
    return [(file, number) for file, number in await work.session.execute(rows)]


# ── uploads in pieces ────────────────────────────────────────────────────────────────────────────────────────────────


async def get_upload(work: Work, *, upload_id: UUID, lock: bool = False) -> FileUpload:
    """Return an upload; raise UploadNotFound."""
    statement = select(FileUpload).where(FileUpload.id == upload_id)
    found: FileUpload | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise UploadNotFound
    return found


async def list_pieces(work: Work, *, upload_id: UUID) -> Sequence[FileUploadPiece]:
    """Return the pieces of an upload in their order."""
    rows = select(FileUploadPiece).where(FileUploadPiece.upload_id == upload_id).order_by(FileUploadPiece.begins)
    return (await work.session.scalars(rows)).all()


async def remove_upload(work: Work, *, upload_id: UUID) -> None:
    """Remove the rows of an upload; its pieces' bytes are left to whoever removed it."""
    how = {"synchronize_session": False}
    await work.session.execute(
        delete(FileUploadPiece).where(FileUploadPiece.upload_id == upload_id), execution_options=how
    )
    await work.session.execute(delete(FileUpload).where(FileUpload.id == upload_id), execution_options=how)


async def announced(work: Work) -> int:
    """Return how many bytes are announced by uploads that are not over."""
    rows = select(func.sum(FileUpload.size)).where(FileUpload.expires_at > work.now())
    return int(await work.session.scalar(rows) or 0)


async def list_expired(work: Work, *, before: datetime, limit: int) -> Sequence[FileUpload]:
    """Return the uploads that expired before a moment, locked."""
    rows = select(FileUpload).where(FileUpload.expires_at <= before).order_by(FileUpload.id).limit(limit)
    return (await work.session.scalars(rows.with_for_update())).all()


async def status_of_tenant(work: Work) -> str | None:
    """Return whether the organisation may be entered at present, or is gone."""
    status: str | None = await work.session.scalar(select(Tenant.status).where(Tenant.id == work.tenant_id))
    return status


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def get_link(work: Work, *, link_id: UUID, file_id: UUID | None = None) -> FileLink:
    """Return a link, of this file where one is named; raise LinkNotFound."""
    statement = select(FileLink).where(FileLink.id == link_id)
    if file_id is not None:
        statement = statement.where(FileLink.file_id == file_id)
    found: FileLink | None = await work.session.scalar(statement)
    if found is None:
        raise LinkNotFound
    return found
