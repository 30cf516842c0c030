"""What may be done with files, as pure decisions."""

from datetime import datetime

from holdfast.core.files.errors import FileNotDeleted, FileQuarantined, FileRefused, OffsetConflict, QuotaExceeded
from holdfast.core.files.models import File, FileSpace, FileUpload, Scan, StoredObject
from holdfast.kernel.errors import FieldError
from holdfast.kernel.permissions import Actor, Verdict
from holdfast.kernel.plugins import FileRule
from holdfast.kernel.settings import Settings
from holdfast.kernel.settings.values import ScanPolicy

MB = 1_000_000


def can_read(actor: Actor, rule: FileRule) -> bool:
    """Tell whether an actor may read files of a rule, beside the right to read files at all."""
    return rule.read is None or actor.may(rule.read)


def can_take(rule: FileRule, *, size: int, media_type: str, contradicts: bool) -> Verdict:
    """Answer whether a rule takes such a content."""
    if rule.max_bytes is not None and size > rule.max_bytes:
        return _refused("too_large", f"is larger than the {rule.max_bytes} bytes that “{rule.title}” takes")
    if rule.types and media_type not in rule.types:
        return _refused("wrong_type", f"is {media_type}; “{rule.title}” takes {', '.join(rule.types)}")
    if rule.strict and contradicts:
        return _refused("contradiction", f"is {media_type} by its content, which is not what its name says")
    return None


def _refused(code: str, message: str) -> FileRefused:
    return FileRefused(f"body.file: {message}", errors=(FieldError("body.file", code, message),))


def quota_of(space: FileSpace | None, settings: Settings) -> int:
    """Return how many megabytes of files an organisation may keep; 0 is no limit."""
    return settings.files_quota_mb if space is None or space.quota_mb is None else space.quota_mb


def has_room(used: int, more: int, quota_mb: int) -> Verdict:
    """Answer whether an organisation has room for so many bytes more; a quota of 0 is none."""
    if quota_mb and used + more > quota_mb * MB:
        left = max(0, quota_mb * MB - used)
        return QuotaExceeded(f"The organisation may keep {quota_mb} MB of files and has {left} bytes left.")
    return None


def can_give_out(content: StoredObject, rule: FileRule, policy: ScanPolicy) -> Verdict:
    """Answer whether a content may leave, after what the antivirus said of it."""
    if content.scan is Scan.INFECTED:
        return FileQuarantined(f"The antivirus found {content.finding} in this file. It is held back.")
    asked = policy == "required" or (policy == "when_available" and rule.scan == "required")
    if asked and content.scan is not Scan.CLEAN:
        return FileQuarantined("This file has not been scanned for malware yet. It is held back until it has.")
    return None


def is_deleted(file: File) -> Verdict:
    """Answer whether a file is in the trash, from where it can be restored or removed for good."""
    return None if file.deleted_at is not None else FileNotDeleted()


def can_append(upload: FileUpload, *, offset: int) -> Verdict:
    """Answer whether a piece may begin at an offset."""
    if offset != upload.received:
        return OffsetConflict(
            f"The upload stands at {upload.received}, the piece begins at {offset}.",
            headers={"Upload-Offset": str(upload.received)},
        )
    return None


def is_over(upload: FileUpload, now: datetime) -> bool:
    """Tell whether an upload has expired."""
    return upload.expires_at <= now
