"""Messages of the tests, told by an app of theirs: none of ours may be switched off."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from holdfast.core.notify.models import Notice
from holdfast.core.notify.service.telling import Telling
from holdfast.core.notify.service.texts import Wording
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.plugins import Message
from holdfast.main import Installation
from support import Org

DUE = Message("lend.due", "A thing is due", told=("title",), link="/console/lend/{title}")
NEWS = Message("lend.news", "News", told=("title",), channels=("inbox",))
TEXTS = {
    ("lend.due", "en"): Wording("{{ title }} is due", "Hello {{ name }},\n\nbring back {{ title }}.\n\n{{ link }}\n"),
    ("lend.due", "de"): Wording("{{ title }} ist fällig", "Guten Tag {{ name }}, bringen Sie {{ title }} zurück.\n"),
    ("lend.news", "en"): Wording("News: {{ title }}", "{{ title }}\n"),
}


@contextmanager
def lending(home: Installation) -> Iterator[None]:
    """Let an app that lends things be installed meanwhile."""
    texts = Telling.of(home.works).texts
    ours = {each.name: each for each in (DUE, NEWS)}
    texts.messages.update(ours)
    texts.wordings.update(TEXTS)
    try:
        yield
    finally:
        for name in ours:
            del texts.messages[name]
        for key in TEXTS:
            del texts.wordings[key]


async def rows_of(home: Installation, org: Org) -> list[Notice]:
    """Return the organisation's messages, the oldest first."""
    async with home.works.begin(org.id, SYSTEM, write=False) as work:
        return list(await work.session.scalars(select(Notice).order_by(Notice.id)))
