"""Everything that an organisation holds."""

from uuid import UUID

from starlette.responses import Response, StreamingResponse

from holdfast.core.identity.service import organization_export
from holdfast.kernel.http import Routes, WorkDep

router = Routes()
LINES = "application/jsonl"


@router.post(verb=organization_export.begin_export, media=LINES)
async def export_organization(work: WorkDep, organization_id: UUID) -> Response:
    """Write out everything of an organisation as JSON lines, without what opens doors; both trails tell of it."""
    slug = await organization_export.begin_export(work, organization_id=organization_id)
    lines = organization_export.export_lines(work.house, organization_id, work.actor, work.request)
    headers = {"Content-Disposition": f'attachment; filename="{slug}.jsonl"'}
    return StreamingResponse(lines, media_type=LINES, headers=headers)
