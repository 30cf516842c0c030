"""How much room an organisation's files have and take."""

from holdfast.core.files import guards, queries
from holdfast.core.files.models import FileSpace
from holdfast.core.files.schemas import RoomOut, RuleUsageOut, UsageOut
from holdfast.core.files.service.cabinet import cabinet_of
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work


@verb("files.usage.read")
async def read_usage(work: Work) -> UsageOut:
    """Return how much the organisation's files take, of how much, and by which rules; looks at every version."""
    room = await room_of(work)
    files, versions, contents = await queries.count_all(work)
    rules = cabinet_of(work).rules
    return UsageOut(
        **room.model_dump(),
        files=files,
        versions=versions,
        contents=contents,
        by_rule=[
            RuleUsageOut(rule=name, title=rules[name].title if name in rules else name, files=count, bytes=size)
            for name, count, size in await queries.usage_by_rule(work)
        ],
    )


@verb("files.usage.read")
async def read_room(work: Work) -> RoomOut:
    """Return how much the organisation's files take, and of how much."""
    return await room_of(work)


# lint: allow verb – the part that administrators and operators share; their verbs ask for the permission
async def room_of(work: Work) -> RoomOut:
    """Return how much an organisation's files take, and of how much."""
    space = await queries.find_space(work)
    return RoomOut(
        bytes=0 if space is None else space.used,
        announced_bytes=await queries.announced(work),
        limit_bytes=guards.quota_of(space, work.settings) * guards.MB or None,
        own_limit_mb=None if space is None else space.quota_mb,
    )


# lint: allow verb – for the operators' verb, which asks for the permission
async def set_quota(work: Work, *, quota_mb: int | None) -> int | None:
    """Give the organisation a quota of its own, None for the installation's; return the one that it had."""
    space = await queries.find_space(work, lock=True)
    if space is None:
        space = FileSpace(id=work.tenant_id, used=0)
        work.session.add(space)
    before, space.quota_mb = space.quota_mb, quota_mb
    await work.flush()
    return before
