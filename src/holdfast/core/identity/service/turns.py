"""Counting the attempts of who is signed in, before a unit of work opens: the count is a transaction of its own."""

from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.work import Gate


# lint: allow verb – what sensitive verbs have counted before their transaction begins
async def take_turn(_request: object, gate: Gate) -> None:
    """Count one attempt of the caller and of the address it comes from; raise RateLimited."""
    await desk_of(gate.works).take_turn(gate, account=str(gate.actor.id))
