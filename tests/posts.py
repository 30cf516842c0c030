"""What users are sent: the messages that wait in the outbox, and the links in them."""

import re

from holdfast.core.notify.public import Letter, read_outbox
from holdfast.kernel.permissions import SYSTEM
from support import Org

LINK = re.compile(r"https?://\S+#token=(\S+)")


async def posted(org: Org, to: str) -> list[Letter]:
    """Return the messages that wait to be sent to an address, the oldest first."""
    async with org.home.works.begin(org.id, SYSTEM, write=False) as work:
        return [each for each in await read_outbox(work, limit=1000) if each.to == to]


async def last_link(org: Org, to: str) -> str:
    """Return the secret of the last link that was sent to an address."""
    return LINK.search((await posted(org, to))[-1].text)[1]
