"""What other slices may ask of the directory."""

from holdfast.core.directory.queries import count_companies, count_people
from holdfast.core.directory.schemas import ImportReport
from holdfast.core.directory.service.imports import import_people_file
from holdfast.core.directory.service.organizations import found_organization, read_organization

__all__ = [
    "ImportReport",
    "count_companies",
    "count_people",
    "found_organization",
    "import_people_file",
    "read_organization",
]
