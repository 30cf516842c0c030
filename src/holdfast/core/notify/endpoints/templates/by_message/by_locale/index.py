"""The texts of a message in one language."""

from typing import Annotated

from fastapi import Path

from holdfast.core.notify.schemas import TemplateIn, TemplateOut
from holdfast.core.notify.service import templates
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()
MessageName = Annotated[str, Path(max_length=100, examples=["identity.invitation"])]
Locale = Annotated[str, Path(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$", examples=["de"])]


@router.get(verb=templates.read_template)
async def read_template(work: WorkDep, message: MessageName, locale: Locale) -> TemplateOut:
    """Show a text: your organisation's, or the one that comes with the message."""
    return await templates.read_template(work, name=message, locale=locale)


@router.put(verb=templates.write_template)
async def write_template(
    work: WorkDep, message: MessageName, locale: Locale, body: TemplateIn, expected: IfMatch
) -> TemplateOut:
    """Write a text of your organisation's own."""
    return await templates.write_template(work, body, name=message, locale=locale, expected=expected)


@router.delete(verb=templates.remove_template, status=204)
async def remove_template(work: WorkDep, message: MessageName, locale: Locale, expected: IfMatch) -> None:
    """Go back to the text that comes with the message."""
    await templates.remove_template(work, name=message, locale=locale, expected=expected)
