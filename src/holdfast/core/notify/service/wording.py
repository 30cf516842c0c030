"""Messages as their people read them: in their language, as the organisation words them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from jinja2 import TemplateError

from holdfast.core.directory.public import name_and_locale
from holdfast.core.identity.public import Recipient, recipients_of
from holdfast.core.notify import queries
from holdfast.core.notify.facts import TemplateFailed
from holdfast.core.notify.models import MessageTemplate, Notice
from holdfast.core.notify.service.telling import Telling
from holdfast.core.notify.service.texts import Rendered, Wording, chain_of, link_of, path_of, render
from holdfast.kernel.pages.wording import moment
from holdfast.kernel.plugins import Message
from holdfast.kernel.work import Work

LONGEST_FAULT = 200


@dataclass(frozen=True, slots=True)
class Said:
    """A message in words, the address that its mail goes to, and the path that it leads to."""

    to: str | None
    rendered: Rendered
    path: str | None


class Speaker:
    """Puts messages of one organisation into words, in one unit of work."""

    def __init__(self, work: Work, organization: str, locale: str | None, people: Mapping[UUID, Recipient]) -> None:
        self.work = work
        self.people = people
        self._organization = organization
        self._locale = locale
        self._texts = Telling.of(work.house).texts
        self._own: dict[tuple[str, str], MessageTemplate] = {}

    @classmethod
    async def of(cls, work: Work, rows: Collection[queries.Due | Notice]) -> "Speaker":
        """Return who can say these messages, with what that takes read at once."""
        people = await recipients_of(work, {row.user_id for row in rows})
        made = cls(work, *await name_and_locale(work), people)
        found = await queries.list_templates(work, messages=sorted({row.message for row in rows}))
        made._own = {(each.message, each.locale): each for each in found}
        return made

    async def say(self, row: queries.Due | Notice, *, extra: Mapping[str, str] | None = None) -> Said | None:
        """Return a message in words, with `extra` told beside; None where it was emptied or nobody declares it now."""
        message = self._texts.messages.get(row.message)
        if row.payload is None or message is None:
            return None
        payload = orjson.loads((await self.work.keyring()).open(Notice.payload, row.id, row.payload))
        told = {**payload["told"], **(extra or {})}
        person = self.people[row.user_id]
        values = {**told, "name": person.name, "organization": self._organization, "app": self.work.settings.app_name}
        values |= {"at": moment(payload["at"]), "ip": payload["ip"], "user_agent": payload["user_agent"]}
        link = link_of(message, self.work.settings.public_url, payload["told"])
        values |= {} if link is None else {"link": link}
        rendered = self.word(message, person.locale, values)
        address = payload["to"] or (person.email if person.reached else None)
        return Said(address, rendered, path_of(message, payload["told"]))

    def word(self, message: Message, locale: str | None, values: Mapping[str, str]) -> Rendered:
        """Return a message rendered, in a person's language, else the organisation's, else English.

        In each language the organisation's own text goes first.
        One that cannot be rendered is passed by, which stands in the trail once.
        """
        for each in chain_of(locale, self._locale):
            own = self._own.get((message.name, each))
            if own is not None:
                try:
                    return render(Wording(own.subject, own.text, own.html), each, values)
                except (TemplateError, TypeError, ValueError) as error:
                    self._blame(own, error)
            if (message.name, each) in self._texts.wordings:
                return render(self._texts.wordings[message.name, each], each, values)
        raise AssertionError("the start has seen that each message comes in English")

    def _blame(self, own: MessageTemplate, error: Exception) -> None:
        if own.failed or not self.work.link.write:
            return
        own.failed = True
        fault = str(error)[:LONGEST_FAULT]
        self.work.record(TemplateFailed(entity=own, message=own.message, locale=own.locale, fault=fault))


# lint: allow verb – what sends and what shows says messages by it
async def say_all(work: Work, rows: Sequence[Notice]) -> list[tuple[Notice, Said | None]]:
    """Return messages in words, each with its row."""
    speaker = await Speaker.of(work, rows)
    return [(row, await speaker.say(row)) for row in rows]
