"""A new password by a link."""

from holdfast.core.identity.schemas import PasswordReset
from holdfast.core.identity.service import password_reset
from holdfast.kernel.http import GateDep, Routes

router = Routes()


@router.post(verb=password_reset.reset_password)
async def reset_password(gate: GateDep, body: PasswordReset) -> None:
    """Set a new password with the secret of a link; every session ends, and you sign in as before."""
    await password_reset.reset_password(
        gate, token=body.token.get_secret_value(), new=body.new_password.get_secret_value()
    )
