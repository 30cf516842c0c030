"""Many changes of one kind of record in one transaction: all of them or none, by the verbs of single ones."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

from pydantic import Field, model_validator

from holdfast.core.directory import queries
from holdfast.core.directory.models import Branch, Company, Department, Person
from holdfast.core.directory.schemas import (
    BranchCreate,
    BranchUpdate,
    CompanyCreate,
    CompanyUpdate,
    DepartmentCreate,
    DepartmentUpdate,
    PersonCreate,
    PersonUpdate,
)
from holdfast.core.directory.service import branches, companies, departments, people
from holdfast.kernel.engines.meaning import meaning
from holdfast.kernel.errors import FieldError, HoldfastError, Invalid, NotFound, PreconditionFailed
from holdfast.kernel.permissions import verb, verb_of
from holdfast.kernel.schemas import Inward, Outward
from holdfast.kernel.work import Work

Record = TypeVar("Record", Company, Branch, Department, Person)
Fields = TypeVar("Fields", CompanyUpdate, BranchUpdate, DepartmentUpdate, PersonUpdate)
New = TypeVar("New", bound=Inward)
Change = TypeVar("Change", bound=Inward)
Shown = TypeVar("Shown", bound=Outward)
MOST = 500  # changes in one batch
Version = Annotated[int | None, Field(ge=1, description="412 where the record is at another one.", examples=[1])]
Act = partial[Coroutine[Any, Any, Any]]


class Batch(Inward, Generic[New, Change]):
    """What a request asks for, all of it or none."""

    create: Annotated[list[New], Field(default_factory=list, max_length=MOST)]
    update: Annotated[list[Change], Field(default_factory=list, max_length=MOST)]
    delete: Annotated[list[UUID], Field(default_factory=list, max_length=MOST)]

    @model_validator(mode="after")
    def _count(self) -> Self:
        if not 0 < sum(len(getattr(self, name)) for name in type(self).model_fields) <= MOST:
            raise ValueError(f"must hold between 1 and {MOST} changes")
        return self


class BatchOut(Outward, Generic[Shown]):
    """What was done, each in the order of the request."""

    created: list[Shown]
    updated: list[Shown]
    deleted: list[UUID]


@dataclass(frozen=True, slots=True)
class Changing(Generic[Fields]):
    """One record to change: the fields, and the version that it must have."""

    id: UUID
    fields: Fields
    version: int | None = None

    @property
    def how(self) -> dict[str, Any]:
        """Return the arguments of the verb that changes one record."""
        return {"fields": self.fields, "expected": self.version}


@dataclass(frozen=True, slots=True)
class Done(Generic[Record]):
    """The records that a batch added and changed, and the ids of those deleted, each in the order of the request."""

    created: list[Record] = field(default_factory=list)
    updated: list[Record] = field(default_factory=list)
    deleted: list[UUID] = field(default_factory=list)


def change_of(item: Inward, model: type[Fields]) -> Changing[Fields]:
    """Return the change that an item of a request asks for: its id, its version, and the fields that it gives."""
    given: dict[str, Any] = item.given()
    row_id, version = given.pop("id"), given.pop("version", None)
    assert isinstance(row_id, UUID)
    assert version is None or isinstance(version, int)
    return Changing(row_id, model.model_construct(_fields_set=set(given), **given), version)


@verb("directory.company.batch", access="signed_in", writes=True)
async def batch_companies(
    work: Work, *, create: Sequence[CompanyCreate], update: Sequence[Changing[CompanyUpdate]], delete: Sequence[UUID]
) -> Done[Company]:
    """Change, delete and add companies, in this order; see `_run`."""
    return await _run(
        work,
        [(each.id, partial(companies.update_company, work, company_id=each.id, **each.how)) for each in update],
        [(row_id, partial(companies.delete_company, work, company_id=row_id)) for row_id in delete],
        [partial(companies.create_company, work, each) for each in create],
    )


@verb("directory.branch.batch", access="signed_in", writes=True)
async def batch_branches(
    work: Work, *, create: Sequence[BranchCreate], update: Sequence[Changing[BranchUpdate]], delete: Sequence[UUID]
) -> Done[Branch]:
    """Change, delete and add branches, in this order; see `_run`."""
    return await _run(
        work,
        [(each.id, partial(branches.update_branch, work, branch_id=each.id, **each.how)) for each in update],
        [(row_id, partial(branches.delete_branch, work, branch_id=row_id)) for row_id in delete],
        [partial(branches.create_branch, work, each) for each in create],
    )


@verb("directory.department.batch", access="signed_in", writes=True)
async def batch_departments(
    work: Work,
    *,
    create: Sequence[DepartmentCreate],
    update: Sequence[Changing[DepartmentUpdate]],
    delete: Sequence[UUID],
) -> Done[Department]:
    """Change, delete and add departments, in this order; see `_run`."""
    return await _run(
        work,
        [(each.id, partial(departments.update_department, work, department_id=each.id, **each.how)) for each in update],
        [(row_id, partial(departments.delete_department, work, department_id=row_id)) for row_id in delete],
        [partial(departments.create_department, work, each) for each in create],
    )


@verb("directory.person.batch", access="signed_in", writes=True)
async def batch_people(
    work: Work, *, create: Sequence[PersonCreate], update: Sequence[Changing[PersonUpdate]], delete: Sequence[UUID]
) -> Done[Person]:
    """Change, delete and add people, in this order; see `_run`."""
    return await _run(
        work,
        [(each.id, partial(people.update_person, work, person_id=each.id, **each.how)) for each in update],
        [(row_id, partial(people.delete_person, work, person_id=row_id)) for row_id in delete],
        [partial(people.create_person, work, each) for each in create],
    )


async def _run(
    work: Work,
    update: Sequence[tuple[UUID, Act]],
    delete: Sequence[tuple[UUID, Act]],
    create: Sequence[Act],
) -> Done[Any]:
    """Do what is asked for, after one check of the right to each kind of change.

    Raises what the verbs of single records raise, with the place in the batch before each fault's, such as
    `body.update[3].code`, and Invalid for a record that is named twice.
    """
    for act in (*(each for _, each in (*update[:1], *delete[:1])), *create[:1]):
        declared = verb_of(act.func)
        assert declared is not None
        declared.admit(work.actor, work.now())
    _check_repeated(update, delete)
    await queries.hold_structure(work, change=True)  # first: a batch that held it with others could not go on alone
    done: Done[Any] = Done()
    for place, (_, act) in enumerate(update):
        done.updated.append(await _at(f"body.update[{place}]", act))
    for place, (row_id, act) in enumerate(delete):
        await _at(f"body.delete[{place}]", act)
        done.deleted.append(row_id)
    await work.flush()
    for place, act in enumerate(create):
        done.created.append(await _at(f"body.create[{place}]", act))
    return done


def _check_repeated(update: Sequence[tuple[UUID, Act]], delete: Sequence[tuple[UUID, Act]]) -> None:
    seen: set[UUID] = set()
    for name, asked in (("update", update), ("delete", delete)):
        for place, (row_id, _) in enumerate(asked):
            if row_id in seen:
                raise Invalid.field(f"body.{name}[{place}]", "repeated", "is named more than once")
            seen.add(row_id)


async def _at(place: str, act: Act) -> Any:
    """Do one change; what it raises gets the place of the change before its own."""
    try:
        return await act()
    except Exception as error:
        known = meaning(error) or error
        if not isinstance(known, HoldfastError) or known.refusal:
            raise
        raise _placed(known, place) from error


def _placed(error: HoldfastError, place: str) -> HoldfastError:
    """Return an error of the same kind whose faults name their place in the batch."""
    member = {NotFound: ("id", "unknown"), PreconditionFailed: ("version", "changed")}
    faults = [replace(each, location=f"{place}.{each.location.removeprefix('body.')}") for each in error.errors]
    if not faults:
        name, code = next((said for kind, said in member.items() if isinstance(error, kind)), ("", error.code.lower()))
        where = f"{place}.{name}" if name and not place.startswith("body.delete") else place
        faults = [FieldError(where, code, error.detail)]
    made = type(error)(f"{place}: {error.detail.removeprefix('body.')}", errors=faults)
    made.headers.update(error.headers)
    return made
