"""Telling users what happens to their accounts."""

from holdfast.core.identity.models import User
from holdfast.core.identity.queries import Standing
from holdfast.kernel.work import Work


# lint: allow verb – a step of verbs that tell a user of something
async def notify(work: Work, user: User | Standing, message: str, *, to: str | None = None, **told: str) -> None:
    """Tell a user, at the address that they have now or another one; a program is told nothing."""
    address = to or user.email
    if address is not None:
        await work.tell(f"identity.{message}", [user.id], to=address, **told)
