"""People as a file."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from holdfast.core.directory.queries import PeopleExport
from holdfast.core.directory.service import exports
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=exports.export_people, media="text/csv")
async def export_people(work: WorkDep, params: Annotated[PeopleExport, Query()]) -> Response:
    """Export people as CSV, formulas made harmless."""
    content = await exports.export_people(work, params)
    headers = {"Content-Disposition": 'attachment; filename="people.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
