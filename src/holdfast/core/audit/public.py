"""What other slices may ask of the trail."""

from holdfast.core.audit.service.reading import recent_entries
from holdfast.core.audit.service.recording import Trail, open_log

__all__ = ["Trail", "open_log", "recent_entries"]
