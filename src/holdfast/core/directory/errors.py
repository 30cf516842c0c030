"""What can go wrong in the directory."""

from holdfast.kernel.errors import Conflict, Invalid, NotFound, UniqueViolation


class CompanyNotFound(NotFound):
    """There is no such company in this organisation."""

    code, title = "COMPANY_NOT_FOUND", "Company not found"


class BranchNotFound(NotFound):
    """There is no such branch in this organisation."""

    code, title = "BRANCH_NOT_FOUND", "Branch not found"


class DepartmentNotFound(NotFound):
    """There is no such department in this organisation."""

    code, title = "DEPARTMENT_NOT_FOUND", "Department not found"


class PersonNotFound(NotFound):
    """There is no such person in this organisation."""

    code, title = "PERSON_NOT_FOUND", "Person not found"


class GroupNotFound(NotFound):
    """There is no such group in this organisation."""

    code, title = "GROUP_NOT_FOUND", "Group not found"


class MemberNotFound(NotFound):
    """The person is not in the group."""

    code, title = "MEMBER_NOT_FOUND", "The person is not in the group"


class ImportNotFound(NotFound):
    """There is no such import in this organisation."""

    code, title = "IMPORT_NOT_FOUND", "Import not found"


class CompanyInUse(Conflict):
    """Branches, departments or people belong to the company, or are led by its people."""

    code, title = "COMPANY_IN_USE", "The company is in use"


class BranchInUse(Conflict):
    """Departments or people belong to the branch, or are led by its people."""

    code, title = "BRANCH_IN_USE", "The branch is in use"


class DepartmentInUse(Conflict):
    """Departments or people belong to the department, or are led by its people."""

    code, title = "DEPARTMENT_IN_USE", "The department is in use"


class PersonInUse(Conflict):
    """People or departments are led by the person."""

    code, title = "PERSON_IN_USE", "The person is in use"


class GroupInUse(Conflict):
    """People are in the group."""

    code, title = "GROUP_IN_USE", "The group is in use"


class CompanyNotDeleted(Conflict):
    """Only a deleted company can be restored."""

    code, title = "COMPANY_NOT_DELETED", "The company is not deleted"


class BranchNotDeleted(Conflict):
    """Only a deleted branch can be restored."""

    code, title = "BRANCH_NOT_DELETED", "The branch is not deleted"


class DepartmentNotDeleted(Conflict):
    """Only a deleted department can be restored."""

    code, title = "DEPARTMENT_NOT_DELETED", "The department is not deleted"


class PersonNotDeleted(Conflict):
    """Only a deleted person can be restored."""

    code, title = "PERSON_NOT_DELETED", "The person is not deleted"


class GroupNotDeleted(Conflict):
    """Only a deleted group can be restored."""

    code, title = "GROUP_NOT_DELETED", "The group is not deleted"


class StillDeleted(Conflict):
    """What a deleted row belongs to is deleted itself."""

    code, title = "STILL_DELETED", "What it belongs to is deleted"


class CodeTaken(UniqueViolation):
    """Another row has the code or number of a deleted one."""

    code, title = "CODE_TAKEN", "A code was taken meanwhile"


class DepartmentCycle(Conflict):
    """A department cannot be moved below itself."""

    code, title = "DEPARTMENT_CYCLE", "The department would be below itself"


class ManagerCycle(Conflict):
    """Nobody can be their own superior."""

    code, title = "MANAGER_CYCLE", "The person would be their own superior"


class ImportRefused(Invalid):
    """A file of people has faults; nothing of it was taken."""

    code, title = "IMPORT_REFUSED", "Nothing was imported"
    most_faults = 1000


class ImportUndone(Conflict):
    """An import can be undone once."""

    code, title = "IMPORT_UNDONE", "The import was undone already"


class ChangedSinceImport(Conflict):
    """People of the import, or what they belonged to, were changed after it."""

    code, title = "CHANGED_SINCE_IMPORT", "Changed since the import"
    most_faults = 1000
