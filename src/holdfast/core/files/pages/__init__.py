"""What the pages of the files share."""

from collections.abc import AsyncIterator

from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.files.errors import FileNotFound
from holdfast.core.files.schemas import FileDescription, FileOut
from holdfast.core.files.service import files
from holdfast.core.files.service.staging import Incoming, make_ready, take_in
from holdfast.kernel.errors import BadRequest, Invalid
from holdfast.kernel.errors.problems import invalid_input
from holdfast.kernel.ids import parse_id
from holdfast.kernel.pages import render
from holdfast.kernel.work import Gate, Work

LIST = "/console/files"
# What a form without a script may bring; with one, files of any size go to the API.
MOST_BY_FORM = 32 * 1024 * 1024
PIECE = 256 * 1024
RIGHTS = {
    "create": "files.file.create",
    "change": "files.file.update",
    "delete": "files.file.delete",
    "restore": "files.file.restore",
    "trace": "audit.entry.read",
}


async def receive_form(request: Request, gate: Gate) -> Incoming:
    """Take in the file that a page's form brings."""
    file_id = parse_id(request.path_params["file_id"]) if "file_id" in request.path_params else None
    if "file_id" in request.path_params and file_id is None:
        raise FileNotFound
    try:
        async with request.form(max_files=1, max_fields=4) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise Invalid.field("body.file", "missing", "choose a file")
            told = FileDescription(name=file.filename)
            rule = await make_ready(gate, rule=told.rule, size=file.size, file_id=file_id)
            return await take_in(gate, _pieces(file), name=told.name or file.filename, rule=rule)
    except HTTPException as error:
        raise BadRequest("The form could not be read.") from error
    except ValidationError as error:
        raise invalid_input(error, source="body") from None


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE):
        yield piece


def may(work: Work) -> dict[str, bool]:
    """Return what the caller may do with files."""
    return {name: work.actor.may(permission) for name, permission in RIGHTS.items()}


async def file_page(
    request: Request, work: Work, file: FileOut, *, refused: str | None = None, status: int = 200
) -> Response:
    """Return the page of a file: what is known of it, a preview, its versions."""
    return render(
        request,
        "files/file.html",
        status=status,
        work=work,
        file=file,
        versions=await files.browse_versions(work, file_id=file.id),
        may=may(work),
        refused=refused,
    )
