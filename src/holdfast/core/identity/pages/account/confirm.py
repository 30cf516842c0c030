"""Confirming that it is you, where something asks for it: by the password or a second factor, for ten minutes."""

from typing import Annotated

from fastapi import Depends
from pydantic import BeforeValidator, Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.pages.account import ACCOUNT, preparing
from holdfast.core.identity.pages.second_factor import without_blanks
from holdfast.core.identity.schemas import CodeText, StepUp
from holdfast.core.identity.service import mfa, step_up
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.factors import Shown
from holdfast.kernel.http import Routes, WorkDep, prepared
from holdfast.kernel.pages import local_path, redirect, render
from holdfast.kernel.pages.forms import Form, FormErrors, read_pairs
from holdfast.kernel.work import Gate, Work

router = Routes()
LABELS = {"password": "The password", "code": "The code", "recovery_code": "The recovery code"}


class StepUpForm(StepUp):
    """What the form sends."""

    code: Annotated[CodeText | None, BeforeValidator(without_blanks)] = None
    next: Annotated[str, Field(max_length=2000)] = ACCOUNT


async def _show(gate: Gate, form: StepUpForm) -> bool:
    password = None if form.password is None else form.password.get_secret_value()
    recovery = None if form.recovery_code is None else form.recovery_code.get_secret_value()
    shown = None if password is not None else Shown(form.code, recovery)
    return await step_up.prepare_step_up(gate, password=password, shown=shown)


@router.get(verb=step_up.step_up)
async def show_confirm(request: Request, work: WorkDep) -> Response:
    """Ask for the second factor where there is one, else for the password."""
    return await _page(request, work, Form(), target=request.query_params.get("next"))


@router.post(verb=step_up.step_up, prepare=preparing(StepUpForm, LABELS, _show), form=True)
async def confirm_by_form(
    request: Request, work: WorkDep, shown: Annotated[bool | FormErrors, Depends(prepared)]
) -> Response:
    """Note that it is you and go on to what asked."""
    target = dict(await read_pairs(request)).get("next")
    if isinstance(shown, FormErrors):
        return await _page(request, work, shown, target=target, status=422)
    _, cookie = await step_up.step_up(work, second_factor=shown)
    response = redirect(request, local_path(target, ACCOUNT))
    if cookie:
        response.headers.append("Set-Cookie", desk_of(work.house).cookie.carrying(cookie))
    return response


async def _page(request: Request, work: Work, form: Form, *, target: str | None, status: int = 200) -> Response:
    return render(
        request,
        "identity/account_confirm.html",
        status=status,
        work=work,
        form=form,
        next=local_path(target, ACCOUNT),
        factor=await mfa.read_mfa(work),
    )
