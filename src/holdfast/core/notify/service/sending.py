"""Sending the messages that wait, of all organisations, and writing down what became of each."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

import css_inline
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from holdfast.core.identity.public import list_open_organizations
from holdfast.core.notify.models import NoticeState, Reason
from holdfast.core.notify.service.message_keys import message_key
from holdfast.core.notify.service.outbox import Letter, Settled, Taken, give_up_lost, settle_notices, take_notices
from holdfast.core.notify.service.reports import without_addresses
from holdfast.core.notify.service.suppressions import held_back, suppress
from holdfast.core.notify.service.transports import Outcome, Transport, Verdict
from holdfast.core.notify.service.transports.messages import Mail
from holdfast.core.notify.service.ways import sender_of
from holdfast.kernel.errors import UniqueViolation
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.kernel.work import Works

AT_ONCE = 100
FEW = 25  # how many at once while nobody knows how fast the way is, and where it is slow
SETTLE_SECONDS = 0.1  # how long an outcome may wait for others that are written down with it
Tally = Counter[NoticeState]
_STATES = {
    Verdict.SENT: NoticeState.SENT,
    Verdict.LATER: NoticeState.WAITING,
    Verdict.REFUSED: NoticeState.FAILED,
    Verdict.UNCERTAIN: NoticeState.UNCERTAIN,
}
# What the button of a mail says, by language.
_OPEN = {"en": "Open the link", "de": "Link öffnen"}
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Answered:
    """A message that was in hand, and what became of it."""

    taken: Taken
    outcome: Outcome


Flight = asyncio.Task[Answered]


# lint: allow verb – for the command, which runs with the database's own rights
async def send_due(works: Works, transport: Transport) -> Tally:
    """Send the messages that are due and return what became of how many.

    Each is taken in hand in a transaction before it leaves, and settled in another: who dies between the two leaves one
    of which nobody knows, and which is not sent again.
    """
    done: Tally = Counter()
    for tenant_id in await list_open_organizations(works):
        done += await send_of(works, transport, tenant_id)
    return done


# lint: allow verb – for the job and the command, which run with the database's own rights
async def send_of(works: Works, transport: Transport, tenant_id: UUID) -> Tally:
    """Send what is due of one organisation, and return what became of how many.

    While some are on their way, others are taken in hand and settled, together with what is answered within a moment:
    a transaction costs more than a mail, and a mail that takes long keeps no other from being written down. Twice as
    many are taken as were answered in the last moment, so that whoever dies leaves few of which nobody knows.
    """
    done: Tally = Counter()
    flying: set[Flight] = set()
    landed = asyncio.Queue[Flight]()
    more, lost, room = True, True, FEW
    try:
        while more or flying:
            while more and len(flying) <= room:
                taken, more, lost = await _take(works, tenant_id, done, limit=room, lost=lost)
                for each in taken:
                    flight = asyncio.create_task(_send(works, transport, tenant_id, each))
                    flight.add_done_callback(landed.put_nowait)
                    flying.add(flight)
            if flying:
                answered = await _some(landed, most=min(len(flying), AT_ONCE))
                flying.difference_update(answered)
                room = min(max(FEW, 2 * len(answered)), AT_ONCE)
                done.update(await _settle(works, tenant_id, [each.result() for each in answered]))
    finally:
        for task in flying:
            task.cancel()
    return done


async def _some(landed: asyncio.Queue[Flight], *, most: int) -> Sequence[Flight]:
    """Wait until one has landed, and a moment longer for as many as may be; return them."""
    found = [await landed.get()]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            while len(found) < most:
                found.append(await landed.get())
    return found


async def _take(
    works: Works, tenant_id: UUID, done: Tally, *, limit: int, lost: bool
) -> tuple[Sequence[Taken], bool, bool]:
    """Take some messages in hand, end those whose address is not written to, and tell whether there may be more.

    Where some may be lost, those are given up before; at last it tells whether there may be more of these, too.
    """
    async with works.begin(tenant_id, SYSTEM) as work:
        lost = lost and await give_up_lost(work)
        taken = await take_notices(work, limit=limit)
        back = await held_back(work, taken)
        ended = (Settled(each, NoticeState.SUPPRESSED, said=why) for each, why in back.items())
        done.update(await settle_notices(work, ended) if back else ())
    return [each for each in taken if each.id not in back], lost or len(taken) == limit, lost


async def _send(works: Works, transport: Transport, tenant_id: UUID, taken: Taken) -> Answered:
    key = message_key(works.keys, tenant_id=tenant_id, notice_id=taken.id)
    return Answered(taken, await transport.send(_mail(works.settings, taken, key)))


async def _settle(works: Works, tenant_id: UUID, answered: Sequence[Answered]) -> Iterable[NoticeState]:
    """Write down what became of messages, and write no more to an address where there is nobody."""
    try:
        return await _settle_once(works, tenant_id, answered)
    except UniqueViolation:  # another suppressed the same address at this moment
        return await _settle_once(works, tenant_id, answered)


async def _settle_once(works: Works, tenant_id: UUID, answered: Sequence[Answered]) -> Iterable[NoticeState]:
    async with works.begin(tenant_id, SYSTEM) as work:
        for each in answered:
            if each.outcome.bad_address:
                said = f"{each.outcome.code} {without_addresses(each.outcome.said)}"
                await suppress(work, each.taken.letter.to, reason=Reason.BOUNCED, said=said)
        return await settle_notices(
            work,
            (
                Settled(each.taken.id, _STATES[outcome.verdict], outcome.code, without_addresses(outcome.said))
                for each in answered
                for outcome in (each.outcome,)
            ),
        )


def _mail(settings: Settings, taken: Taken, key: str) -> Mail:
    letter = taken.letter
    return Mail(
        key=key,
        sender=sender_of(settings),
        sender_name=settings.app_name,
        to=letter.to,
        subject=letter.subject,
        text=letter.text,
        html=inlined(letter.html) if letter.html is not None else page_of(settings.app_name, letter),
        written_at=letter.created_at,
        return_to=settings.mail_bounce_to,
    )


def page_of(app_name: str, letter: Letter) -> str:
    """Return the text as a page for programs that show one; a line that is an address becomes a button."""
    blocks = [
        ("link" if _LINK.fullmatch(block) else "text", block)
        for block in (each.strip() for each in letter.text.split("\n\n"))
        if block
    ]
    language = letter.locale.partition("-")[0]
    told = {"lang": letter.locale, "open_link": _OPEN.get(language, _OPEN["en"])}
    return _template().render(app_name=app_name, subject=letter.subject, blocks=blocks, **told)


def inlined(html: str) -> str:
    """Return a page whose style sheets stand on its elements: many programs drop them."""
    if "<style" not in html.lower():
        return html
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False).inline(html)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("holdfast.core.notify", "templates/notify"), autoescape=True, undefined=StrictUndefined
    )
    environment.globals.clear()  # it uses none, and each rendering copies them
    return environment.get_template("mail.html")
