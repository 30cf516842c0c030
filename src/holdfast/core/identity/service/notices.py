"""Messages to users: written into the outbox in the transaction of what they tell of, sent later.

What a message says may hold a one-time link, so the outbox keeps it sealed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from holdfast.core.identity import queries
from holdfast.core.identity.models import Notice, User
from holdfast.core.identity.queries import Standing
from holdfast.kernel.clock import rfc3339
from holdfast.kernel.db import canonical
from holdfast.kernel.work import Work


@dataclass(frozen=True, slots=True)
class Template:
    """A subject and a text, with `{names}` for what a message is told."""

    subject: str
    text: str


# What each template is told besides `name`, the user's, `app`, the installation's, and `organization`.
TEMPLATES = {
    "invitation": Template(
        "Your account at {organization}",
        "Hello {name},\n\nan account was made for you at {organization}. Choose your password here, within seven days:"
        "\n\n{link}\n",
    ),
    "password_reset": Template(
        "A new password for {organization}",
        "Hello {name},\n\nchoose a new password here, within thirty minutes:\n\n{link}\n\n"
        "If you did not ask for it, do nothing: your password stays as it is.\n",
    ),
    "email_change": Template(
        "Confirm your new address",
        "Hello {name},\n\nconfirm that this is your address at {organization}, within a day:\n\n{link}\n",
    ),
    "new_sign_in": Template(
        "A new sign-in to {organization}",
        "Hello {name},\n\nyou signed in at {at} from {ip}, with {user_agent}.\n\n"
        "If that was not you, change your password and end the session.\n",
    ),
    "password_changed": Template(
        "Your password was changed",
        "Hello {name},\n\nyour password at {organization} was changed at {at}, from {ip}. All other sessions ended.\n\n"
        "If that was not you, tell your administrator now.\n",
    ),
    "mfa_changed": Template(
        "Your second factor was changed",
        "Hello {name},\n\n{change} at {at}, from {ip}.\n\nIf that was not you, tell your administrator now.\n",
    ),
    "email_changed": Template(
        "Your address was changed",
        "Hello {name},\n\nyour address at {organization} was changed to {email} at {at}, from {ip}.\n\n"
        "If that was not you, tell your administrator now.\n",
    ),
    "api_key_created": Template(
        "An API key was made for you",
        'Hello {name},\n\nthe API key "{label}" was made for your account at {organization} at {at}, from {ip}.\n\n'
        "If that was not you, tell your administrator now.\n",
    ),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it will be sent."""

    to: str
    subject: str
    text: str
    created_at: datetime


# lint: allow verb – a step of verbs that tell a user of something
async def notify(work: Work, user: User | Standing, template: str, *, to: str | None = None, **told: str) -> None:
    """Put a message to a user into the outbox, to their address or another one; a program is told nothing."""
    address = to or user.email
    if address is None:
        return
    work_told = {"at": rfc3339(work.now()), "ip": work.request.ip or "-", "user_agent": work.request.user_agent or "-"}
    now = work.now()
    row = Notice(id=work.new_id(), user_id=user.id, template=template, created_at=now, due_at=now)
    payload = {"to": address, "name": user.name, "locale": user.locale, "told": {**work_told, **told}}
    row.payload = (await work.keyring(sealing=True)).seal(Notice.payload, row.id, canonical(payload))
    work.session.add(row)


# lint: allow verb – for who runs the installation, and for what sends
async def read_outbox(work: Work, *, limit: int = 100) -> Sequence[Message]:
    """Return the messages of an organisation that wait to be sent, oldest first."""
    return [message for _, message in await opened(work, await queries.list_unsent_notices(work, limit=limit))]


# lint: allow verb – a step of what sends
async def opened(work: Work, rows: Sequence[Notice]) -> list[tuple[Notice, Message]]:
    """Return messages as they will be sent, each with its row."""
    tenant, ring = await queries.get_tenant(work), await work.keyring()
    found = []
    for row in rows:
        assert row.payload is not None, "what was sent is not among those that wait"
        found.append((row, _written(work, row, ring.open(Notice.payload, row.id, row.payload), tenant.slug)))
    return found


def _written(work: Work, row: Notice, plain: bytes, organization: str) -> Message:
    payload = orjson.loads(plain)
    template = TEMPLATES[row.template]
    told = {**payload["told"], "name": payload["name"], "organization": organization, "app": work.settings.app_name}
    return Message(payload["to"], template.subject.format_map(told), template.text.format_map(told), row.created_at)
