"""What messages, preferences and texts take and give."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from holdfast.core.directory.public import Email
from holdfast.core.notify.models import Digest, Reason
from holdfast.kernel.schemas import Inward, OneLine, OrNull, Outward, Partial

Channel = Literal["inbox", "mail"]
Channels = Annotated[list[Channel], Field(max_length=2)]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]
Words = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class InboxItem(Outward):
    """A message in one's inbox, in one's language."""

    id: UUID
    message: Annotated[str, Field(description="Its kind.", examples=["identity.new_sign_in"])]
    subject: str
    text: str
    link: Annotated[str | None, Field(description="Path of the page that it leads to.")]
    created_at: datetime
    read_at: Annotated[datetime | None, Field(description="Null: not read yet.")]


class InboxUpdate(Inward):
    """Whether a message was read."""

    read: bool


class AllRead(Outward):
    """How many messages were not read before."""

    count: int


class MessageChoice(Outward):
    """A kind of message, and how one is told."""

    name: str
    title: str
    channels: Annotated[list[Channel], Field(description="The ways by which you are told.")]
    available: Annotated[list[Channel], Field(description="The ways that there are.")]
    fixed: Annotated[bool, Field(description="`true`: it can be neither switched off nor delayed.")]


class PreferencesOut(Outward):
    """How one is told."""

    version: int
    digest: Digest
    digest_hour: int
    quiet_from: str | None
    quiet_until: str | None
    messages: list[MessageChoice]


Choices = Annotated[
    dict[str, Channels],
    Field(
        max_length=500,
        description="By kind of message, the ways wanted.",
        examples=[{"identity.new_sign_in": ["inbox", "mail"]}],
    ),
]
Hour = Annotated[int, Field(ge=0, le=23, description="At which hour of your day the digest comes.")]
Quiet = Annotated[OrNull[Clock], Field(description="Mails wait during these hours of your day; both or none.")]


class PreferencesIn(Inward):
    """How one wants to be told; a kind of message that is not named comes every way it can."""

    digest: Annotated[Digest, Field(description="`daily` or `weekly`: what can wait comes in one mail.")] = Digest.OFF
    digest_hour: Hour = 8
    quiet_from: Quiet = None
    quiet_until: Quiet = None
    messages: Choices = Field(default_factory=dict)


class PreferencesUpdate(Partial):
    """What of it to change; a kind of message that is not named stays as it is."""

    digest: Digest = Digest.OFF
    digest_hour: Hour = 8
    quiet_from: Quiet = None
    quiet_until: Quiet = None
    messages: Choices = Field(default_factory=dict)


class MessageOut(Outward):
    """A kind of message that an installed app declares."""

    name: str
    title: str
    told: Annotated[list[str], Field(description="The names that its texts may use.")]
    channels: list[Channel]
    fixed: bool
    secret: Annotated[bool, Field(description="`true`: it holds a one-time link.")]
    locales: Annotated[list[str], Field(description="The languages that it comes in.")]
    changed: Annotated[list[str], Field(description="The languages in which the organisation wrote it itself.")]


class Messages(Outward):
    """All kinds of message."""

    data: list[MessageOut]


class TemplateIn(Inward):
    """The texts of a message: words, `{{ names }}`, `{% if %}` and few filters."""

    subject: Annotated[OneLine, Field(min_length=1, max_length=200, examples=["Welcome to {{ organization }}"])]
    text: Annotated[Words, Field(min_length=1, max_length=20_000, examples=["Hello {{ name }}"])]
    html: Annotated[
        OrNull[Annotated[Words, Field(max_length=20_000)]],
        Field(description="The mail's other part; null: made of the text."),
    ] = None


class TemplateOut(Outward):
    """The texts of a message in a language, as they are now."""

    version: Annotated[int, Field(description="0: the text that comes with the message.")]
    message: str
    locale: str
    subject: str
    text: str
    html: str | None
    own: Annotated[bool, Field(description="Whether the organisation wrote it.")]
    failed: Annotated[bool, Field(description="It could not be used when it was needed: write it anew.")]


class Preview(Outward):
    """A message as a person would get it."""

    subject: str
    text: str
    html: str


class SuppressionCreate(Inward):
    """An address, and why it is not to be written to."""

    address: Email
    said: Annotated[OneLine, Field(max_length=500, examples=["Asked by telephone"])] = ""


class SuppressionOut(Outward):
    """An address that is not written to."""

    id: UUID
    address: str
    reason: Annotated[
        Reason,
        Field(description="`bounced`: nothing goes there. Else what cannot be declined still does."),
    ]
    said: Annotated[str, Field(description="What the other side said, or the person.")]
    created_at: datetime
    created_by: Annotated[UUID | None, Field(description="Null where a message that came back said so.")]


class MailEvent(BaseModel):
    """One event of SendGrid; it has more fields than we read, and may get others."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    event: Annotated[str, Field(max_length=100)]
    email: Annotated[str | None, Field(max_length=1000)] = None
    type: Annotated[str | None, Field(max_length=100, description="Of a bounce: `bounce`, or `blocked`.")] = None
    status: Annotated[str | None, Field(max_length=100)] = None
    reason: Annotated[str | None, Field(max_length=10_000)] = None
    holdfast_key: Annotated[str | None, Field(max_length=1000)] = None


MailEvents = TypeAdapter(Annotated[list[MailEvent], Field(max_length=10_000)])
