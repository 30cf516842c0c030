"""What can happen to a message to a user that matters afterwards."""

from dataclasses import dataclass
from uuid import UUID

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class NoticeFailed(Fact):
    """A message to a user could not be sent and is not tried again; `code` is the mail server's, 0 for none."""

    action = "identity.notice.failed"
    title = "Message could not be sent"
    category = "system"
    severity = "warning"
    user_id: UUID
    template: str
    attempts: int
    code: int


@dataclass(frozen=True, kw_only=True)
class NoticeUncertain(Fact):
    """Whether a message went out is not known: the answer was lost. It is not sent again by itself."""

    action = "identity.notice.uncertain"
    title = "Message may have been sent"
    category = "system"
    severity = "warning"
    user_id: UUID
    template: str
