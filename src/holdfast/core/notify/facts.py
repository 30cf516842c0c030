"""What can happen to messages and to the texts of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class NoticeFailed(Fact):
    """A message to a user could not be sent and is not tried again; `code` is the mail server's, 0 for none."""

    action = "notify.notice.failed"
    title = "Message could not be sent"
    category = "system"
    severity = "warning"
    user_id: UUID
    message: str
    attempts: int
    code: int


@dataclass(frozen=True, kw_only=True)
class NoticeUncertain(Fact):
    """Whether a message went out is not known: the answer was lost. It is not sent again by itself."""

    action = "notify.notice.uncertain"
    title = "Message may have been sent"
    category = "system"
    severity = "warning"
    user_id: UUID
    message: str


@dataclass(frozen=True, kw_only=True)
class PreferencesChosen(Fact):
    """A user chose how they want to be told."""

    action = "notify.preferences.chosen"
    title = "Notifications chosen"


@dataclass(frozen=True, kw_only=True)
class TemplateWritten(Fact):
    """The organisation wrote a text of a message anew."""

    action = "notify.template.written"
    title = "Text of a message written"
    severity = "notice"
    message: str
    locale: str


@dataclass(frozen=True, kw_only=True)
class TemplateRemoved(Fact):
    """The organisation went back to the text that comes with the message."""

    action = "notify.template.removed"
    title = "Text of a message removed"
    severity = "notice"
    message: str
    locale: str


@dataclass(frozen=True, kw_only=True)
class TemplateFailed(Fact):
    """The organisation's text of a message could not be rendered, so that the one that comes with it was sent."""

    action = "notify.template.failed"
    title = "Text of a message could not be used"
    category = "system"
    severity = "warning"
    outcome = "failed"
    labels: ClassVar[Mapping[str, str]] = {"fault": "What was wrong"}
    message: str
    locale: str
    fault: str


@dataclass(frozen=True, kw_only=True)
class NoticeSuppressed(Fact):
    """A message was not sent, because its address is not written to; `because` says why it is not."""

    action = "notify.notice.suppressed"
    title = "Message not sent: its address is suppressed"
    category = "system"
    severity = "notice"
    user_id: UUID
    message: str
    because: str


@dataclass(frozen=True, kw_only=True)
class NoticeBounced(Fact):
    """A message that had left came back; `status` is what the last server said (RFC 3463)."""

    action = "notify.notice.bounced"
    title = "Message came back"
    category = "system"
    severity = "warning"
    user_id: UUID
    message: str
    status: str


@dataclass(frozen=True, kw_only=True)
class NoticeComplained(Fact):
    """Whoever a message reached called it unwanted."""

    action = "notify.notice.complained"
    title = "Message called unwanted"
    category = "system"
    severity = "warning"
    user_id: UUID
    message: str


@dataclass(frozen=True, kw_only=True)
class AddressSuppressed(Fact):
    """An address is not written to any more: a message bounced or was complained of, or a person said so."""

    action = "notify.suppression.added"
    title = "Address suppressed"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class SuppressionLifted(Fact):
    """An address may be written to again."""

    action = "notify.suppression.lifted"
    title = "Address may be written to again"
    severity = "notice"
