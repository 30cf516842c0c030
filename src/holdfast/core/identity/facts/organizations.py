"""What can happen to an organisation as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class ApplicationsChosen(Fact):
    """An organisation's administrators switched applications on or off."""

    action = "identity.applications.chosen"
    title = "Applications switched on or off"
    category = "system"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class OrganizationFileQuotaSet(Fact):
    """Operators said how much an organisation's files may take; told in both trails.

    In megabytes: null is the installation's quota, 0 no limit.
    """

    action = "platform.organization.file_quota_set"
    title = "Organisation's room for files set"
    category = "system"
    severity = "notice"
    slug: str
    megabytes: int | None
    earlier_megabytes: int | None


@dataclass(frozen=True, kw_only=True)
class OrganizationPurged(Fact):
    """Rows of a deleted organisation were removed for good, its trail apart; told in both trails.

    `rows` says how many by table, and with a column's name how many had only that emptied. A large organisation goes
    in several steps, each with an entry, of which the last is `finished`.
    """

    action = "platform.organization.purged"
    title = "Organisation's data removed for good"
    category = "system"
    severity = "critical"
    labels: ClassVar[Mapping[str, str]] = {"rows": "Rows removed"}
    slug: str
    rows: Mapping[str, int]
    finished: bool

    def swept(self) -> Mapping[str, int]:
        """Return the numbers of rows."""
        return self.rows
