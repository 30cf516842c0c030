"""Which applications the organisation uses."""

from holdfast.core.identity.schemas import ApplicationsIn, ApplicationsOut
from holdfast.core.identity.service import applications
from holdfast.kernel.http import IfMatch, Routes, WorkDep

router = Routes()


@router.get(verb=applications.list_applications)
async def get_applications(work: WorkDep) -> ApplicationsOut:
    """Return the installed applications and which of them are on."""
    return await applications.list_applications(work)


@router.put(verb=applications.choose_applications)
async def set_applications(work: WorkDep, body: ApplicationsIn, expected: IfMatch) -> ApplicationsOut:
    """Switch applications off: to everybody here their routes and pages are gone, their data stay.

    Those that are not named are on. It holds from the next request on.
    """
    return await applications.choose_applications(work, off=body.off, expected=expected)
