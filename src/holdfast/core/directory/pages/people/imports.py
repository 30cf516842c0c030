"""Importing people from a file: looked through first, then taken whole."""

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory.pages.people import KIND
from holdfast.core.directory.schemas.files import ImportReport
from holdfast.core.directory.service import imports
from holdfast.core.directory.service.csv_files import CHARSETS
from holdfast.core.directory.service.people_files import (
    COLUMNS,
    MAX_BYTES,
    REQUIRED,
    ImportPlan,
    PeopleFile,
    read_people,
)
from holdfast.kernel.errors import BadRequest, UnsupportedMediaType
from holdfast.kernel.http import Routes, WorkDep, prepared
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import Form
from holdfast.kernel.work import Gate, Work

router = Routes()

FORM = "multipart/form-data"
# A checked file up to this size travels in the page, so that it need not be chosen again.
CARRIED = 2 * 1024 * 1024
SHOWN_FAULTS = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """What the form sent: the file as it was read, None for none; its content where it may travel in the page."""

    step: Literal["check", "import"]
    charset: str | None
    file: PeopleFile | None = None
    carried: str | None = None


async def read_upload(request: Request, _gate: Gate) -> Sent:
    """Read the file that the form brings, or the one that was checked before and came along."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMediaType.of(FORM)
    try:
        async with request.form(max_files=1, max_fields=8, max_part_size=2 * CARRIED) as form:
            step: Literal["check", "import"] = "import" if form.get("step") == "import" else "check"
            charset = form.get("charset") or None
            name, content = await _content(form)
    except HTTPException as error:
        raise BadRequest("The form could not be read.") from error
    if not (charset is None or (isinstance(charset, str) and charset in CHARSETS)):
        raise BadRequest("The encoding is not one that files are read in.")
    if content is None:
        return Sent(step, charset)
    carried = base64.b64encode(content).decode() if len(content) <= CARRIED else None
    file = await read_people(content, file_name=name, plan=ImportPlan(charset=charset))
    return Sent(step, charset, file, carried)


async def _content(form: FormData) -> tuple[str, bytes | None]:
    file, checked, name = form.get("file"), form.get("checked"), form.get("name")
    if isinstance(file, UploadFile) and file.filename:
        return file.filename, await file.read()
    if not (isinstance(checked, str) and isinstance(name, str) and checked):
        return "", None
    try:
        return name, base64.b64decode(checked, validate=True)
    except binascii.Error:
        raise BadRequest("The checked file came back damaged.") from None


@router.get(verb=imports.import_people)
async def show_import(request: Request, work: WorkDep) -> Response:
    """Show how to import people."""
    return _page(request, work, Form())


@router.post(verb=imports.import_people, prepare=read_upload, max_body=MAX_BYTES, form=True)
async def import_by_form(request: Request, work: WorkDep, sent: Annotated[Sent, Depends(prepared)]) -> Response:
    """Tell what is wrong with the file or, where nothing is and that was asked for, import it."""
    shown = Form.of({"charset": sent.charset})
    if sent.file is None:
        return _page(request, work, Form(shown.values, {"file": "Choose a file"}), status=422)
    report = await imports.import_people(work, sent.file, dry_run=True)
    if report.error_count or sent.step == "check":
        return _page(request, work, shown, sent=sent, report=report, status=422 if report.error_count else 200)
    done = await imports.import_people(work, sent.file)
    what = "1 person was" if done.created == 1 else f"{done.created} people were"
    return redirect(request, KIND.path, flash=f"{what} imported.")


def _page(
    request: Request,
    work: Work,
    form: Form,
    *,
    sent: Sent | None = None,
    report: ImportReport | None = None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "directory/people_import.html",
        status=status,
        work=work,
        kind=KIND,
        form=form,
        sent=sent,
        report=report,
        most=SHOWN_FAULTS,
        columns=[(name, name in REQUIRED) for name in COLUMNS],
        charsets=list(CHARSETS),
    )
