"""What can happen to files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class FileUploaded(Fact):
    """A file was added."""

    action = "files.file.uploaded"
    title = "File uploaded"
    size: int
    sha256: str
    media_type: str
    scan: str


@dataclass(frozen=True, kw_only=True)
class FileReplaced(Fact):
    """A file got a new version."""

    action = "files.file.replaced"
    title = "New version of a file uploaded"
    size: int
    sha256: str
    media_type: str
    scan: str


@dataclass(frozen=True, kw_only=True)
class FileUpdated(Fact):
    """A file was renamed, or an earlier version made the present one."""

    action = "files.file.updated"
    title = "File changed"


@dataclass(frozen=True, kw_only=True)
class FileDeleted(Fact):
    """A file was put into the trash."""

    action = "files.file.deleted"
    title = "File deleted"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class FileRestored(Fact):
    """A file was taken out of the trash."""

    action = "files.file.restored"
    title = "File restored"


@dataclass(frozen=True, kw_only=True)
class FilePurged(Fact):
    """A deleted file was removed for good, with all its versions."""

    action = "files.file.purged"
    title = "File removed for good"
    severity = "warning"
    versions: int


@dataclass(frozen=True, kw_only=True)
class FileInfected(Fact):
    """The antivirus found something in a file, which is held back."""

    action = "files.file.infected"
    title = "Malware found in a file"
    category = "security"
    severity = "critical"
    finding: str
    number: int
    sha256: str
    labels: ClassVar[Mapping[str, str]] = {"number": "Version", "sha256": "Checksum"}


@dataclass(frozen=True, kw_only=True)
class FileDownloaded(Fact):
    """The content of a sensitive file was read, or any by a link."""

    action = "files.file.downloaded"
    title = "File downloaded"
    category = "access"
    severity = "notice"
    number: int
    link_id: UUID | None = None
    labels: ClassVar[Mapping[str, str]] = {"number": "Version", "link_id": "Link"}


@dataclass(frozen=True, kw_only=True)
class FileLinked(Fact):
    """A link was made that opens a file without signing in."""

    action = "files.link.created"
    title = "Link to a file made"
    category = "access"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class FileLinkRevoked(Fact):
    """A link to a file was revoked."""

    action = "files.link.revoked"
    title = "Link to a file revoked"
    category = "access"


@dataclass(frozen=True, kw_only=True)
class UploadBegun(Fact):
    """A large file was announced, to come in pieces."""

    action = "files.upload.begun"
    title = "Upload begun"
    name: str
    size: int


@dataclass(frozen=True, kw_only=True)
class UploadAbandoned(Fact):
    """An upload was given up before it was whole."""

    action = "files.upload.abandoned"
    title = "Upload given up"
    name: str
