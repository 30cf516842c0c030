"""What people do with things to lend."""

from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work
from holdfast_lending.facts import ItemAdded
from holdfast_lending.models import LendingItem
from holdfast_lending.queries import ITEMS, ListParameters, find_by_lock
from holdfast_lending.schemas import ItemCreate


@verb("lending.item.read")
async def list_items(work: Work, params: ListParameters) -> bytes:
    """Return one page of things."""
    return await ITEMS.page(work, params)


@verb("lending.item.read")
async def browse_items(work: Work, params: ListParameters) -> list[dict[str, object]]:
    """Return one page of things as rows."""
    return await ITEMS.rows(work, params)


@verb("lending.item.read")
async def read_lock_code(work: Work, *, code: str) -> str | None:
    """Return the title of the thing whose lock opens with a code, and the code as it was stored."""
    ring = await work.keyring()
    item = await find_by_lock(work, lock_index=ring.blind(LendingItem.lock_index, code))
    if item is None or item.lock_code is None:
        return None
    return f"{item.title}: {ring.open(LendingItem.lock_code, item.id, item.lock_code).decode()}"


@verb("lending.item.create", writes=True)
async def add_item(work: Work, fields: ItemCreate) -> LendingItem:
    """Add a thing."""
    item = LendingItem(id=work.new_id(), title=fields.title)
    if fields.lock_code is not None:
        ring = await work.keyring(sealing=True)
        item.lock_code = ring.seal(LendingItem.lock_code, item.id, fields.lock_code)
        item.lock_index = ring.blind(LendingItem.lock_index, fields.lock_code)
    work.session.add(item)
    work.record(ItemAdded(entity=item))
    await work.flush()
    if work.actor.id is not None:
        await work.tell("lending.item_added", [work.actor.id], key=f"item:{item.id}", title=item.title)
    return item
