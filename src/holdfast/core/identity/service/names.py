"""Under which names users are known when they sign in: rows that are kept in step with the users."""

from holdfast.core.identity import queries
from holdfast.core.identity.models import SignInName, User
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.work import Work


def names_of(work: Work, user: User) -> set[bytes]:
    """Return the keyed hashes of the names that a user signs in by."""
    desk = desk_of(work.house)
    return {desk.name_hash(name) for name in (user.email, user.username) if name is not None}


# lint: allow verb – a step of verbs that add, change, delete and restore users
async def move_names(work: Work, *, before: set[bytes], after: set[bytes]) -> None:
    """Forget the names that are gone and know the new ones.

    The users are flushed before: that nobody else in the organisation has a name is what their constraints say.
    """
    for name_hash in sorted(before - after):
        row = await queries.find_sign_in_name(work, name_hash=name_hash)
        if row is not None:
            await work.session.delete(row)
    for name_hash in sorted(after - before):
        if await queries.find_sign_in_name(work, name_hash=name_hash) is None:
            work.session.add(SignInName(name_hash=name_hash, tenant_id=work.tenant_id))
    await work.flush()
