"""The texts of messages as an organisation's administrators see and write them."""

from jinja2 import TemplateError

from holdfast.core.directory.public import organization_name
from holdfast.core.notify import queries
from holdfast.core.notify.errors import MessageNotFound, TemplateNotFound
from holdfast.core.notify.facts import TemplateRemoved, TemplateWritten
from holdfast.core.notify.models import MessageTemplate
from holdfast.core.notify.schemas import MessageOut, Messages, Preview, TemplateIn, TemplateOut
from holdfast.core.notify.service.outbox import Letter
from holdfast.core.notify.service.sending import inlined, page_of
from holdfast.core.notify.service.telling import Telling
from holdfast.core.notify.service.texts import Wording, link_of, names_of, render
from holdfast.core.notify.service.writing import check
from holdfast.kernel.errors import Invalid
from holdfast.kernel.pages.wording import moment
from holdfast.kernel.permissions import verb
from holdfast.kernel.plugins import Message
from holdfast.kernel.work import Work, check_version


@verb("notify.template.read")
async def list_messages(work: Work) -> Messages:
    """Return all kinds of message with what their texts may use, and in which languages they were changed."""
    texts, changed = Telling.of(work.house).texts, dict[str, list[str]]()
    for each in await queries.list_templates(work):
        changed.setdefault(each.message, []).append(each.locale)
    return Messages(
        data=[
            MessageOut(
                name=message.name,
                title=message.title,
                told=sorted(names_of(message)),
                channels=list(message.channels),
                fixed=message.fixed,
                secret=message.secret,
                locales=texts.locales(message.name),
                changed=changed.get(message.name, []),
            )
            for message in sorted(texts.messages.values(), key=lambda each: each.name)
        ]
    )


@verb("notify.template.read")
async def read_template(work: Work, *, name: str, locale: str) -> TemplateOut:
    """Return the organisation's own text, else the one that comes with the message; raise TemplateNotFound."""
    _declared(work, name)
    own = await queries.find_template(work, message=name, locale=locale)
    ours = Telling.of(work.house).texts.wordings.get((name, locale))
    if own is None and ours is None:
        raise TemplateNotFound
    return _shown(own) if own is not None else _of_ours(name, locale, ours)


@verb("notify.template.edit", writes=True)
async def write_template(
    work: Work, fields: TemplateIn, *, name: str, locale: str, expected: int | None = None
) -> TemplateOut:
    """Write the organisation's own text of a message in a language.

    Raises MessageNotFound, Invalid naming the field and what is wrong in it, PreconditionFailed.
    """
    message = _declared(work, name)
    check(message, Wording(fields.subject, fields.text, fields.html))
    own = await queries.find_template(work, message=name, locale=locale, lock=True)
    check_version(own or MessageTemplate(version=0), expected)
    if own is None:
        own = MessageTemplate(id=work.new_id(), message=name, locale=locale, failed=False)
        work.session.add(own)
    own.subject, own.text, own.html = fields.subject, fields.text, fields.html
    own.failed = False
    if work.session.is_modified(own):
        work.record(TemplateWritten(entity=own, message=name, locale=locale))
        await work.flush()
    return _shown(own)


@verb("notify.template.edit", writes=True)
async def remove_template(work: Work, *, name: str, locale: str, expected: int | None = None) -> None:
    """Go back to the text that comes with the message; raise TemplateNotFound where nothing was written."""
    _declared(work, name)
    own = await queries.find_template(work, message=name, locale=locale, lock=True)
    if own is None:
        raise TemplateNotFound
    check_version(own, expected)
    work.record(TemplateRemoved(entity=own, message=name, locale=locale))
    await work.session.delete(own)


@verb("notify.template.read")
async def preview_template(work: Work, fields: TemplateIn, *, name: str, locale: str) -> Preview:
    """Return a text as a person would get it, told samples; raise Invalid as for writing it."""
    message = _declared(work, name)
    wording = Wording(fields.subject, fields.text, fields.html)
    check(message, wording)
    try:
        said = render(wording, locale, await _samples(work, message))
    except (TemplateError, TypeError, ValueError) as error:
        raise Invalid.field("body.text", "not_allowed", f"cannot be rendered: {error}") from error
    letter = Letter("", said.subject, said.text, said.html, locale, work.now())
    html = page_of(work.settings.app_name, letter) if said.html is None else inlined(said.html)
    return Preview(subject=said.subject, text=said.text, html=html)


async def _samples(work: Work, message: Message) -> dict[str, str]:
    told = {name: name.replace("_", " ").capitalize() for name in message.told}
    if "link" in told:
        told["link"] = f"{work.settings.public_url.rstrip('/')}/console"
    link = link_of(message, work.settings.public_url, told)
    return {
        **told,
        **({} if link is None else {"link": link}),
        "name": "Alex Example",
        "app": work.settings.app_name,
        "organization": await organization_name(work),
        "at": moment(work.now()),
        "ip": "192.0.2.7",
        "user_agent": "Firefox",
    }


def _declared(work: Work, name: str) -> Message:
    found = Telling.of(work.house).texts.messages.get(name)
    if found is None:
        raise MessageNotFound
    return found


def _shown(own: MessageTemplate) -> TemplateOut:
    return TemplateOut(
        version=own.version,
        message=own.message,
        locale=own.locale,
        subject=own.subject,
        text=own.text,
        html=own.html,
        own=True,
        failed=own.failed,
    )


def _of_ours(name: str, locale: str, ours: Wording | None) -> TemplateOut:
    assert ours is not None
    return TemplateOut(
        version=0,
        message=name,
        locale=locale,
        subject=ours.subject,
        text=ours.text,
        html=ours.html,
        own=False,
        failed=False,
    )
