"""The pages of one's own account: where one is signed in, password, second factor, API keys."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from holdfast.kernel.errors import HoldfastError
from holdfast.kernel.pages.forms import FormErrors, check_csrf, form_errors, read_form
from holdfast.kernel.work import Gate

Schema = TypeVar("Schema", bound=BaseModel)
Made = TypeVar("Made")

ACCOUNT = "/console/account"
SHOWN_AGAIN = frozenset({403, 409, 422})


def preparing(
    schema: type[Schema], labels: Mapping[str, str], act: Callable[[Gate, Schema], Awaitable[Made]]
) -> Callable[[Request, Gate], Awaitable[Made | FormErrors]]:
    """Return what reads a form and acts on it before the transaction begins; the form with its faults where it cannot.

    The form has to be one of ours before anything is tried with it.
    """

    async def prepare(request: Request, gate: Gate) -> Made | FormErrors:
        if request.state.credential_kind == "cookie":
            key, session_id = gate.works.keys.csrf, gate.actor.session_id
            await check_csrf(request, session_id=session_id, key=key, public_url=gate.settings.public_url)
        form = await read_form(request, schema, labels=labels)
        if isinstance(form, FormErrors):
            return form
        try:
            return await act(gate, form)
        except HoldfastError as error:
            if error.status not in SHOWN_AGAIN:
                raise
            return await form_errors(request, error, schema, labels=labels)

    return prepare
