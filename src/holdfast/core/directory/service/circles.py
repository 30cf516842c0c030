"""Circles of superiors that several changes at once would make."""

from collections.abc import Mapping
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.kernel.work import Work


# lint: allow verb – the part that importing and undoing share
async def find_circles(work: Work, managers: Mapping[UUID, UUID | None]) -> set[UUID]:
    """Return who among these people would be their own superior if they all got these superiors.

    The structure must be held alone.
    """
    edges: dict[UUID, UUID | None] = dict(managers)
    ahead = {each for each in managers.values() if each is not None} - edges.keys()
    while ahead:
        found = await queries.list_managers(work, person_ids=ahead)
        edges.update({person_id: found.get(person_id) for person_id in ahead})
        ahead = {each for each in found.values() if each is not None} - edges.keys()
    circles: set[UUID] = set()
    done: set[UUID] = set()
    for start in managers:
        path: list[UUID] = []
        on_path: set[UUID] = set()
        at: UUID | None = start
        while at is not None and at not in done and at not in on_path:
            path.append(at)
            on_path.add(at)
            at = edges.get(at)
        if at is not None and at in on_path:
            circles.update(path[path.index(at) :])
        done |= on_path
    return circles & managers.keys()
