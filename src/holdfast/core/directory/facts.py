"""What can happen in the directory."""

from dataclasses import dataclass
from uuid import UUID

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
class BranchCreated(Fact):
    """A branch was added."""

    action = "directory.branch.created"
    title = "Branch added"


@dataclass(frozen=True, kw_only=True)
class BranchUpdated(Fact):
    """A branch changed."""

    action = "directory.branch.updated"
    title = "Branch changed"


@dataclass(frozen=True, kw_only=True)
class BranchDeleted(Fact):
    """A branch was put into the trash."""

    action = "directory.branch.deleted"
    title = "Branch deleted"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class BranchRestored(Fact):
    """A branch was taken out of the trash."""

    action = "directory.branch.restored"
    title = "Branch restored"


@dataclass(frozen=True, kw_only=True)
class DepartmentCreated(Fact):
    """A department was added."""

    action = "directory.department.created"
    title = "Department added"


@dataclass(frozen=True, kw_only=True)
class DepartmentUpdated(Fact):
    """A department changed."""

    action = "directory.department.updated"
    title = "Department changed"


@dataclass(frozen=True, kw_only=True)
class DepartmentDeleted(Fact):
    """A department was put into the trash."""

    action = "directory.department.deleted"
    title = "Department deleted"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class DepartmentRestored(Fact):
    """A department was taken out of the trash."""

    action = "directory.department.restored"
    title = "Department restored"


@dataclass(frozen=True, kw_only=True)
class GroupCreated(Fact):
    """A group was added."""

    action = "directory.group.created"
    title = "Group added"


@dataclass(frozen=True, kw_only=True)
class GroupUpdated(Fact):
    """A group changed."""

    action = "directory.group.updated"
    title = "Group changed"


@dataclass(frozen=True, kw_only=True)
class GroupDeleted(Fact):
    """A group was put into the trash."""

    action = "directory.group.deleted"
    title = "Group deleted"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class GroupRestored(Fact):
    """A group was taken out of the trash."""

    action = "directory.group.restored"
    title = "Group restored"


@dataclass(frozen=True, kw_only=True)
class GroupMembersAdded(Fact):
    """People were put into a group."""

    action = "directory.group.members_added"
    title = "People put into the group"
    people: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class GroupMemberRemoved(Fact):
    """A person was taken out of a group."""

    action = "directory.group.member_removed"
    title = "Person taken out of the group"
    person: UUID


@dataclass(frozen=True, kw_only=True)
class PersonCreated(Fact):
    """A person was added."""

    action = "directory.person.created"
    title = "Person added"


@dataclass(frozen=True, kw_only=True)
class PersonUpdated(Fact):
    """A person changed."""

    action = "directory.person.updated"
    title = "Person changed"


@dataclass(frozen=True, kw_only=True)
class PersonDeleted(Fact):
    """A person was put into the trash."""

    action = "directory.person.deleted"
    title = "Person deleted"
    severity = "notice"


@dataclass(frozen=True, kw_only=True)
class PersonRestored(Fact):
    """A person was taken out of the trash."""

    action = "directory.person.restored"
    title = "Person restored"


@dataclass(frozen=True, kw_only=True)
class PersonImported(Fact):
    """A person was added by an import; `line` is the line of the file."""

    action = "directory.person.imported"
    title = "Person imported"
    line: int


@dataclass(frozen=True, kw_only=True)
class PersonChangedByImport(Fact):
    """A person was changed by an import; `line` is the line of the file."""

    action = "directory.person.changed_by_import"
    title = "Person changed by an import"
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


@dataclass(frozen=True, kw_only=True)
class PeopleImportUndone(Fact):
    """An import of people was undone: whom it had added were deleted, whom it had changed are as before."""

    action = "directory.people.import_undone"
    title = "Import of people undone"
    severity = "notice"
