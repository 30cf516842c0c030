"""People as a file."""

from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from holdfast.core.directory.queries import PeopleExport
from holdfast.core.directory.schemas.files import FileFormat
from holdfast.core.directory.service import exports
from holdfast.kernel.http import Routes, WorkDep

router = Routes()
CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PIECE = 64 * 1024


class ExportParameters(PeopleExport):
    """Which people to export, and as what."""

    format: FileFormat = FileFormat.CSV
    columns: Annotated[
        str | None,
        Field(
            max_length=200,
            description="The columns in their order, with commas; all of them where it is left out.",
            examples=["number,given_name,family_name"],
        ),
    ] = None


@router.get(verb=exports.export_people, media=(CSV, XLSX))
async def export_people(work: WorkDep, params: Annotated[ExportParameters, Query()]) -> Response:
    """Export people as CSV or XLSX, formulas made harmless; the filters are those of the list of people."""
    chosen = PeopleExport.model_construct(**params.model_dump(include=set(PeopleExport.model_fields)))
    columns = [] if params.columns is None else params.columns.split(",")
    file = await exports.export_people(work, chosen, file_format=params.format, columns=columns)
    kind = f"{CSV}; charset=utf-8" if params.format is FileFormat.CSV else XLSX
    headers = {"Content-Disposition": f'attachment; filename="people.{params.format}"'}
    pieces = iter(lambda: file.read(PIECE), b"")
    return StreamingResponse(pieces, media_type=kind, headers=headers, background=BackgroundTask(file.close))
