"""Kinds of message."""

from holdfast.core.notify.schemas import Messages
from holdfast.core.notify.service import templates
from holdfast.kernel.http import Routes, WorkDep

router = Routes()


@router.get(verb=templates.list_messages)
async def list_messages(work: WorkDep) -> Messages:
    """List all kinds of message, what their texts may use, and where your organisation changed them."""
    return await templates.list_messages(work)
