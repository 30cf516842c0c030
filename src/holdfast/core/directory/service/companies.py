"""What people do with companies."""

from typing import Any
from uuid import UUID

from holdfast.core.directory import queries
from holdfast.core.directory.facts import CompanyCreated, CompanyUpdated
from holdfast.core.directory.models import Company
from holdfast.core.directory.schemas import CompanyCreate, CompanyReplace, CompanyUpdate
from holdfast.core.directory.service.scopes import require_seen, units_of
from holdfast.core.directory.service.trash import put_into_trash, take_from_trash
from holdfast.kernel.permissions import verb
from holdfast.kernel.work import Work, check_version


@verb("directory.company.read", scoped=True)
async def list_companies(work: Work, params: queries.CompanyList) -> bytes:
    """Return one page of companies as JSON."""
    return await queries.COMPANIES.page(work, _seen(work, params))


@verb("directory.company.read", scoped=True)
async def browse_companies(work: Work, params: queries.CompanyList) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one page of companies as rows, and where it stands."""
    return await queries.COMPANIES.rows_and_meta(work, _seen(work, params))


@verb("directory.company.read", scoped=True)
async def read_company(work: Work, *, company_id: UUID, deleted: bool = False) -> Company:
    """Return a company, with `deleted` also one in the trash; raise CompanyNotFound."""
    found = await queries.get_company(work, company_id=company_id, deleted=deleted)
    await require_seen(work, found)
    return found


@verb("directory.company.create", writes=True)
async def create_company(work: Work, fields: CompanyCreate) -> Company:
    """Add a company; a code that is taken, whatever its case, is refused with UniqueViolation."""
    company = Company(id=work.new_id(), **fields.model_dump())
    work.session.add(company)
    work.record(CompanyCreated(entity=company))
    await work.flush()
    return company


@verb("directory.company.update", writes=True)
async def update_company(
    work: Work, *, company_id: UUID, fields: CompanyReplace | CompanyUpdate, expected: int | None = None
) -> Company:
    """Change a company: a CompanyReplace sets every field, a CompanyUpdate those it was given.

    Raises PreconditionFailed when the company is no longer at the version `expected`.
    """
    company = await queries.get_company(work, company_id=company_id, lock=True)
    check_version(company, expected)
    changes = fields.model_dump() if isinstance(fields, CompanyReplace) else fields.given()
    for name, value in changes.items():
        setattr(company, name, value)
    if work.session.is_modified(company):
        work.record(CompanyUpdated(entity=company))
        await work.flush()
    return company


@verb("directory.company.delete", writes=True)
async def delete_company(work: Work, *, company_id: UUID, expected: int | None = None, cascade: bool = False) -> None:
    """Put a company into the trash, by `cascade` with all that it holds.

    Raises CompanyInUse with counts where something is in the way.
    """
    await queries.hold_structure(work, change=True)
    company = await queries.get_company(work, company_id=company_id, lock=True)
    check_version(company, expected)
    await put_into_trash(work, company, cascade=cascade)


@verb("directory.company.restore", writes=True)
async def restore_company(work: Work, *, company_id: UUID, expected: int | None = None) -> Company:
    """Take a company out of the trash with what went with it; raise StillDeleted or CodeTaken where that cannot be.

    Raises PreconditionFailed for an outdated version.
    """
    await queries.hold_structure(work, change=True)
    company = await queries.get_company(work, company_id=company_id, lock=True, deleted=True)
    check_version(company, expected)
    await take_from_trash(work, company)
    return company


def _seen(work: Work, params: queries.CompanyList) -> queries.CompaniesSeen:
    return queries.CompaniesSeen(**params.given(), within=units_of(work, "directory.company.read"))
