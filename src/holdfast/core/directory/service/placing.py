"""Where a department or a person belongs: what a request names, and what follows from it."""

from collections.abc import Collection, Mapping
from typing import Literal
from uuid import UUID

from holdfast.core.directory.models import Branch, Company, Department, Person
from holdfast.core.directory.service.naming import named
from holdfast.kernel.errors import Invalid
from holdfast.kernel.work import Work

Above = Literal["parent_id", "department_id"]
PLACE = frozenset({"company_id", "branch_id", "parent_id", "department_id"})


# lint: allow verb – the part that departments and people share
async def place(
    work: Work, given: Mapping[str, object], row: Department | Person | None, above: Above
) -> dict[str, UUID | None]:
    """Return company, branch and department above of a row that gets these fields.

    Raises Invalid naming the field that names nothing or does not fit. The structure must be held.
    """
    wanted = {name: given[name] if name in given else getattr(row, name, None) for name in PLACE}
    upper = await named(work, Department, wanted[above], above)
    branch = await named(work, Branch, wanted["branch_id"], "branch_id")
    company = await named(work, Company, wanted["company_id"], "company_id")
    said = {name for name in PLACE if given.get(name) is not None}
    company_id, branch_id = fit(company.id if company else None, branch, upper, said=said, above=above)
    return {"company_id": company_id, "branch_id": branch_id, above: upper.id if upper else None}


def fit(
    company_id: UUID | None, branch: Branch | None, upper: Department | None, *, said: Collection[str], above: Above
) -> tuple[UUID | None, UUID | None]:
    """Return company and branch that fit together and to the department above; `said` are the fields of the request.

    The company follows from the department above, else from the branch that the request names. A branch that it does
    not name is left behind where it does not fit; a department above is not. Raises Invalid naming the field.
    """
    if upper is not None:
        if "company_id" in said and company_id != upper.company_id:
            raise _misfit(above if above in said else "company_id", "the department is of another company")
        company_id = upper.company_id
        if upper.branch_id is not None:
            if branch is not None and "branch_id" in said and branch.id != upper.branch_id:
                raise _misfit("branch_id", "the department is of another branch")
            return company_id, upper.branch_id
    if branch is None:
        return company_id, None
    if upper is None and "company_id" not in said and ("branch_id" in said or company_id is None):
        company_id = branch.company_id
    if branch.company_id == company_id:
        return company_id, branch.id
    if "branch_id" in said:
        raise _misfit("branch_id", "the branch is of another company")
    return company_id, None


def follow(row: Department | Person, upper: Department) -> bool:
    """Take a row along to where the department above it went; tell whether it changed."""
    before = row.company_id, row.branch_id
    if upper.branch_id is not None:
        row.branch_id = upper.branch_id
    elif row.company_id != upper.company_id:
        row.branch_id = None
    row.company_id = upper.company_id
    return before != (row.company_id, row.branch_id)


def _misfit(field: str, message: str) -> Invalid:
    return Invalid.field(f"body.{field}", "misfit", message)
