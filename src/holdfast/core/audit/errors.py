"""What can go wrong when reading the trail."""

from holdfast.kernel.errors import NotFound


class EntryNotFound(NotFound):
    """There is no such entry in this organisation's trail."""

    code, title = "AUDIT_ENTRY_NOT_FOUND", "Audit entry not found"
