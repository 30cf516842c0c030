"""Which of the installed applications an organisation uses: its administrators switch them off and on.

What is installed is the operators' decision, what of it is used the organisation's own. An application is on until it
is switched off; nothing of its data is lost meanwhile. The slices of the core cannot be switched.
"""

from collections.abc import Iterable

from holdfast.core.identity import guards, queries
from holdfast.core.identity.facts import ApplicationsChosen
from holdfast.core.identity.models import ApplicationChoice
from holdfast.core.identity.schemas import ApplicationOut, ApplicationsOut
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.work import Work, check_version


@verb("identity.application.read")
async def list_applications(work: Work) -> ApplicationsOut:
    """Return the installed applications and which of them are on; at version 0 where nothing was chosen."""
    return _shown(work, await queries.find_application_choice(work) or _none(work))


@verb("identity.application.update", writes=True)
async def choose_applications(work: Work, *, off: Iterable[str], expected: int | None = None) -> ApplicationsOut:
    """Switch these applications off and all others on, from the next request on.

    Raises Invalid naming what is no application that can be switched off, PreconditionFailed.
    """
    enforce(guards.can_be_off(off := list(off), [app.name for app in desk_of(work.house).optional_apps]))
    await queries.hold_tenant(work)
    choice = await queries.find_application_choice(work, lock=True)
    check_version(choice or _none(work), expected)
    if choice is None:
        choice = ApplicationChoice(id=work.tenant_id)
        work.session.add(choice)
    choice.switched_off = [*sorted(set(off))]
    if work.session.is_modified(choice):
        work.record(ApplicationsChosen(entity=choice))
        await work.flush()
    return _shown(work, choice)


# lint: allow verb – asked at the door, of every request for an application, a page or `auth/me`
async def switched_off(work: Work) -> frozenset[str]:
    """Return the names of the applications that the organisation has switched off, as they are at this moment."""
    return await queries.list_switched_off(work) if desk_of(work.house).optional_apps else frozenset()


def _none(work: Work) -> ApplicationChoice:
    now = work.now()
    return ApplicationChoice(id=work.tenant_id, version=0, switched_off=[], created_at=now, updated_at=now)


def _shown(work: Work, choice: ApplicationChoice) -> ApplicationsOut:
    off = choice.switched_off if isinstance(choice.switched_off, list) else []
    installed = desk_of(work.house).optional_apps
    listed = [ApplicationOut(name=app.name, title=app.title, on=app.name not in off) for app in installed]
    return ApplicationsOut(version=choice.version, applications=listed)
