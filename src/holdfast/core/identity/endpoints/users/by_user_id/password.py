"""A user's password: one's own is changed, another's only by its user."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.identity.schemas import LinkSent, PasswordChange, PasswordPatch
from holdfast.core.identity.service import own_password, password_reset
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.errors import Invalid
from holdfast.kernel.errors.problems import invalid_input
from holdfast.kernel.http import Routes, WorkDep, prepared, reply
from holdfast.kernel.ids import parse_id
from holdfast.kernel.work import Gate

router = Routes()


async def renew_own(request: Request, gate: Gate) -> own_password.Renewal | None:
    """Verify and hash before the transaction begins, for one's own password; count the attempt for another's."""
    given = await request.json() if await request.body() else {}
    own = parse_id(str(request.path_params["user_id"])) == gate.actor.id
    try:
        body = (PasswordChange if own else PasswordPatch).model_validate(given)
    except ValidationError as faults:
        raise invalid_input(faults, source="body") from faults
    if isinstance(body, PasswordChange):
        current, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
        return await own_password.prepare_renewal(gate, current=current, new=new)
    for name in body.model_fields_set:
        raise Invalid.field(f"body.{name}", "unexpected", "is not taken: only the user sets the password")
    await desk_of(gate.works).take_turn(gate, account=str(gate.actor.id))
    return None


@router.patch(
    verb=own_password.change_password,
    prepare=renew_own,
    status=202,
    answers=LinkSent,
    also={204: "The password is changed."},
)
async def change_users_password(
    work: WorkDep,
    user_id: UUID,
    renewal: Annotated[own_password.Renewal | None, Depends(prepared)],
    body: PasswordPatch | None = None,  # noqa: ARG001  for the reference; `renew_own` has read it
) -> Response:
    """Change your own password, or send another user a link for a new one.

    Your own takes both passwords and is changed at once, 204. Another's takes an empty body and the permission
    `identity.password.reset`; a link is sent, 202, and the password stays until it is used.
    """
    if renewal is not None:
        await own_password.change_password(work, renewal=renewal)
        return Response(status_code=204)
    await password_reset.send_reset(work, user_id=user_id)
    return reply(LinkSent(message="A link for a new password is on its way to the user's address."), 202)
