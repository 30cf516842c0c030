"""The foreign app's list."""

from sqlalchemy import select

from holdfast.kernel.lists import HotList, ListParameters
from holdfast.kernel.work import Work
from holdfast_lending.models import LendingItem
from holdfast_lending.schemas import ItemOut

ITEMS = HotList(
    "lending.items",
    LendingItem,
    columns={name: getattr(LendingItem, name) for name in ItemOut.model_fields},
    sorts={"created_at": LendingItem.created_at},
    default_sort="created_at",
)
__all__ = ["ITEMS", "ListParameters", "find_by_lock"]


async def find_by_lock(work: Work, *, lock_index: bytes) -> LendingItem | None:
    """Return the thing whose lock has a code with this index."""
    found: LendingItem | None = await work.session.scalar(
        select(LendingItem).where(LendingItem.lock_index == lock_index)
    )
    return found
