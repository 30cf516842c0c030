"""Users from a file."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.schemas import UsersImportReport
from holdfast.core.identity.service import users_import
from holdfast.core.identity.service.users_file import MAX_BYTES, UsersFile, read_users
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


class ImportParameters(Inward):
    """How to import."""

    dry_run: Annotated[bool, Field(description="Only tell what would happen.")] = False


async def read_file(request: Request, _gate: Gate) -> UsersFile:
    """Read the file that a request brings, before the transaction begins."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == CSV:
        return await read_users(await request.body(), file_name="users.csv")
    if kind != FORM:
        raise UnsupportedMediaType.of(CSV, FORM)
    wanted = "the form must hold one file under the name file, and nothing else"
    try:
        async with request.form(max_files=1, max_fields=0) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Invalid.field("body.file", "missing", wanted)
            return await read_users(await file.read(), file_name=file.filename or "users.csv")
    except HTTPException as error:
        raise BadRequest(f"body.file: {wanted}", errors=(FieldError("body.file", "bad_form", wanted),)) from error


@router.post(
    verb=users_import.import_users,
    prepare=read_file,
    max_body=MAX_BYTES,
    body=BODY,
    answers=UsersImportReport,
    status=201,
    also={200: "A dry run: the same report of what would happen."},
)
async def import_users(
    work: WorkDep, params: Annotated[ImportParameters, Query()], file: Annotated[UsersFile, Depends(prepared)]
) -> Response:
    """Import users from a CSV file with the hashes of their passwords: all of them or, where anything is wrong, none.

    The first line names the columns: email and name (these are needed), username, password_hash (bcrypt, or Argon2 as
    a PHC string), roles (with `;` between them), status (active, invited, suspended). Who has no password is invited.
    A dry run answers 200 and lists what is wrong; an import with faults is refused with 422, each fault with its line
    and column.
    """
    report = await users_import.import_users(work, file, dry_run=params.dry_run)
    return reply(report, 200 if params.dry_run else 201)
