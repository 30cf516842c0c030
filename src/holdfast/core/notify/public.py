"""What commands and the composition root may ask of the slice that tells people."""

from holdfast.core.notify.service.sending import Tally, send_due
from holdfast.core.notify.service.ways import close_transport, open_transport

__all__ = ["Tally", "close_transport", "open_transport", "send_due"]
