"""Sending the messages that wait, of all organisations, and writing down what became of each."""

import asyncio
import re
from collections import Counter
from functools import cache
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from holdfast.core.identity.public import (
    Message,
    NoticeState,
    Taken,
    list_open_organizations,
    settle_notice,
    take_notices,
)
from holdfast.core.notify.service.transports import Outcome, Transport, Verdict
from holdfast.core.notify.service.transports.messages import Mail
from holdfast.core.notify.service.ways import sender_of
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.kernel.work import Works

AT_ONCE = 20
Tally = Counter[NoticeState]
_STATES = {
    Verdict.SENT: NoticeState.SENT,
    Verdict.LATER: NoticeState.WAITING,
    Verdict.REFUSED: NoticeState.FAILED,
    Verdict.UNCERTAIN: NoticeState.UNCERTAIN,
}
_LINK = re.compile(r"https?://\S+")


# lint: allow verb – for the command, which runs with the database's own rights
async def send_due(works: Works, transport: Transport) -> Tally:
    """Send the messages that are due and return what became of how many.

    Each is taken in hand in a transaction before it leaves, and settled in another: who dies between the two leaves one
    of which nobody knows, and which is not sent again.
    """
    done: Tally = Counter()
    for tenant_id in await list_open_organizations(works):
        while True:
            async with works.begin(tenant_id, SYSTEM) as work:
                taken = await take_notices(work, limit=AT_ONCE)
            done.update(await asyncio.gather(*(_send(works, transport, tenant_id, each) for each in taken)))
            if len(taken) < AT_ONCE:
                break
    return done


async def _send(works: Works, transport: Transport, tenant_id: UUID, taken: Taken) -> NoticeState:
    outcome = await transport.send(_mail(works.settings, taken))
    state = _STATES[outcome.verdict]
    async with works.begin(tenant_id, SYSTEM) as work:
        settled = await settle_notice(work, notice_id=taken.id, state=state, code=outcome.code, said=_said(outcome))
    return settled or NoticeState.UNCERTAIN


def _said(outcome: Outcome) -> str:
    return outcome.said.encode("utf-8", "replace").decode().replace("\0", "")


def _mail(settings: Settings, taken: Taken) -> Mail:
    message = taken.message
    return Mail(
        key=str(taken.id),
        sender=sender_of(settings),
        sender_name=settings.app_name,
        to=message.to,
        subject=message.subject,
        text=message.text,
        html=_page(settings.app_name, message),
        written_at=message.created_at,
    )


def _page(app_name: str, message: Message) -> str:
    """Return the text as a page for programs that show one; a line that is an address becomes a button."""
    blocks = [
        ("link" if _LINK.fullmatch(block) else "text", block)
        for block in (each.strip() for each in message.text.split("\n\n"))
        if block
    ]
    return _template().render(app_name=app_name, subject=message.subject, blocks=blocks)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("holdfast.core.notify", "templates/notify"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("mail.html")
