"""An organisation keeps somebody who administers it."""

from collections.abc import Mapping
from uuid import UUID

from holdfast.core.directory.public import find_access_end, hold_structure
from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import LastAdministrator
from holdfast.kernel.permissions import Verdict, enforce
from holdfast.kernel.work import Work


# lint: allow verb – a step of verbs after which somebody may administer no longer
async def hold_administrators(work: Work) -> None:
    """Let nobody else change who administers until this transaction ends; ask before loading a row.

    Of two administrators who put each other out the second sees what the first did.
    """
    await hold_structure(work, change=True)


# lint: allow verb – a step of the same verbs
async def require_other_administrator(work: Work, *, but: UUID) -> None:
    """Raise LastAdministrator where this user is the only active Admin of the whole organisation without an end."""
    if set(await queries.list_administrators(work, role=guards.ADMIN)) == {but}:
        raise LastAdministrator("Nobody else is an active Admin of the whole organisation without an end.")


# lint: allow verb – fills the directory's port: a step of its verbs
async def keep_administrators(work: Work, places: Mapping[UUID, str]) -> Verdict:
    """Answer LastAdministrator where nobody would administer without these people, of whom nothing is written yet.

    `places` are their ids, each with the place in the request that ends their access.
    """
    return guards.can_leave(await queries.list_administrators(work, role=guards.ADMIN), places)


# lint: allow verb – a step of the verb that makes a user an employee
async def require_lasting(work: Work, *, user_id: UUID, person_id: UUID) -> None:
    """Raise LastAdministrator where the only one who administers would become a person whose access ends."""
    ends = await find_access_end(work, person_id=person_id)
    lasting = await queries.list_administrators(work, role=guards.ADMIN)
    if ends is not None and set(lasting) == {user_id}:
        enforce(guards.can_leave({user_id: person_id}, {person_id: "body.person_id"}))
