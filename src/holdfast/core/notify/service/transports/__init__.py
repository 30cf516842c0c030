"""Ways for a mail to leave: SMTP, SendGrid, and a folder where nothing leaves.

What a way answers is an `Outcome`, never an exception: whoever sends has to write down what became of each mail. A mail
that may or may not have gone out is `uncertain`, and is not sent again by itself.
"""

import enum
from dataclasses import dataclass
from typing import Protocol

from holdfast.core.notify.guards import is_dead, status_in
from holdfast.core.notify.service.transports.messages import Mail


class Verdict(enum.StrEnum):
    """What became of a mail."""

    SENT = "sent"  # the next server has taken it over
    LATER = "later"  # not sent; it may go better in a while
    REFUSED = "refused"  # not sent, and it will not be
    UNCERTAIN = "uncertain"  # the answer to the last word was lost


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with what the other side said: its code, 0 for none, and its words."""

    verdict: Verdict
    code: int = 0
    said: str = ""

    @property
    def bad_address(self) -> bool:
        """Tell whether it is the recipient's address that is no good, so that others may go."""
        return self.verdict is Verdict.REFUSED and self.code in (550, 551, 553) and is_dead(status_in(self.said))


class Transport(Protocol):
    """A way for mails to leave."""

    async def send(self, mail: Mail) -> Outcome:
        """Hand over one mail; no error of the way is raised."""
        ...

    async def close(self) -> None:
        """Give back what is held open."""
        ...
