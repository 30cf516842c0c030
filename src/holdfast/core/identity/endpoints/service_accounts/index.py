"""Accounts of programs."""

from starlette.responses import Response

from holdfast.core.identity.schemas import ServiceAccountCreate, UserOut
from holdfast.core.identity.service import service_accounts
from holdfast.kernel.http import Routes, WorkDep, created

router = Routes()


@router.post(verb=service_accounts.create_service_account, status=201, answers=UserOut)
async def create_service_account(work: WorkDep, body: ServiceAccountCreate) -> Response:
    """Make an account for a program: it has no password, and comes in with API keys only.

    It is a user in every other way: give it roles, suspend it, list it with `kind=service`.
    """
    user = await service_accounts.create_service_account(work, name=body.name, username=body.username)
    await work.flush()
    return created(UserOut.of(user, []), f"/api/v1/users/{user.id}")
