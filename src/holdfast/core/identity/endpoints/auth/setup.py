"""The first administrator of an empty installation."""

from holdfast.core.identity.schemas import Setup, SetupOut
from holdfast.core.identity.service import setup as service
from holdfast.kernel.http import GateDep, Routes

router = Routes()


@router.post(verb=service.complete_setup, status=201)
async def setup(gate: GateDep, body: Setup) -> SetupOut:
    """Make the first organisation and its administrator, with the one-time link that the first start printed."""
    return await service.complete_setup(
        gate,
        secret=body.token.get_secret_value(),
        organization=body.organization,
        slug=body.slug,
        email=body.email,
        name=body.name,
        password=body.password.get_secret_value(),
    )
