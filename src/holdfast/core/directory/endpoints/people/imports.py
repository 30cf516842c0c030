"""People from a file."""

import codecs
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.schemas import ImportReport
from holdfast.core.directory.service import imports
from holdfast.core.directory.service.people_files import MAX_BYTES, PeopleFile, read_people
from holdfast.kernel.errors import BadRequest, FieldError, Invalid, UnsupportedMediaType
from holdfast.kernel.http import Routes, WorkDep, prepared, reply
from holdfast.kernel.schemas import Inward
from holdfast.kernel.work import Gate

router = Routes()

CSV, FORM = "text/csv", "multipart/form-data"
BODY = {
    "required": True,
    "content": {
        CSV: {"schema": {"type": "string"}},
        FORM: {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
    },
}
_CODECS = {"utf-8": "utf-8", "ascii": "utf-8", "utf-16": "utf-16", "cp1252": "windows-1252"}


class ImportParameters(Inward):
    """How to import."""

    dry_run: Annotated[bool, Field(description="Only tell what would happen.")] = False
    charset: Annotated[
        Literal["utf-8", "utf-16", "windows-1252"] | None,
        Field(description="Encoding of the file where it is not UTF-8 and has no byte order mark."),
    ] = None


async def read_file(request: Request, _gate: Gate) -> PeopleFile:
    """Read the file that a request brings; a text/csv body may name its encoding in its content type."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = request.query_params.get("charset")
    imports.check_charset(charset, "query.charset")
    if kind.strip().lower() == CSV:
        named = parameters.strip().lower().partition("charset=")[2].strip('" ')
        return await read_people(
            await request.body(), file_name="people.csv", charset=charset or (_charset(named) if named else None)
        )
    if kind.strip().lower() != FORM:
        raise UnsupportedMediaType.of(CSV, FORM)
    wanted = "the form must hold one file under the name file, and nothing else"
    try:
        async with request.form(max_files=1, max_fields=0) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Invalid.field("body.file", "missing", wanted)
            return await read_people(await file.read(), file_name=file.filename or "people.csv", charset=charset)
    except HTTPException as error:
        raise BadRequest(f"body.file: {wanted}", errors=(FieldError("body.file", "bad_form", wanted),)) from error


def _charset(name: str) -> str:
    try:
        return _CODECS[codecs.lookup(name).name]
    except (LookupError, ValueError) as error:
        raise BadRequest(f"The charset {name[:40]!a} of the content type is not one that files are read in.") from error


@router.post(
    verb=imports.import_people, prepare=read_file, max_body=MAX_BYTES, body=BODY, answers=ImportReport, status=201
)
async def import_people(
    work: WorkDep, params: Annotated[ImportParameters, Query()], file: Annotated[PeopleFile, Depends(prepared)]
) -> Response:
    """Import people from a CSV file: all of them or, where anything is wrong, none.

    The first line names the columns: number, given_name, family_name (these are needed), email, phone, job_title,
    department, company_code, manager_number, start_date, end_date, status. A dry run answers 200 and lists what is
    wrong; an import with faults is refused with 422, each fault with its line and column.
    """
    report = await imports.import_people(work, file, dry_run=params.dry_run)
    return reply(report, 200 if params.dry_run else 201)
