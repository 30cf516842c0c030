"""Whom an audience holds."""

from holdfast.core.identity.schemas import Audience, AudienceMember, AudienceQuestion
from holdfast.core.identity.service import audiences
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.schemas import Page

router = Routes()


@router.post(verb=audiences.list_members)
async def list_audience_members(work: WorkDep, body: AudienceQuestion) -> Page[AudienceMember]:
    """List the people whom a rule holds, now or at a moment; nothing is kept."""
    audience = Audience(include=body.include, exclude=body.exclude)
    return await audiences.list_members(work, audience, at=body.at, page=body.page, page_size=body.page_size)
