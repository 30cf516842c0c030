"""Audiences: whom news, policies, courses and simulations are for, said by one rule."""

from collections.abc import Sequence
from datetime import datetime

from holdfast.core.directory.public import list_people_where, name_unit
from holdfast.core.identity import guards, queries
from holdfast.core.identity.schemas import Audience, AudienceMember, AudiencePart
from holdfast.kernel.errors import Invalid
from holdfast.kernel.permissions import authorise, verb
from holdfast.kernel.schemas import Meta, Page
from holdfast.kernel.work import Work


@verb("directory.person.read")
async def list_members(
    work: Work, audience: Audience, *, at: datetime | None = None, page: int = 1, page_size: int = 50
) -> Page[AudienceMember]:
    """Return one page of the people whom an audience holds, with `at` of those whom it held at that moment.

    Raises Invalid naming the part that names nothing, and Forbidden where it names a role that the caller may not see.
    """
    for where, parts in (("include", audience.include), ("exclude", audience.exclude)):
        await _check(work, where, parts)
    condition = queries.people_in_audience(work, audience, at)
    rows, total = await list_people_where(work, condition, at=at, limit=page_size, offset=(page - 1) * page_size)
    meta = Meta(page=page, page_size=page_size, total=total, next_cursor=None)
    return Page[AudienceMember](data=[AudienceMember.model_validate(row) for row in rows], meta=meta)


async def _check(work: Work, where: str, parts: Sequence[AudiencePart]) -> None:
    for number, part in enumerate(parts):
        field = f"body.{where}[{number}]"
        if part.kind != "role":
            assert part.id is not None
            await name_unit(work, part.kind, part.id, field=f"{field}.id")
            continue
        authorise(work.actor, "identity.role.read")
        if part.role in guards.ROLES:
            continue
        own = {str(role.id) for role in await queries.list_own_roles(work)}
        if part.role not in own:
            raise Invalid.field(f"{field}.role", "unknown", "is neither a built-in role nor the id of one of your own")
