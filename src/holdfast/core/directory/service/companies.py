"""What people do with companies."""

from typing import Any
from uuid import UUID

from holdfast.core.directory import guards, queries
from holdfast.core.directory.facts import CompanyCreated, CompanyDeleted, CompanyRestored, CompanyUpdated
from holdfast.core.directory.models import Company
from holdfast.core.directory.schemas import CompanyCreate, CompanyReplace, CompanyUpdate
from holdfast.kernel.db import NOBODY
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.work import Work, check_version


@verb("directory.company.read")
async def list_companies(work: Work, params: queries.CompanyList) -> bytes:
    """Return one page of companies as JSON."""
    return await queries.COMPANIES.page(work, params)


@verb("directory.company.read")
async def browse_companies(work: Work, params: queries.CompanyList) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return one page of companies as rows, and where it stands."""
    return await queries.COMPANIES.rows_and_meta(work, params)


@verb("directory.company.read")
async def read_company(work: Work, *, company_id: UUID, deleted: bool = False) -> Company:
    """Return a company, with `deleted` also one in the trash; raise CompanyNotFound."""
    return await queries.get_company(work, company_id=company_id, deleted=deleted)


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
async def delete_company(work: Work, *, company_id: UUID, expected: int | None = None) -> None:
    """Put a company into the trash; raise CompanyInUse while people belong to it."""
    company = await queries.get_company(work, company_id=company_id, lock=True)
    check_version(company, expected)
    enforce(guards.can_delete_company(await queries.count_people_of(work, company_id=company_id)))
    company.deleted_at, company.deleted_key = work.now(), company.id
    work.record(CompanyDeleted(entity=company))


@verb("directory.company.restore", writes=True)
async def restore_company(work: Work, *, company_id: UUID, expected: int | None = None) -> Company:
    """Take a company out of the trash.

    Raises UniqueViolation where its code was given to another meanwhile, PreconditionFailed for an outdated version.
    """
    company = await queries.get_company(work, company_id=company_id, lock=True, deleted=True)
    check_version(company, expected)
    enforce(guards.can_restore_company(company))
    company.deleted_at, company.deleted_key = None, NOBODY
    work.record(CompanyRestored(entity=company))
    await work.flush()
    return company
