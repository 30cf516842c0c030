"""What other slices may ask of the directory."""

from holdfast.core.directory.queries import count_companies, count_people, find_access_end
from holdfast.core.directory.schemas import ImportReport
from holdfast.core.directory.service.imports import import_people_file
from holdfast.core.directory.service.organizations import found_organization

__all__ = [
    "ImportReport",
    "count_companies",
    "count_people",
    "find_access_end",
    "found_organization",
    "import_people_file",
]
