"""One's own password."""

from typing import Annotated

from fastapi import Depends
from pydantic import ValidationError
from starlette.requests import Request

from holdfast.core.identity.schemas import PasswordChange
from holdfast.core.identity.service import own_password
from holdfast.kernel.errors.problems import invalid_input
from holdfast.kernel.http import Routes, WorkDep, prepared
from holdfast.kernel.work import Gate

router = Routes()


async def renew(request: Request, gate: Gate) -> own_password.Renewal:
    """Verify the one and hash the other before the transaction begins."""
    try:
        body = PasswordChange.model_validate(await request.json())
    except ValidationError as faults:
        raise invalid_input(faults, source="body") from faults
    current, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
    return await own_password.prepare_renewal(gate, current=current, new=new)


@router.post(verb=own_password.change_password, prepare=renew)
async def change_password(
    work: WorkDep,
    body: PasswordChange,  # noqa: ARG001  for the reference; `renew` has read it
    renewal: Annotated[own_password.Renewal, Depends(prepared)],
) -> None:
    """Change your password; every other session of yours ends."""
    await own_password.change_password(work, renewal=renewal)
