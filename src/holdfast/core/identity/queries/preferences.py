"""Statements on what users chose."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from holdfast.core.identity.models import Preference
from holdfast.kernel.work import Work


async def list_preferences(work: Work, *, user_id: UUID) -> Sequence[Preference]:
    """Return what a user chose, by name."""
    statement = select(Preference).where(Preference.user_id == user_id).order_by(Preference.name)
    return (await work.session.scalars(statement)).all()


async def find_preference(work: Work, *, user_id: UUID, name: str, lock: bool = False) -> Preference | None:
    """Return what a user chose for one part of the console."""
    statement = select(Preference).where(Preference.user_id == user_id, Preference.name == name)
    found: Preference | None = await work.session.scalar(statement.with_for_update() if lock else statement)
    return found
