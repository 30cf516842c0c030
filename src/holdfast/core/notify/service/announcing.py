"""Telling an audience: everyone whom a rule holds, by a job that goes on where it was interrupted."""

from collections.abc import Mapping
from uuid import UUID

import orjson

from holdfast.core.identity.public import Audience, next_in_audience
from holdfast.core.notify import queries
from holdfast.core.notify.models import LONGEST_TOLD, Announcement
from holdfast.kernel.db import canonical
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.work import Work

BATCH = 200
ANNOUNCE = "notify.audience.tell"


# lint: allow verb – a step of verbs that tell many
async def tell_audience(work: Work, message: str, audience: Audience, *, key: str, told: Mapping[str, str]) -> UUID:
    """Have everyone whom an audience holds told a message, each once for a `key`; return the id of the job.

    Who is in it is found out when the job runs. Raises TypeError for a message that nobody declares, or other texts.
    """
    await work.tell(message, [], **told)  # a fault shows here, not in the job
    plain = canonical(dict(told))
    if len(plain) > LONGEST_TOLD:
        raise TypeError(f"a message is told at most {LONGEST_TOLD} bytes, not {len(plain)}")
    row = Announcement(
        id=work.new_id(), message=message, key=key, audience=audience.model_dump(mode="json"), created_at=work.now()
    )
    row.payload = (await work.keyring(sealing=True)).seal(Announcement.payload, row.id, plain)
    work.session.add(row)
    return await work.enqueue(JOBS[ANNOUNCE], as_system=True, announcement_id=row.id)


# lint: allow verb – a step of the job that tells an audience
async def tell_next(work: Work, *, announcement_id: UUID) -> int:
    """Tell the next few of an audience; return how many, none where everyone was told."""
    row = await queries.get_announcement(work, announcement_id=announcement_id)
    if row is None:
        return 0
    audience = Audience.model_validate(row.audience)
    users = await next_in_audience(work, audience, after=row.told_until, limit=BATCH)
    if not users:
        await work.session.delete(row)
        return 0
    told = orjson.loads((await work.keyring()).open(Announcement.payload, row.id, row.payload))
    await work.tell(row.message, users, key=row.key, **told)
    row.told_until = users[-1]
    return len(users)
