"""An organisation keeps somebody who administers it."""

from uuid import UUID

from holdfast.core.directory.public import hold_structure
from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import LastAdministrator
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
        raise LastAdministrator
