"""What users choose for parts of the console; what can be chosen, and its form, is what the installed apps say."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import JsonValue, ValidationError

from holdfast.core.identity import queries
from holdfast.core.identity.errors import PreferenceNotFound
from holdfast.core.identity.facts import PreferenceChosen, PreferenceForgotten
from holdfast.core.identity.models import Preference
from holdfast.core.identity.service.desk import desk_of
from holdfast.kernel.db import canonical
from holdfast.kernel.errors import Invalid
from holdfast.kernel.errors.problems import invalid_input
from holdfast.kernel.permissions import verb
from holdfast.kernel.schemas import Inward
from holdfast.kernel.work import Work, check_version

MAX_BYTES = 16 * 1024


@verb("identity.preference.list", access="signed_in", personal=True)
async def list_preferences(work: Work) -> list[Preference]:
    """Return what the caller chose; what is not among it is as for everybody."""
    known = _known(work)
    return [each for each in await queries.list_preferences(work, user_id=_caller(work)) if each.name in known]


@verb("identity.preference.read", access="signed_in", personal=True)
async def read_preference(work: Work, *, name: str) -> Preference:
    """Return what the caller chose; raise PreferenceNotFound for an unknown name, or where nothing was chosen."""
    found = await queries.find_preference(work, user_id=_caller(work), name=name) if name in _known(work) else None
    if found is None:
        raise PreferenceNotFound
    return found


@verb("identity.preference.choose", access="signed_in", personal=True, writes=True)
async def choose(work: Work, *, name: str, value: Mapping[str, JsonValue], expected: int | None = None) -> Preference:
    """Keep a choice of the caller.

    Raises PreferenceNotFound for an unknown name, Invalid naming the field for what its form does not take or more
    than 16 KiB, and PreconditionFailed for an outdated version.
    """
    form = _known(work).get(name)
    if form is None:
        raise PreferenceNotFound
    if len(canonical(value)) > MAX_BYTES:
        raise Invalid.field("body", "too_long", "must be at most 16 KiB of JSON")
    try:
        checked = form.model_validate(value).model_dump(mode="json")
    except ValidationError as faults:
        raise invalid_input(faults, source="body") from faults
    await queries.get_user(work, user_id=_caller(work), lock=True)  # two first choices at once come one after the other
    found = await queries.find_preference(work, user_id=_caller(work), name=name, lock=True)
    if found is None:
        found = Preference(id=work.new_id(), user_id=_caller(work), name=name, value=checked)
        work.session.add(found)
        work.record(PreferenceChosen(entity=found))
    else:
        check_version(found, expected)
        if found.value != checked:
            found.value = checked
            work.record(PreferenceChosen(entity=found))
    await work.flush()
    return found


@verb("identity.preference.forget", access="signed_in", personal=True, writes=True)
async def forget(work: Work, *, name: str, expected: int | None = None) -> None:
    """Take a choice of the caller back; raise PreferenceNotFound where there is none."""
    found = await queries.find_preference(work, user_id=_caller(work), name=name, lock=True)
    if found is None:
        raise PreferenceNotFound
    check_version(found, expected)
    work.record(PreferenceForgotten(entity=found))
    await work.session.delete(found)


def _known(work: Work) -> Mapping[str, type[Inward]]:
    return {name: form for app in desk_of(work.house).apps for name, form in app.preferences.items()}


def _caller(work: Work) -> UUID:
    assert work.actor.id is not None, "only the signed in come here"
    return work.actor.id
