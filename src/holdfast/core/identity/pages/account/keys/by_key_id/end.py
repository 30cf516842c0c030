"""Ending one of one's API keys, after a question."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.pages.account.keys import PAGE
from holdfast.core.identity.service import api_keys
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import redirect, render

router = Routes()


@router.get(verb=api_keys.get_own_key)
async def ask_to_end_key(request: Request, work: WorkDep, key_id: UUID) -> Response:
    """Ask before ending."""
    key = await api_keys.get_own_key(work, key_id=key_id)
    return render(request, "identity/account_key_end.html", work=work, key=key)


@router.post(verb=api_keys.end_own_key, form=True)
async def end_key_by_form(request: Request, work: WorkDep, key_id: UUID) -> Response:
    """End the key, which is refused from the next request on."""
    await api_keys.end_own_key(work, key_id=key_id)
    return redirect(request, PAGE, flash="The key was ended.")
