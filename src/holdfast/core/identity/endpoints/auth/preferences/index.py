"""What the caller chose."""

from holdfast.core.identity.schemas import PreferenceOut, Preferences
from holdfast.core.identity.service import preferences
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=preferences.list_preferences)
async def list_preferences(work: WorkDep) -> Preferences:
    """List what you chose; what is not in it is as for everybody."""
    chosen = await preferences.list_preferences(work)
    return Preferences(data=[PreferenceOut.model_validate(each) for each in chosen])
