"""What other slices may ask of the directory."""

from holdfast.core.directory.queries import (
    Unit,
    branches_within,
    companies_within,
    count_companies,
    count_people,
    departments_within,
    employed,
    find_access_end,
    people_within,
)
from holdfast.core.directory.schemas.files import ImportReport
from holdfast.core.directory.service.imports import import_people_file, plan_of
from holdfast.core.directory.service.organizations import found_organization, read_organization
from holdfast.core.directory.service.people_files import ImportPlan

__all__ = [
    "ImportPlan",
    "ImportReport",
    "Unit",
    "branches_within",
    "companies_within",
    "count_companies",
    "count_people",
    "departments_within",
    "employed",
    "find_access_end",
    "found_organization",
    "import_people_file",
    "people_within",
    "plan_of",
    "read_organization",
]
