"""What people do with things to lend."""

from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work
from holdfast_lending.facts import ItemAdded
from holdfast_lending.models import LendingItem
from holdfast_lending.queries import ITEMS, ListParameters
from holdfast_lending.schemas import ItemCreate


@verb("lending.item.read")
async def list_items(work: Work, params: ListParameters) -> bytes:
    """Return one page of things."""
    return await ITEMS.page(work, params)


@verb("lending.item.read")
async def browse_items(work: Work, params: ListParameters) -> list[dict[str, object]]:
    """Return one page of things as rows."""
    return await ITEMS.rows(work, params)


@verb("lending.item.create", writes=True)
async def add_item(work: Work, fields: ItemCreate) -> LendingItem:
    """Add a thing."""
    item = LendingItem(id=work.new_id(), title=fields.title)
    work.session.add(item)
    work.record(ItemAdded(entity=item))
    await work.flush()
    return item
