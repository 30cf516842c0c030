"""Digests: what can wait is put together into one mail a person."""

from itertools import groupby

from holdfast.core.notify import queries
from holdfast.core.notify.models import NoticeState
from holdfast.core.notify.service.outbox import DIGEST
from holdfast.kernel.work import Work

MOST = 50  # messages in one digest


# lint: allow verb – a step of the job that puts digests together
async def merge_due(work: Work) -> int:
    """Put the held messages of one person whose time has come into one mail; return of how many, none where none is.

    The mail and the word that they stand in it are one commit.
    """
    held = await queries.list_held_notices(work, due=True, limit=MOST)
    _, mine = next(groupby(held, key=lambda row: row.user_id), (None, ()))
    rows = list(mine)
    if not rows:
        return 0
    key = f"digest:{rows[0].id}"
    await work.tell(DIGEST, [rows[0].user_id], key=key, count=str(len(rows)), items="")
    digest = await queries.get_told(work, user_id=rows[0].user_id, key=key)
    for row in rows:
        row.state, row.digest_id = (NoticeState.OFF, None) if digest is None else (NoticeState.MERGED, digest.id)
    return len(rows)
