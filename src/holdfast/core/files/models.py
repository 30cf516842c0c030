"""Tables of the files."""

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, validates

from holdfast.kernel.db import (
    Base,
    Choice,
    Str,
    TenantOwned,
    Tracked,
    Trashable,
    UtcDateTime,
    folded,
    tenant_fk,
    to_one,
)


class Scan(enum.StrEnum):
    """What the antivirus said of a content."""

    CLEAN = "clean"
    INFECTED = "infected"
    NOT_SCANNED = "not_scanned"


class Derived(enum.StrEnum):
    """Whether thumbnail and text were made of a content."""

    PENDING = "pending"
    DONE = "done"
    NOTHING = "nothing"
    FAILED = "failed"


class TextState(enum.StrEnum):
    """Where the text of a content is from, or why there is none."""

    PENDING = "pending"
    LAYER = "layer"
    RECOGNISED = "recognised"
    NO_TEXT_LAYER = "no_text_layer"
    NONE = "none"
    FAILED = "failed"


class FileSpace(TenantOwned, Base):
    """How much room an organisation's contents take: its id is the tenant's, and who adds or removes one locks it."""

    __tablename__ = "file_space"
    __audited__ = False  # follows from the contents

    used: Mapped[int] = mapped_column(BigInteger, default=0)
    quota_mb: Mapped[int | None]  # the installation's where there is none


class StoredObject(TenantOwned, Base):
    """A content that is kept once in its organisation, however many files have it; the id is its address."""

    __tablename__ = "stored_object"
    __audited__ = False  # the entries of its files tell of it
    __table_args__ = (
        UniqueConstraint("tenant_id", "sha256", name="uq_stored_object_sha256"),
        Index("ix_stored_object_scan", "tenant_id", "scan", "id"),
        Index("ix_stored_object_derived", "tenant_id", "derived", "id"),
    )

    sha256: Mapped[str] = mapped_column(Str(64))
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(Str(127))  # by the bytes alone; a file's own says which kind of text
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    scan: Mapped[Scan] = mapped_column(Choice(Scan))
    finding: Mapped[str | None] = mapped_column(Str(200))  # what the antivirus found, or why it did not scan
    scanned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    derived: Mapped[Derived] = mapped_column(Choice(Derived), default=Derived.PENDING)
    has_thumbnail: Mapped[bool] = mapped_column(default=False)
    has_text: Mapped[bool] = mapped_column(default=False)
    text_state: Mapped[TextState] = mapped_column(Choice(TextState), default=TextState.PENDING)


class File(Tracked, Trashable, Base):
    """A file as people know it: a name, the rule it was taken by, perhaps the record that it hangs on."""

    __tablename__ = "file"
    __table_args__ = (
        Index("ix_file_name", "tenant_id", "name_key", "id"),
        Index("ix_file_created", "tenant_id", "created_at", "id"),
        Index("ix_file_owner", "tenant_id", "owner_kind", "owner_id"),
    )

    name: Mapped[str] = mapped_column(Str(255))
    name_key: Mapped[str] = mapped_column(Str(510), info={"audit": "omit"})  # derived from the name
    rule: Mapped[str] = mapped_column(Str(100))
    owner_kind: Mapped[str | None] = mapped_column(Str(63))
    owner_id: Mapped[UUID | None] = mapped_column(Uuid)
    object_id: Mapped[UUID] = tenant_fk("stored_object")
    number: Mapped[int] = mapped_column(default=1)  # of the present version
    media_type: Mapped[str] = mapped_column(Str(127))

    content = to_one("File", "object_id", "StoredObject")

    @validates("name")
    def _fold(self, _: str, value: str) -> str:
        self.name_key = folded(value)
        return value


class FileVersion(TenantOwned, Base):
    """One content that a file has or had."""

    __tablename__ = "file_version"
    __audited__ = False  # the file's entries tell of each version
    __table_args__ = (UniqueConstraint("tenant_id", "file_id", "number", name="uq_file_version_number"),)

    file_id: Mapped[UUID] = tenant_fk("file")
    object_id: Mapped[UUID] = tenant_fk("stored_object")
    number: Mapped[int]
    name: Mapped[str] = mapped_column(Str(255))
    media_type: Mapped[str] = mapped_column(Str(127))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID | None] = mapped_column(Uuid)

    file = to_one("FileVersion", "file_id", "File")
    content = to_one("FileVersion", "object_id", "StoredObject")


class FileUpload(TenantOwned, Base):
    """A large file on its way, a piece at a time."""

    __tablename__ = "file_upload"
    __parameter__ = "upload_id"
    __audited__ = False  # what comes of it has an entry
    __table_args__ = (Index("ix_file_upload_expires", "tenant_id", "expires_at"),)

    name: Mapped[str] = mapped_column(Str(255))
    rule: Mapped[str] = mapped_column(Str(100))
    owner_kind: Mapped[str | None] = mapped_column(Str(63))
    owner_id: Mapped[UUID | None] = mapped_column(Uuid)
    replaces_id: Mapped[UUID | None] = tenant_fk("file", nullable=True)
    size: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID | None] = mapped_column(Uuid)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    replaces = to_one("FileUpload", "replaces_id", "File")


class FileUploadPiece(TenantOwned, Base):
    """A part of an upload that has come; the id is its address."""

    __tablename__ = "file_upload_piece"
    __audited__ = False  # what comes of the upload has an entry
    __table_args__ = (UniqueConstraint("tenant_id", "upload_id", "begins", name="uq_file_upload_piece_begins"),)

    upload_id: Mapped[UUID] = tenant_fk("file_upload")
    begins: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)

    upload = to_one("FileUploadPiece", "upload_id", "FileUpload")


class FileLink(TenantOwned, Base):
    """A link that opens one version of a file without signing in, until it ends or is revoked."""

    __tablename__ = "file_link"
    __parameter__ = "link_id"
    __table_args__ = (Index("ix_file_link_created", "tenant_id", "created_at", "id"),)

    file_id: Mapped[UUID] = tenant_fk("file")
    number: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID | None] = mapped_column(Uuid)

    file = to_one("FileLink", "file_id", "File")
