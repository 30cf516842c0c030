"""A text as a person would get it."""

from holdfast.core.notify.endpoints.templates.by_message.by_locale.index import Locale, MessageName
from holdfast.core.notify.schemas import Preview, TemplateIn
from holdfast.core.notify.service import templates
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.post(verb=templates.preview_template)
async def preview_template(work: WorkDep, message: MessageName, locale: Locale, body: TemplateIn) -> Preview:
    """Show a text that is not written yet as a person would get it; nothing is kept."""
    return await templates.preview_template(work, body, name=message, locale=locale)
