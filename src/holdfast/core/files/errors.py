"""What can go wrong with files."""

from holdfast.kernel.errors import BadRequest, Conflict, HoldfastError, Invalid, NotFound


class FileNotFound(NotFound):
    """There is no such file in this organisation."""

    code, title = "FILE_NOT_FOUND", "File not found"


class UploadNotFound(NotFound):
    """There is no such upload in this organisation, or it has expired."""

    code, title = "UPLOAD_NOT_FOUND", "Upload not found"


class LinkNotFound(NotFound):
    """There is no such link, or it has ended or was revoked."""

    code, title = "LINK_NOT_FOUND", "Link not found"


class NothingDerived(NotFound):
    """There is no thumbnail or text of this file, or not yet."""

    code, title = "NOTHING_DERIVED", "There is none of this file"


class FileRefused(Invalid):
    """The rule of this kind of file does not take it."""

    code, title = "FILE_REFUSED", "This file is not taken"


class FileNotDeleted(Conflict):
    """Only what is in the trash can be restored or removed for good."""

    code, title = "FILE_NOT_DELETED", "The file is not deleted"


class FileQuarantined(Conflict):
    """The antivirus found something in the content, or has not scanned it though it must."""

    code, title = "FILE_QUARANTINED", "The file is held back"


class OffsetConflict(Conflict):
    """The piece does not begin where the upload stands."""

    code, title = "OFFSET_CONFLICT", "The upload stands elsewhere"


class QuotaExceeded(HoldfastError):
    """The organisation's files take all the room that it has."""

    status, code, title = 413, "QUOTA_EXCEEDED", "No room left in the organisation"


class RangeNotSatisfiable(HoldfastError):
    """The range lies outside the file, or there are several."""

    status, code, title = 416, "RANGE_NOT_SATISFIABLE", "No such range"


class UploadStalled(BadRequest):
    """The bytes stopped coming before they were all there."""

    status, code, title = 408, "UPLOAD_STALLED", "The upload stopped"


class UploadBroken(BadRequest):
    """The connection ended, or fewer or other bytes came than were announced."""

    code, title = "UPLOAD_BROKEN", "The upload is not whole"
