"""What can happen in the directory."""

from dataclasses import dataclass

from holdfast.kernel.facts import Fact


@dataclass(frozen=True, kw_only=True)
class OrganizationFounded(Fact):
    """The organisation was set up."""

    action = "directory.organization.founded"
    title = "Organisation set up"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class OrganizationUpdated(Fact):
    """The organisation's particulars changed."""

    action = "directory.organization.updated"
    title = "Organisation changed"


@dataclass(frozen=True, kw_only=True)
class CompanyCreated(Fact):
    """A company was added."""

    action = "directory.company.created"
    title = "Company added"


@dataclass(frozen=True, kw_only=True)
class CompanyUpdated(Fact):
    """A company changed."""

    action = "directory.company.updated"
    title = "Company changed"


@dataclass(frozen=True, kw_only=True)
class CompanyDeleted(Fact):
    """A company was put into the trash."""

    action = "directory.company.deleted"
    title = "Company deleted"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class CompanyRestored(Fact):
    """A company was taken out of the trash."""

    action = "directory.company.restored"
    title = "Company restored"


@dataclass(frozen=True, kw_only=True)
class PersonImported(Fact):
    """A person was added by an import; `line` is the line of the file."""

    action = "directory.person.imported"
    title = "Person imported"
    line: int


@dataclass(frozen=True, kw_only=True)
class PeopleImported(Fact):
    """A file of people was imported."""

    action = "directory.people.imported"
    title = "People imported"
    severity = "notice"
    file: str
    sha256: str
    count: int
