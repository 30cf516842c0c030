"""What commands may ask of the slice that tells people."""

from holdfast.core.notify.service.sending import Tally, send_due
from holdfast.core.notify.service.ways import open_transport

__all__ = ["Tally", "open_transport", "send_due"]
