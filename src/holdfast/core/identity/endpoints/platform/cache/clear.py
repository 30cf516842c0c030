"""Forgetting what was kept to be faster."""

from holdfast.core.identity.schemas import CacheClear, CacheClearedOut
from holdfast.core.identity.service import caching
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=caching.clear_cache)
async def clear_cache(work: WorkDep, body: CacheClear) -> CacheClearedOut:
    """Forget what was kept to be faster, of all kinds or one, of all organisations or one.

    With Redis all processes forget; without, the one that answers, and the others when the time of each value is over.
    """
    cleared = await caching.clear_cache(
        work, namespace=body.namespace, organization_id=body.organization_id, pattern=body.pattern
    )
    return CacheClearedOut(cleared=cleared)
