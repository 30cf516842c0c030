"""What can go wrong with messages."""

from holdfast.kernel.errors import Forbidden, NotFound


class InboxItemNotFound(NotFound):
    """There is no such message in the caller's inbox."""

    code, title = "INBOX_ITEM_NOT_FOUND", "Message not found"


class MessageNotFound(NotFound):
    """No installed app declares such a message."""

    code, title = "MESSAGE_NOT_FOUND", "Message not found"


class TemplateNotFound(NotFound):
    """The organisation has no text of its own for this message in this language, nor does one come with it."""

    code, title = "TEMPLATE_NOT_FOUND", "Text not found"


class SuppressionNotFound(NotFound):
    """There is no such address among those that the organisation does not write to."""

    code, title = "SUPPRESSION_NOT_FOUND", "Suppressed address not found"


class EventsRefused(Forbidden):
    """What came in as a mail provider's events was not signed with its key, or was signed too long ago."""

    code, title = "EVENTS_REFUSED", "Events refused"
