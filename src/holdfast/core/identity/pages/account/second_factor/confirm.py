"""The first code of a new authenticator."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.errors import WrongCode
from holdfast.core.identity.pages.account.second_factor import PAGE
from holdfast.core.identity.pages.second_factor import without_blanks
from holdfast.core.identity.schemas import CodeText
from holdfast.core.identity.service import mfa
from holdfast.core.identity.service.turns import take_turn
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import FormErrors, form_errors, read_form
from holdfast.kernel.schemas import Inward

router = Routes()
LABELS = {"code": "The code"}


class FirstCode(Inward):
    """The code, and what the page showed beside it, to be shown again: the reader typed it from there."""

    code: Annotated[CodeText, BeforeValidator(without_blanks)]
    secret: Annotated[str, Field(pattern=r"^[A-Z2-7]{16,64}$")]
    uri: Annotated[str, Field(pattern=r"^otpauth://totp/", max_length=1000)]


@router.get(verb=mfa.read_mfa)
async def begin_anew(request: Request) -> Response:
    """Send who comes without a form to the page that begins."""
    return redirect(request, PAGE)


@router.post(verb=mfa.confirm_totp, prepare=take_turn, form=True)
async def confirm_by_form(request: Request, work: WorkDep) -> Response:
    """Switch the second factor on and show the recovery codes, this once."""
    form = await read_form(request, FirstCode, labels=LABELS)
    if not isinstance(form, FormErrors):
        try:
            codes = await mfa.confirm_totp(work, code=form.code)
        except WrongCode as error:
            form = await form_errors(request, error, FirstCode, labels=LABELS)
        else:
            return render(request, "identity/account_codes.html", work=work, codes=codes)
    if {"secret", "uri"} & set(form.faults):
        return redirect(request, PAGE)
    shown = {name: form.value(name) for name in ("secret", "uri")}
    return render(request, "identity/account_enrol.html", status=422, work=work, form=form, **shown)
