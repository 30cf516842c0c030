"""How the caller wants to be told."""

from holdfast.core.notify.schemas import PreferencesIn, PreferencesOut, PreferencesUpdate
from holdfast.core.notify.service import preferences
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=preferences.read_preferences)
async def read_notify_preferences(work: WorkDep) -> PreferencesOut:
    """Show how you are told of every kind of message."""
    return await preferences.read_preferences(work)


@router.put(verb=preferences.choose_preferences)
async def choose_notify_preferences(work: WorkDep, body: PreferencesIn, expected: IfMatch) -> PreferencesOut:
    """Choose how you are told, as a whole."""
    return await preferences.choose_preferences(work, body, expected=expected)


@router.patch(verb=preferences.choose_preferences)
async def change_notify_preferences(work: WorkDep, body: PreferencesUpdate, expected: IfMatch) -> PreferencesOut:
    """Change some of how you are told."""
    return await preferences.choose_preferences(work, body, expected=expected)
