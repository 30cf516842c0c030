"""Ending somebody's employment: what stands above the directory may need them to stay."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from holdfast.core.directory.models import PersonStatus
from holdfast.kernel.permissions import Verdict, enforce
from holdfast.kernel.work import Work

Judge = Callable[[Work, Mapping[UUID, str]], Awaitable[Verdict]]


class Keeper:
    """Port filled by identity, put into the house by `main`: judges whether the access of people may end.

    It is told their ids, each with the place in the request that ends it, and answers the error that names the places
    of those who have to stay.
    """

    SLOT = "directory.keeper"

    def __init__(self, judge: Judge) -> None:
        self.judge = judge


# lint: allow verb – a step of verbs by which somebody's access ends
async def require_leave(work: Work, places: Mapping[UUID, str]) -> None:
    """Raise what stands against ending the access of people, of whom nothing is written yet.

    `places` are their ids, each with the place in the request that ends it. The structure must be held alone, so that
    of two who leave at once the second sees the first go.
    """
    if places:
        keeper = work.house.state[Keeper.SLOT]
        assert isinstance(keeper, Keeper)
        enforce(await keeper.judge(work, places))


def ended_by(changes: Mapping[str, Any]) -> str | None:
    """Return the field by which a change of a person ends their access, be the day still to come; None for none."""
    if changes.get("end_date") is not None:
        return "end_date"
    return "status" if changes.get("status") == PersonStatus.LEFT else None
