"""The operators' broom for what is kept to be faster."""

from uuid import UUID

from holdfast.core.identity.facts import CacheCleared
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work


@verb("platform.cache.clear", writes=True)
async def clear_cache(
    work: Work, *, namespace: str | None = None, organization_id: UUID | None = None, pattern: str | None = None
) -> int:
    """Forget what the cache keeps, by kind, organisation and a pattern of keys; return how many values they were."""
    cleared = await work.house.cache.clear(
        namespace=namespace or "*", tenant_id=organization_id, pattern=pattern or "*"
    )
    work.record(CacheCleared(namespace=namespace, organization_id=organization_id, pattern=pattern, cleared=cleared))
    return cleared
