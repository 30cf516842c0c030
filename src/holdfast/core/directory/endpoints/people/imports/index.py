"""People from a file."""

import codecs
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import Field, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.models import ImportKey, ImportMode
from holdfast.core.directory.queries import ImportList
from holdfast.core.directory.schemas.files import ImportOut, ImportReport
from holdfast.core.directory.service import imports, undoing
from holdfast.core.directory.service.mapping import parse_mapping
from holdfast.core.directory.service.people_files import MAX_BYTES, ImportPlan, PeopleFile, read_people
from holdfast.kernel.errors import BadRequest, FieldError, Invalid, UnsupportedMediaType
from holdfast.kernel.errors.problems import invalid_input
from holdfast.kernel.http import Routes, WorkDep, json_bytes, prepared, reply
from holdfast.kernel.schemas import Inward, Page
from holdfast.kernel.work import Gate

router = Routes()

CSV, FORM = "text/csv", "multipart/form-data"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAPPING = "Our column and, as its value, their heading; `ignore` lists headings to leave out. A JSON object."
EXAMPLE = '{"number": "Staff no", "ignore": ["Shoe size"]}'
BODY = {
    "required": True,
    "content": {
        CSV: {"schema": {"type": "string"}},
        XLSX: {"schema": {"type": "string", "format": "binary"}},
        FORM: {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "mapping": {"type": "string", "description": MAPPING, "examples": [EXAMPLE]},
                },
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
        Field(description="Encoding of a CSV file where it is not UTF-8 and has no byte order mark."),
    ] = None
    mode: Annotated[
        ImportMode,
        Field(description="`insert` adds people, `update` changes people who are there, `upsert` does either."),
    ] = ImportMode.INSERT
    key: Annotated[ImportKey, Field(description="By what people who are there are found.")] = ImportKey.NUMBER
    mapping: Annotated[str | None, Field(max_length=8000, description=MAPPING, examples=[EXAMPLE])] = None


async def read_file(request: Request, _gate: Gate) -> PeopleFile:
    """Read the file that a request brings; a text/csv body may name its encoding in its content type."""
    try:
        asked = ImportParameters.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise invalid_input(error, source="query") from None
    mapping = parse_mapping(asked.mapping, "query.mapping")
    plan = ImportPlan(asked.mode, asked.key, asked.charset, mapping)
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind == FORM:
        return await _read_form(request, plan)
    if kind not in (CSV, XLSX):
        raise UnsupportedMediaType.of(CSV, XLSX, FORM)
    named = parameters.strip().lower().partition("charset=")[2].strip('" ') if kind == CSV else ""
    if named and plan.charset is None:
        plan = replace(plan, charset=_charset(named))
    name = "people.csv" if kind == CSV else "people.xlsx"
    return await read_people(await request.body(), file_name=name, plan=plan)


_WANTED = "the form must hold one file under the name file, perhaps a mapping, and nothing else"


async def _read_form(request: Request, plan: ImportPlan) -> PeopleFile:
    try:
        async with request.form(max_files=1, max_fields=1) as form:
            file = _file(form)
            plan = replace(plan, mapping=_mapping(form) or plan.mapping)
            return await read_people(await file.read(), file_name=file.filename or "people.csv", plan=plan)
    except HTTPException as error:
        raise BadRequest(f"body.file: {_WANTED}", errors=(FieldError("body.file", "bad_form", _WANTED),)) from error


def _file(form: FormData) -> UploadFile:
    file = form.get("file")
    if any(isinstance(value, str) for name, value in form.items() if name != "mapping"):
        raise HTTPException(400)
    if not isinstance(file, UploadFile) or len(form) > 1 + ("mapping" in form):
        raise Invalid.field("body.file", "missing", _WANTED)
    return file


def _mapping(form: FormData) -> dict[str, str]:
    text = form.get("mapping")
    if isinstance(text, UploadFile):
        raise Invalid.field("body.mapping", "invalid", "must be a field, not a file")
    return parse_mapping(text, "body.mapping")


def _charset(name: str) -> str:
    try:
        return _CODECS[codecs.lookup(name).name]
    except (LookupError, ValueError) as error:
        raise BadRequest(f"The charset {name[:40]!a} of the content type is not one that files are read in.") from error


@router.post(
    verb=imports.import_people,
    prepare=read_file,
    max_body=MAX_BYTES,
    body=BODY,
    answers=ImportReport,
    status=201,
    also={200: "A dry run: the same report of what would happen."},
)
async def import_people(
    work: WorkDep, params: Annotated[ImportParameters, Query()], file: Annotated[PeopleFile, Depends(prepared)]
) -> Response:
    """Import people from a CSV or XLSX file: all of them or, where anything is wrong, none.

    The first line names the columns: number, given_name, family_name (these are needed), email, phone, job_title,
    department, company_code, manager_number, start_date, end_date, status. Of people who are there only the file's
    columns change; an empty cell empties its field. A dry run answers 200 and lists what is wrong; an import with
    faults is refused with 422, each fault with its line and column.
    """
    report = await imports.import_people(work, file, dry_run=params.dry_run)
    return reply(report, 200 if params.dry_run else 201)


@router.get(verb=undoing.list_imports, answers=Page[ImportOut])
async def list_imports(work: WorkDep, params: Annotated[ImportList, Query()]) -> Response:
    """List the imports of people that were done, newest first."""
    return json_bytes(await undoing.list_imports(work, params))
