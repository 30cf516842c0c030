"""What other slices may ask of the directory."""

from holdfast.core.directory.queries import count_companies, count_people
from holdfast.core.directory.service.organizations import found_organization

__all__ = ["count_companies", "count_people", "found_organization"]
