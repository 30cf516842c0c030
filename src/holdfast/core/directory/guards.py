"""What the directory allows, as pure functions."""

from holdfast.core.directory.errors import CompanyInUse, CompanyNotDeleted
from holdfast.core.directory.models import Company
from holdfast.kernel.permissions import Verdict


def can_delete_company(people: int) -> Verdict:
    """Answer CompanyInUse while people belong to the company."""
    if people:
        return CompanyInUse(f"{people} {'person belongs' if people == 1 else 'people belong'} to the company.")
    return None


def can_restore_company(company: Company) -> Verdict:
    """Answer CompanyNotDeleted for a company that is not in the trash."""
    return None if company.deleted_at is not None else CompanyNotDeleted()
