"""What the pages of the directory share: each kind of record has a list, a form, a question before it goes, a trash."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from holdfast.core.directory import guards, queries
from holdfast.core.directory.models import Branch, Department, Person, Record
from holdfast.core.directory.pages.placing import path, path_to
from holdfast.core.directory.schemas import Code, Country
from holdfast.core.directory.service import branches, departments, labels, people
from holdfast.kernel.errors import BadRequest, Conflict, HoldfastError, Invalid, PreconditionFailed
from holdfast.kernel.http import explain
from holdfast.kernel.lists import ListParameters
from holdfast.kernel.pages import redirect, render
from holdfast.kernel.pages.forms import Form, form_errors, read_form
from holdfast.kernel.pages.wording import words
from holdfast.kernel.permissions import authorise
from holdfast.kernel.work import Work

Schema = TypeVar("Schema", bound=BaseModel)
Row = TypeVar("Row", bound=Record)
_CHOICES = ("status", "kind")  # shown as words
Listed = tuple[list[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record: how it is called, what it shows of itself, and the fields of its form by name."""

    one: str
    many: str
    out: type[BaseModel]
    labels: Mapping[str, str]

    @property
    def path(self) -> str:
        """Return where its pages are."""
        return f"/console/{self.many}"

    def rows(self, now: Mapping[str, str | None]) -> list[tuple[str, str | None]]:
        """Return label and text of what a record says of itself."""
        return [(label, words(now[name]) if name in _CHOICES else now[name]) for name, label in self.labels.items()]

    def may(self, work: Work) -> dict[str, bool]:
        """Return what the caller may do; not `update`, which in a template is the mapping's own method."""
        acts = {"create": "create", "change": "update", "delete": "delete", "restore": "restore"}
        may = {name: work.actor.may(f"directory.{self.one}.{act}") for name, act in acts.items()}
        return {**may, "trace": work.actor.may("audit.entry.read")}


def name_of(row: Record) -> str:
    """Return what people call a record."""
    return f"{row.given_name} {row.family_name}" if isinstance(row, Person) else row.name


async def told(work: Work, kind: Kind, row: Record) -> dict[str, str | None]:
    """Return what a record says of itself, by the fields of its form: names in place of ids."""
    shown = kind.out.model_validate(row).model_dump(mode="json")
    names = await labels.names_of(work, [shown])
    at = [names.get(shown.get(column) or "") for column in ("company_id", "branch_id", "parent_id", "department_id")]
    company = names.get(shown.get("company_id") or "")
    led = {"manager": names.get(shown.get("manager_id") or ""), "head": names.get(shown.get("head_person_id") or "")}
    values = {**shown, "company_id": company, "place": path(*at) or None, **led}
    return {name: values[name] for name in kind.labels}


async def person_meant(
    work: Work, kind: Kind, row: Department | Person | None, field: str, text: str | None
) -> UUID | None:
    """Return whom a field names; what it shows stays as it is, also where the caller may not see who that is."""
    if row is not None and text == (await told(work, kind, row))[field]:
        return row.manager_id if isinstance(row, Person) else row.head_person_id
    return None if text is None else await labels.find_person(work, text, field=field)


# ── what forms take: they say more than the API of what they want, and take small letters ────────────────────────────


def _code(text: object) -> object:
    if isinstance(text, str) and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", text.strip()):
        raise ValueError("must be letters, digits, dots, dashes and underscores, such as NORTH-01")
    return text


def _country(text: object) -> object:
    if isinstance(text, str) and not re.fullmatch("[A-Za-z]{2}", text.strip()):
        raise ValueError("must be two letters, such as GB")
    return text.upper() if isinstance(text, str) else text


TypedCode = Annotated[Code, BeforeValidator(_code)]
TypedCountry = Annotated[Country | None, BeforeValidator(_country)]
Version = Annotated[int, Field(ge=1)]


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_page(
    request: Request, work: Work, kind: Kind, params: ListParameters, found: Listed, **more: Any
) -> Response:
    """Return the page of a list, its rows with the names of what they point at."""
    rows, meta = found
    return render(
        request,
        f"directory/{kind.many}.html",
        work=work,
        kind=kind,
        rows=rows,
        meta=meta,
        params=params,
        sort=params.sort or "name",
        names=await labels.names_of(work, rows),
        may=kind.may(work),
        **more,
    )


_LISTS: tuple[tuple[str, str, Callable[..., Awaitable[Listed]], type[ListParameters]], ...] = (
    ("branch", "branches", branches.browse_branches, queries.BranchList),
    ("department", "departments", departments.browse_departments, queries.DepartmentList),
    ("person", "people", people.browse_people, queries.PersonList),
)


async def holdings(work: Work, row: Record) -> list[tuple[str, str, int | None]]:
    """Return what belongs directly to a company, branch or department: label, list, how many (None: very many)."""
    found: list[tuple[str, str, int | None]] = []
    for one, many, browse, params in _LISTS:
        name = "parent_id" if one == row.__tablename__ == "department" else f"{row.__tablename__}_id"
        if name in params.model_fields and work.actor.may(f"directory.{one}.read"):
            _, meta = await browse(work, params.model_validate({name: row.id, "page_size": 1}))
            found.append((many.capitalize(), f"/console/{many}?{name}={row.id}", meta["total"]))
    return found


# ── forms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Show(Protocol):
    """The page of a record's form: what it shows, and whether somebody else saved meanwhile."""

    def __call__(self, form: Form, *, conflict: bool = False, status: int = 200) -> Awaitable[Response]:
        """Return the page."""
        ...


async def take_form(
    request: Request,
    work: Work,
    kind: Kind,
    schema: type[Schema],
    *,
    right: str,
    act: Callable[[Schema], Awaitable[Row]],
    show: Show,
) -> Row | Response:
    """Return the record that `act` makes of a form, or the form again with what was refused.

    Raises what the person cannot put right in the form; Forbidden whatever it holds, without the `right`.
    """
    authorise(work.actor, f"directory.{kind.one}.{right}")
    form = await read_form(request, schema, labels=kind.labels)
    if isinstance(form, Form):
        return await show(form, status=422)
    try:
        return await act(form)
    except PreconditionFailed as error:
        await work.reset()
        return await show(Form.of(form.model_dump(mode="json")), conflict=True, status=error.status)
    except Exception as error:
        known = explain(error)
        if not isinstance(known, Conflict | Invalid):
            raise
        await work.reset()
        return await show(await _refused(request, known, schema, kind), status=known.status)


_SHOWN_AS = dict.fromkeys(("company_id", "branch_id", "department_id", "parent_id"), "place") | {
    "manager_id": "manager",
    "head_person_id": "head",
}


async def _refused(request: Request, error: HoldfastError, schema: type[BaseModel], kind: Kind) -> Form:
    """Return the form with each fault at the field in which the person chose what was refused."""
    errors = []
    for each in error.errors:
        name = each.location.removeprefix("body.")
        shown = name if name in schema.model_fields else _SHOWN_AS.get(name, name)
        errors.append(replace(each, location=f"body.{shown}"))
    form = await form_errors(request, Invalid(error.detail, errors=errors), schema, labels=kind.labels)
    circles = {each.location.removeprefix("body.") for each in errors if each.code == "cycle"}
    return replace(form, faults={**form.faults, **dict.fromkeys(circles & form.faults.keys(), error.title)})


async def form_page(
    request: Request,
    work: Work,
    kind: Kind,
    row: Record | None,
    form: Form,
    *,
    conflict: bool = False,
    refused: str | None = None,
    status: int = 200,
    tree: Mapping[str, Any] | None = None,
    **more: Any,
) -> Response:
    """Return the form of a record, or of a new one; the record's particulars for who may not change it.

    With `conflict` it shows in what the form differs from what somebody else saved. `tree` is where it may belong.
    """
    now = {} if row is None else await told(work, kind, row)
    # What the form does not ask for, it does not change.
    yours = {name: (form.value(name) or None) if name in form.values else now.get(name) for name in kind.labels}
    if tree is not None and yours.get("place"):
        yours["place"] = path_to(tree, form.value("place"))
    return render(
        request,
        f"directory/{kind.one}_form.html",
        status=status,
        work=work,
        kind=kind,
        record=row,
        version=form.value("version") if row is None or not conflict else row.version,
        name=None if row is None else name_of(row),
        form=form,
        now=now,
        yours=yours if conflict else None,
        refused=refused,
        held=[] if row is None or row.deleted_at is not None else await holdings(work, row),
        may=kind.may(work),
        **more,
    )


# ── deleting and restoring ───────────────────────────────────────────────────────────────────────────────────────────


class DeleteForm(BaseModel):
    """Which version the person saw, whether all it holds is to go; what else is sent is what stood in the record."""

    model_config = ConfigDict(extra="allow")

    version: Version
    cascade: bool = False


_HELD: dict[type, str] = {Branch: "branches", Department: "departments", Person: "people"}


async def question_page(
    request: Request,
    work: Work,
    kind: Kind,
    row: Record,
    *,
    seen: DeleteForm | None = None,
    refused: str | None = None,
    status: int = 200,
) -> Response:
    """Return the question whether to delete a record, with what would go with it, or why it cannot be deleted."""
    hindrance = guards.can_go(row, await queries.count_led(work, [row]))
    counts = await queries.count_held(work, row)
    return render(
        request,
        "directory/delete.html",
        status=status,
        work=work,
        kind=kind,
        record=row,
        name=name_of(row),
        hindrance=None if hindrance is None else hindrance.detail,
        held=[(_HELD[each], count) for each, count in counts.items() if count],
        seen=None if seen is None else {name: (seen.model_extra or {}).get(name) for name in kind.labels},
        refused=refused,
        now={"version": row.version, **await told(work, kind, row)},
    )


async def delete_and_go(
    request: Request, work: Work, kind: Kind, row: Record, delete: Callable[[DeleteForm], Awaitable[None]]
) -> Response:
    """Put a record into the trash and show the list; ask again where it changed or something is in the way."""
    authorise(work.actor, f"directory.{kind.one}.delete")
    form = await read_form(request, DeleteForm)
    if isinstance(form, Form):
        raise BadRequest(f"The form does not say which version of the {kind.one} to delete.")
    name = name_of(row)
    try:
        await delete(form)
    except PreconditionFailed as error:
        return await question_page(request, work, kind, row, seen=form, status=error.status)
    except Conflict as error:
        return await question_page(request, work, kind, row, refused=error.detail, status=error.status)
    what = f"{name} was deleted with all that it held" if form.cascade else f"{name} was deleted"
    return redirect(request, kind.path, flash=f"{what}. It can be restored from the deleted {kind.many}.")


async def restore_and_go(
    request: Request,
    work: Work,
    kind: Kind,
    restore: Awaitable[Record],
    show: Callable[[HoldfastError], Awaitable[Response]],
) -> Response:
    """Take a record out of the trash and show it, or say on its page why that cannot be."""
    try:
        row = await restore
    except Conflict as error:
        await work.reset()
        return await show(error)
    return redirect(request, f"{kind.path}/{row.id}", flash=f"{name_of(row)} was restored.")
