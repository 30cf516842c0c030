"""What can go wrong when reading the trail."""

from holdfast.kernel.errors import NotFound


class EntryNotFound(NotFound):
    """There is no such entry in this organisation's trail."""

    code, title = "AUDIT_ENTRY_NOT_FOUND", "Audit entry not found"


class HistoryNotFound(NotFound):
    """This organisation's trail tells nothing of such a record: it is absent, or another organisation's."""

    code, title = "AUDIT_HISTORY_NOT_FOUND", "Nothing is known of the record"
