"""The page behind the one-time link: the first organisation and its administrator."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.schemas import Setup
from holdfast.core.identity.service.setup import complete_setup
from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.http import GateDep, Routes
from holdfast.kernel.pages import SIGN_IN, redirect, render
from holdfast.kernel.pages.forms import Form, check_origin, form_errors, read_form, read_pairs

router = Routes()
LABELS = {
    "token": "The set-up code",
    "organization": "Organisation",
    "slug": "Short name",
    "email": "E-mail",
    "name": "Your name",
    "password": "Password",
}
SHOWN_AGAIN = frozenset({401, 403, 409, 422, 429})


@router.get(verb=complete_setup)
async def show_setup(request: Request) -> Response:
    """Show the form; whether the link is good is judged when it is used."""
    return _page(request, Form(), code=request.query_params.get("code", ""))


@router.post(verb=complete_setup, form=True)
async def set_up_by_form(request: Request, gate: GateDep) -> Response:
    """Make the first administrator and show the sign-in page."""
    check_origin(request, gate.settings.public_url)
    code = dict(await read_pairs(request)).get("token", "")
    form = await read_form(request, Setup, labels=LABELS)
    if isinstance(form, Form):
        return _page(request, form, code=code, status=422)
    try:
        await complete_setup(
            gate,
            secret=form.token.get_secret_value(),
            organization=form.organization,
            slug=form.slug,
            email=form.email,
            name=form.name,
            password=form.password.get_secret_value(),
        )
    except HoldfastError as error:
        if error.status not in SHOWN_AGAIN:
            raise
        shown = await form_errors(request, error, Setup, labels=LABELS)
        return _page(request, shown, code=code, status=error.status)
    return redirect(request, SIGN_IN, flash="All is set up. Sign in as the administrator.")


def _page(request: Request, form: Form, *, code: str, status: int = 200) -> Response:
    return render(request, "identity/setup.html", status=status, form=form, code=code[:200])
