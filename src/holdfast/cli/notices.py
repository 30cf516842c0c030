"""`holdfast notices`: messages to users, and what became of their mails."""

import asyncio
import enum
from collections.abc import Sequence
from typing import Annotated

import typer

from holdfast.cli.terminal import installation, say, tenant_of
from holdfast.core.notify.public import NoticeState, Standing, Tally, browse_outbox, open_transport, send_due
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.permissions import SYSTEM

app = typer.Typer(no_args_is_help=True)
TRIED = (NoticeState.WAITING, NoticeState.FAILED, NoticeState.UNCERTAIN)
DUE = (NoticeState.WAITING, NoticeState.HELD)


class Listed(enum.StrEnum):
    """The states in which somebody who runs the installation looks for messages: no mail of the others is missing."""

    WAITING = NoticeState.WAITING.value
    HELD = NoticeState.HELD.value
    SENDING = NoticeState.SENDING.value
    FAILED = NoticeState.FAILED.value
    UNCERTAIN = NoticeState.UNCERTAIN.value
    SUPPRESSED = NoticeState.SUPPRESSED.value
    BOUNCED = NoticeState.BOUNCED.value
    COMPLAINED = NoticeState.COMPLAINED.value


@app.callback()
def _group() -> None:
    """See what users are to be told, and send it."""


@app.command("list")
def list_notices(
    *,
    organization: Annotated[str, typer.Option(help="Handle of the organisation.")],
    state: Annotated[Listed, typer.Option(help="What became of their mails.")] = Listed.WAITING,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many at most: the oldest of those to leave, else the latest.")
    ] = 100,
) -> None:
    """Print messages, those that wait to be sent or others: they may hold one-time links, so mind who looks on.

    Example: holdfast notices list --organization techstart --state failed
    """
    messages = asyncio.run(_list(organization, NoticeState(state.value), limit))
    for message in messages:
        say(_shown(message))
    say(f"{len(messages)} {'message' if len(messages) == 1 else 'messages'} for {organization}")


def _shown(row: Standing) -> str:
    """Return a message with its text, and where it does not simply wait, how it stands."""
    letter = row.letter
    head = [f"User: {row.user_id}"] if letter is None else [f"To: {letter.to}", f"Subject: {letter.subject}"]
    head.append(f"Date: {rfc3339(row.created_at)}")
    if row.state is not NoticeState.WAITING or row.attempts or letter is None:
        head += [f"Message: {row.message}", f"State: {_stands(row)}"]
    if letter is not None:
        return "\n".join((*head, "", letter.text))
    why = "Its text was removed." if row.emptied else "It reaches nobody any more."
    return "\n".join((*head, "", f"({why})", ""))


def _stands(row: Standing) -> str:
    parts = [str(row.state)]
    if row.attempts and row.state in TRIED:
        parts.append(f"{row.attempts} {'attempt' if row.attempts == 1 else 'attempts'}")
    if row.state in DUE:
        parts.append(f"due {rfc3339(row.due_at)}")
    said = " ".join(filter(None, (str(row.code or ""), row.said)))
    return ", ".join(parts) + (f": {said}" if said else "")


@app.command("send")
def send() -> int:
    """Send the messages of all organisations that are due, as a job does each minute; fail where any could not be sent.

    Example: holdfast notices send
    """
    done = asyncio.run(_send())
    told = [f"{done[state]} {state.replace('waiting', 'to be tried again')}" for state in NoticeState if done[state]]
    say(", ".join(told) or "nothing was due")
    return 1 if done[NoticeState.FAILED] + done[NoticeState.UNCERTAIN] else 0


async def _send() -> Tally:
    async with installation() as home:
        transport = open_transport(home.settings)
        try:
            return await send_due(home.works, transport)
        finally:
            await transport.close()


async def _list(organization: str, state: NoticeState, limit: int) -> Sequence[Standing]:
    async with installation() as home:
        tenant_id = await tenant_of(home, organization)
        async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
            return await browse_outbox(work, state=state, limit=limit)
