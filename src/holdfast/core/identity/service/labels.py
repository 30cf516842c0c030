"""Names for ids, for pages that show who did something."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.service.credentials import Profile
from holdfast.kernel.db import folded
from holdfast.kernel.pages import Surroundings
from holdfast.kernel.work import Work

FEW = 6


# lint: allow verb – names for ids that the caller already holds
async def labels_of(work: Work, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the name of each user of this organisation, deleted ones too, in one query."""
    wanted = sorted(set(user_ids))
    return dict(await queries.list_user_names(work, user_ids=wanted)) if wanted else {}


# lint: allow verb – the other way round: ids for a name, for who may read what users did
async def people_called(work: Work, text: str) -> Sequence[tuple[UUID, str, str]]:
    """Return id, name and address of the users whom a name, an address, a part of one or an id can mean, a few of them.

    One that is meant exactly is meant alone.
    """
    with suppress(ValueError):
        return await queries.list_users_by_id(work, user_ids=[UUID(text)])
    found = await queries.list_users_called(work, text=text, limit=FEW)
    exact = [each for each in found if folded(text) in (folded(each[1]), folded(each[2]))]
    return exact or found


def surroundings(work: Work) -> Surroundings:
    """Return what the head of a page tells of who is signed in."""
    profile = work.presence.profile if work.presence else None
    if not isinstance(profile, Profile):
        return Surroundings()
    return Surroundings(profile.organization, profile.name, ", ".join(work.actor.roles))
