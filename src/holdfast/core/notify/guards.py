"""What may be written to whom, and what an answer of a mail server means for an address."""

import re

from holdfast.core.notify.models import Reason

# RFC 3463: the system status code. One digit for the class, then subject and detail.
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
# 5.1.7 and 5.1.8 are the sender's address, 5.1.9 the way there.
_NOT_THEIRS = frozenset({7, 8, 9})
NO_STATUS = "5.0.0"


def words_in(text: str) -> str:
    """Return what a server said in one line that a database takes and a terminal shows."""
    plain = "".join(each if each.isprintable() or each.isspace() else "?" for each in text)
    return " ".join(plain.split())


def status_in(text: str) -> str:
    """Return the first status code in what a server said (RFC 3463), such as 5.1.1; empty for none."""
    found = _STATUS.search(text)
    return "" if found is None else found[0]


def is_permanent(status: str) -> bool:
    """Tell whether a status code says that it will not go better later."""
    return status.startswith("5.")


def is_dead(status: str) -> bool:
    """Tell whether a status code says that there is nobody at the address: 5.1.x, or 5.2.1, a mailbox that is closed.

    A full mailbox (5.2.2) is somebody's, and what is said of a policy (5.7.x) is said of the sender.
    """
    found = _STATUS.fullmatch(status)
    if found is None or found[1] != "5":
        return False
    subject, detail = int(found[2]), int(found[3])
    return (subject == 1 and detail not in _NOT_THEIRS) or (subject, detail) == (2, 1)


def may_write(reason: Reason | None, *, fixed: bool) -> bool:
    """Tell whether a message may go to an address: one that cannot be declined goes unless the address is dead."""
    return reason is None or (fixed and reason is not Reason.BOUNCED)
