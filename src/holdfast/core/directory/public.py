"""What other slices may ask of the directory."""

from holdfast.core.directory.queries import (
    Unit,
    branches_within,
    companies_within,
    count_companies,
    count_people,
    departments_within,
    find_access_end,
    has_access,
    hold_structure,
    list_people_where,
    people_among,
    people_within,
    staying,
)
from holdfast.core.directory.schemas import Email, Locale, TimeZone
from holdfast.core.directory.schemas.files import ImportReport, RowFault
from holdfast.core.directory.service.imports import import_people_file, plan_of
from holdfast.core.directory.service.leaving import Keeper
from holdfast.core.directory.service.naming import name_unit
from holdfast.core.directory.service.organizations import (
    found_organization,
    name_and_locale,
    organization_name,
    read_organization,
    zone_of,
)
from holdfast.core.directory.service.people_files import ImportPlan

__all__ = [
    "Email",
    "ImportPlan",
    "ImportReport",
    "Keeper",
    "Locale",
    "RowFault",
    "TimeZone",
    "Unit",
    "branches_within",
    "companies_within",
    "count_companies",
    "count_people",
    "departments_within",
    "find_access_end",
    "found_organization",
    "has_access",
    "hold_structure",
    "import_people_file",
    "list_people_where",
    "name_and_locale",
    "name_unit",
    "organization_name",
    "people_among",
    "people_within",
    "plan_of",
    "read_organization",
    "staying",
    "zone_of",
]
