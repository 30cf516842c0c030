"""Acts by name, as tests put them here."""

from collections.abc import Awaitable, Callable

from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work

ACTS: dict[str, Callable[[Work], Awaitable[object]]] = {}


@verb("acting.act.perform", writes=True)
async def perform(work: Work, *, name: str) -> object:
    """Do what the test put under this name."""
    return await ACTS[name](work)


@verb("acting.act.watch")
async def watch(work: Work, *, name: str) -> object:
    """Do it in a unit of work that was opened for reading."""
    return await ACTS[name](work)
