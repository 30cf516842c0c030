"""One's own inbox: what one was told, in one's language."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from holdfast.core.notify import queries
from holdfast.core.notify.models import Notice
from holdfast.core.notify.schemas import InboxItem
from holdfast.core.notify.service.telling import Telling
from holdfast.core.notify.service.wording import Said, say_all
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work

AT_ONCE = 1000


@verb("notify.inbox.list", access="signed_in")
async def list_inbox(work: Work, params: queries.InboxList) -> bytes:
    """Return one page of the caller's inbox as JSON, newest first."""
    items, meta = await browse_inbox(work, params)
    return orjson.dumps({"data": [item.model_dump(mode="json") for item in items], "meta": meta})


@verb("notify.inbox.list", access="signed_in")
async def browse_inbox(work: Work, params: queries.InboxList) -> tuple[list[InboxItem], dict[str, Any]]:
    """Return one page of the caller's inbox, and where it stands."""
    asked = queries.InboxOf(**params.given(), user_id=_caller(work))
    rows, meta = await queries.INBOX.rows_and_meta(work, asked)
    found = await queries.list_notices(work, ids=[UUID(str(row["id"])) for row in rows])
    said = await say_all(work, [found[UUID(str(row["id"]))] for row in rows])
    return [_shown(work, notice, words) for notice, words in said], meta


@verb("notify.inbox.read", access="signed_in")
async def read_item(work: Work, *, notice_id: UUID) -> InboxItem:
    """Return a message of the caller's inbox; raise InboxItemNotFound. It does not count as read by that."""
    return await _item(work, await queries.get_inbox_item(work, user_id=_caller(work), notice_id=notice_id))


@verb("notify.inbox.mark", access="signed_in", writes=True)
async def mark_item(work: Work, *, notice_id: UUID, read: bool) -> InboxItem:
    """Mark a message of the caller's inbox as read, or as not read; raise InboxItemNotFound."""
    notice = await queries.get_inbox_item(work, user_id=_caller(work), notice_id=notice_id, lock=True)
    notice.read_at = (notice.read_at or work.now()) if read else None
    await work.flush()
    return await _item(work, notice)


@verb("notify.inbox.mark_all", access="signed_in", writes=True)
async def mark_all(work: Work) -> int:
    """Mark everything in the caller's inbox as read; return how many messages were not."""
    count = 0
    while rows := await queries.list_unread(work, user_id=_caller(work), limit=AT_ONCE):
        for row in rows:
            row.read_at = work.now()
        await work.flush()
        count += len(rows)
    return count


# lint: allow verb – what the sweeping job does, for the system alone
async def remove_old(work: Work, *, before: datetime) -> int:
    """Remove messages that were told before a moment and wait for nothing; return how many, none where all are gone."""
    return await queries.remove_notices(work, before=before)


async def _item(work: Work, notice: Notice) -> InboxItem:
    [(_, said)] = await say_all(work, [notice])
    return _shown(work, notice, said)


def _shown(work: Work, notice: Notice, said: Said | None) -> InboxItem:
    """Return a message for its person; of one whose app is gone the kind is all that is left."""
    declared = Telling.of(work.house).texts.messages.get(notice.message)
    return InboxItem(
        id=notice.id,
        message=notice.message,
        subject=said.rendered.subject if said else (declared.title if declared else notice.message),
        text=said.rendered.text if said else "",
        link=said.path if said else None,
        created_at=notice.created_at,
        read_at=notice.read_at,
    )


def _caller(work: Work) -> UUID:
    assert work.actor.id is not None, "only the signed in come here"
    return work.actor.id
