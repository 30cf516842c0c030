"""`holdfast notices`: messages to users that wait to be sent."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from holdfast.cli.terminal import installation, say, tenant_of
from holdfast.core.notify.public import Letter, NoticeState, Tally, open_transport, read_outbox, send_due
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.permissions import SYSTEM

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """See what users are to be told, and send it."""


@app.command("list")
def list_notices(
    *,
    organization: Annotated[str, typer.Option(help="Handle of the organisation.")],
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most, the oldest first.")] = 100,
) -> None:
    """Print the messages that wait to be sent: they may hold one-time links, so mind who looks on.

    Example: holdfast notices list --organization techstart
    """
    messages = asyncio.run(_waiting(organization, limit))
    for message in messages:
        say(f"To: {message.to}\nSubject: {message.subject}\nDate: {rfc3339(message.created_at)}\n\n{message.text}")
    say(f"{len(messages)} {'message' if len(messages) == 1 else 'messages'} for {organization}")


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


async def _waiting(organization: str, limit: int) -> Sequence[Letter]:
    async with installation() as home:
        tenant_id = await tenant_of(home, organization)
        async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
            return await read_outbox(work, limit=limit)
