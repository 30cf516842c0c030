"""What other slices, commands and the composition root may ask of the slice that tells people."""

from holdfast.core.notify.models import NoticeState
from holdfast.core.notify.service.announcing import tell_audience
from holdfast.core.notify.service.caught import OpenedMail, find_caught, list_caught
from holdfast.core.notify.service.outbox import Letter, Standing, browse_outbox, read_outbox
from holdfast.core.notify.service.reports import MAX_BYTES
from holdfast.core.notify.service.returns import take_report
from holdfast.core.notify.service.sending import Tally, send_due
from holdfast.core.notify.service.telling import Telling
from holdfast.core.notify.service.texts import Texts
from holdfast.core.notify.service.ways import close_transport, mail_folder, open_transport

__all__ = [
    "MAX_BYTES",
    "Letter",
    "NoticeState",
    "OpenedMail",
    "Standing",
    "Tally",
    "Telling",
    "Texts",
    "browse_outbox",
    "close_transport",
    "find_caught",
    "list_caught",
    "mail_folder",
    "open_transport",
    "read_outbox",
    "send_due",
    "take_report",
    "tell_audience",
]
