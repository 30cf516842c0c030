"""Names for ids, for pages that show who did something."""

from collections.abc import Iterable
from uuid import UUID

from holdfast.core.identity import queries
from holdfast.core.identity.service.credentials import Profile
from holdfast.kernel.pages import Surroundings
from holdfast.kernel.work import Work


# lint: allow verb – names for ids that the caller already holds
async def labels_of(work: Work, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the name of each user of this organisation, deleted ones too, in one query."""
    wanted = sorted(set(user_ids))
    return dict(await queries.list_user_names(work, user_ids=wanted)) if wanted else {}


def surroundings(work: Work) -> Surroundings:
    """Return what the head of a page tells of who is signed in."""
    profile = work.presence.profile if work.presence else None
    if not isinstance(profile, Profile):
        return Surroundings()
    return Surroundings(profile.organization, profile.name, ", ".join(work.actor.roles))
