"""Showing anew who one is."""

from typing import Annotated

from fastapi import Depends
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.schemas import SteppedUpOut, StepUp
from holdfast.core.identity.service import step_up as service
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.factors import Shown
from holdfast.kernel.errors.problems import invalid_input
from holdfast.kernel.http import Routes, WorkDep, prepared, reply
from holdfast.kernel.permissions import FRESH
from holdfast.kernel.work import Gate

router = Routes()


async def show(request: Request, gate: Gate) -> bool:
    """Verify what is shown before the transaction begins."""
    try:
        body = StepUp.model_validate(await request.json())
    except ValidationError as faults:
        raise invalid_input(faults, source="body") from faults
    recovery = body.recovery_code
    shown = Shown(body.code, None if recovery is None else recovery.get_secret_value())
    password = None if body.password is None else body.password.get_secret_value()
    return await service.prepare_step_up(gate, password=password, shown=shown if body.password is None else None)


@router.post(verb=service.step_up, prepare=show, answers=SteppedUpOut)
async def step_up(
    work: WorkDep,
    body: StepUp,  # noqa: ARG001  for the reference; `show` has read it
    second_factor: Annotated[bool, Depends(prepared)],
) -> Response:
    """Confirm that it is you, for ten minutes: with a code where you have a second factor, else with the password.

    A browser gets another cookie in place of its present one.
    """
    session, cookie = await service.step_up(work, second_factor=second_factor)
    told = SteppedUpOut(
        verified_at=work.now(), second_factor=session.second_factor, expires_in=int(FRESH.total_seconds())
    )
    response = reply(told, 200)
    if cookie:
        response.headers.append("Set-Cookie", desk_of(work.house).cookie.carrying(cookie))
    return response
