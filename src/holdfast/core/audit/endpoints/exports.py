"""The trail as a file."""

from typing import Annotated

from fastapi import Query
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from holdfast.core.audit.queries import EntryExport
from holdfast.core.audit.schemas import ExportFormat
from holdfast.core.audit.service import exporting
from holdfast.kernel.http import Routes, WorkDep

router = Routes()
CSV, JSONL = "text/csv", "application/jsonl"
PIECE = 64 * 1024


class ExportParameters(EntryExport):
    """Which entries to export, and as what."""

    format: ExportFormat = ExportFormat.JSONL


@router.get(verb=exporting.export_entries, media=(CSV, JSONL))
async def export_entries(work: WorkDep, params: Annotated[ExportParameters, Query()]) -> Response:
    """Export entries as JSON Lines or CSV, newest first; the filters are those of the list of entries.

    The password or second factor has to have been shown within ten minutes. That the trail was exported, by whom and
    with which filters, is in the trail.
    """
    chosen = EntryExport.model_construct(**params.model_dump(include=set(EntryExport.model_fields)))
    file = await exporting.export_entries(work, chosen, file_format=params.format)
    kind = f"{CSV}; charset=utf-8" if params.format is ExportFormat.CSV else JSONL
    headers = {"Content-Disposition": f'attachment; filename="audit.{params.format}"'}
    pieces = iter(lambda: file.read(PIECE), b"")
    return StreamingResponse(pieces, media_type=kind, headers=headers, background=BackgroundTask(file.close))
