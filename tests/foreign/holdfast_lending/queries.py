"""The foreign app's list."""

from holdfast.kernel.lists import HotList, ListParameters
from holdfast_lending.models import LendingItem
from holdfast_lending.schemas import ItemOut

ITEMS = HotList(
    "lending.items",
    LendingItem,
    columns={name: getattr(LendingItem, name) for name in ItemOut.model_fields},
    sorts={"created_at": LendingItem.created_at},
    default_sort="created_at",
)
__all__ = ["ITEMS", "ListParameters"]
