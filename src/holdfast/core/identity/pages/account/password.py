"""Changing one's own password."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.pages.account import ACCOUNT, preparing
from holdfast.core.identity.schemas import PasswordChange
from holdfast.core.identity.service import own_password
from holdfast.core.identity.service.own_password import Renewal
from holdfast.kernel.http import Routes, WorkDep, prepared
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import Form, FormErrors
from holdfast.kernel.work import Gate, Work

router = Routes()
LABELS = {"current_password": "The present password", "new_password": "The new password"}


async def _renew(gate: Gate, form: PasswordChange) -> Renewal:
    current, new = form.current_password.get_secret_value(), form.new_password.get_secret_value()
    return await own_password.prepare_renewal(gate, current=current, new=new)


@router.get(verb=own_password.change_password)
async def show_password(request: Request, work: WorkDep) -> Response:
    """Show the form."""
    return _page(request, work, Form())


@router.post(verb=own_password.change_password, prepare=preparing(PasswordChange, LABELS, _renew), form=True)
async def change_password_by_form(
    request: Request, work: WorkDep, renewal: Annotated[Renewal | FormErrors, Depends(prepared)]
) -> Response:
    """Change the password; every other session ends."""
    if isinstance(renewal, FormErrors):
        return _page(request, work, renewal, status=422)
    await own_password.change_password(work, renewal=renewal)
    return redirect(request, ACCOUNT, flash="Your password was changed. You are signed out everywhere else.")


def _page(request: Request, work: Work, form: Form, *, status: int = 200) -> Response:
    return render(request, "identity/account_password.html", status=status, work=work, form=form)
