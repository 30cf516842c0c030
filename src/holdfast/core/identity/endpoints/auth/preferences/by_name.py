"""One choice of the caller."""

from typing import Annotated

from fastapi import Path
from pydantic import JsonValue

from holdfast.core.identity.schemas import PreferenceOut
from holdfast.core.identity.service import preferences
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()
Name = Annotated[str, Path(max_length=63, examples=["console.theme"])]


@router.get(verb=preferences.read_preference)
async def read_preference(work: WorkDep, name: Name) -> PreferenceOut:
    """Show what you chose; 404 where you chose nothing."""
    return PreferenceOut.model_validate(await preferences.read_preference(work, name=name))


@router.put(verb=preferences.choose)
async def choose_preference(work: WorkDep, name: Name, body: dict[str, JsonValue], expected: IfMatch) -> PreferenceOut:
    """Choose, in the form that the preference has; at most 16 KiB."""
    chosen = await preferences.choose(work, name=name, value=body, expected=expected)
    return PreferenceOut.model_validate(chosen)


@router.delete(verb=preferences.forget, status=204)
async def forget_preference(work: WorkDep, name: Name, expected: IfMatch) -> None:
    """Go back to what holds for everybody."""
    await preferences.forget(work, name=name, expected=expected)
