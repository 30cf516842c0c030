"""One's API keys."""

from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.queries import SessionList
from holdfast.core.identity.service import api_keys
from holdfast.kernel.http import Routes, WorkDep
from holdfast.kernel.pages import render
from holdfast.kernel.pages.forms import read_query

router = Routes()


@router.get(verb=api_keys.list_own_keys)
async def show_keys(request: Request, work: WorkDep) -> Response:
    """Show the keys that are good."""
    found = await api_keys.list_own_keys(work, read_query(request, SessionList))
    may = work.actor.may("identity.api_key.create")
    return render(
        request, "identity/account_keys.html", work=work, keys=found.data, meta=found.meta.model_dump(), may=may
    )
