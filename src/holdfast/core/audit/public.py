"""What other slices may ask of the trail."""

from holdfast.core.audit.queries import EntryList
from holdfast.core.audit.service.naming import Catalogue
from holdfast.core.audit.service.reading import list_entries, recent_entries
from holdfast.core.audit.service.recording import Trail, open_log, tell_repeats

__all__ = ["Catalogue", "EntryList", "Trail", "list_entries", "open_log", "recent_entries", "tell_repeats"]
