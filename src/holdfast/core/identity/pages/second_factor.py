"""The second page of signing in."""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.schemas import CodeText
from holdfast.core.identity.service import challenges
from holdfast.core.identity.service.challenges import Waiting
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.devices import cookie_name
from holdfast.core.identity.service.factors import Shown
from holdfast.core.identity.service.opening import cookies_of
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import GateDep, Routes
from holdfast.kernel.pages import SIGN_IN, local_path, redirect, render
from holdfast.kernel.pages.forms import Form, FormErrors, check_origin, form_errors, read_form, read_pairs
from holdfast.kernel.schemas import Inward
from holdfast.kernel.work import Gate

router = Routes()
LABELS = {"code": "The code", "recovery_code": "The recovery code"}
SHOWN_AGAIN = frozenset({"CODE_REFUSED", "RATE_LIMITED"})


def without_blanks(text: object) -> object:
    """Take a code as authenticators show it, in two groups."""
    return "".join(text.split()) if isinstance(text, str) else text


class SecondFactorForm(Inward):
    """What the second page of signing in sends."""

    mfa_token: Annotated[SecretStr, Field(min_length=1, max_length=200)]
    code: Annotated[CodeText | None, BeforeValidator(without_blanks)] = None
    recovery_code: Annotated[SecretStr | None, Field(max_length=64)] = None
    next: Annotated[str, Field(max_length=2000)] = "/console"

    @model_validator(mode="after")
    def _one(self) -> "SecondFactorForm":
        if (self.code is None) == (self.recovery_code is None):
            raise ValueError("needs the code, or a recovery code in its place")
        return self


@router.get(verb=challenges.verify)
async def begin_anew(request: Request) -> Response:
    """Send who comes without a sign-in that waits to the first page."""
    return redirect(request, SIGN_IN)


@router.post(verb=challenges.verify, form=True)
async def verify_by_form(request: Request, gate: GateDep) -> Response:
    """Finish the sign-in and go to where the person wanted to be, past the recovery codes where some were made."""
    check_origin(request, gate.settings.public_url)
    given = dict(await read_pairs(request))
    token, target = given.get("mfa_token", "")[:200], local_path(given.get("next"))
    form = await read_form(request, SecondFactorForm, labels=LABELS)
    if isinstance(form, FormErrors):
        return await _again(request, gate, token, target, form, status=422)
    recovery = form.recovery_code
    try:
        verified = await challenges.verify(
            gate,
            token=token,
            shown=Shown(form.code, None if recovery is None else recovery.get_secret_value()),
            kind=SessionKind.COOKIE,
            device=request.cookies.get(cookie_name(desk_of(gate.works).cookie)),
        )
    except HoldfastError as error:
        if error.status not in {401, 429}:
            raise
        if error.code not in SHOWN_AGAIN:
            return redirect(request, SIGN_IN, flash=error.detail)
        shown = await form_errors(request, error, SecondFactorForm, labels=LABELS)
        return await _again(request, gate, token, target, shown, status=error.status)
    if verified.recovery_codes:
        response = render(request, "identity/recovery_codes.html", codes=verified.recovery_codes, next=target)
    else:
        response = redirect(request, target)
    for cookie in cookies_of(verified.opened, desk_of(gate.works)):
        response.headers.append("Set-Cookie", cookie)
    return response


def show_second_factor(
    request: Request, found: Waiting, *, target: str, form: Form | None = None, status: int = 200
) -> Response:
    """Show the page of a sign-in that waits."""
    return render(
        request,
        "identity/second_factor.html",
        status=status,
        form=form or Form(),
        token=found.token,
        enrolment=found.enrolment,
        next=target,
    )


async def _again(request: Request, gate: Gate, token: str, target: str, form: Form, *, status: int) -> Response:
    enrolment = await challenges.find_enrolment(gate, token=token)
    return show_second_factor(request, Waiting(token, (), enrolment), target=target, form=form, status=status)
