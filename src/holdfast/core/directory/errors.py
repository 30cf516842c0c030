"""What can go wrong in the directory."""

from holdfast.kernel.errors import Conflict, Invalid, NotFound


class CompanyNotFound(NotFound):
    """There is no such company in this organisation."""

    code, title = "COMPANY_NOT_FOUND", "Company not found"


class PersonNotFound(NotFound):
    """There is no such person in this organisation."""

    code, title = "PERSON_NOT_FOUND", "Person not found"


class CompanyInUse(Conflict):
    """People still belong to the company."""

    code, title = "COMPANY_IN_USE", "The company is in use"


class CompanyNotDeleted(Conflict):
    """Only a deleted company can be restored."""

    code, title = "COMPANY_NOT_DELETED", "The company is not deleted"


class ImportRefused(Invalid):
    """A file of people has faults; nothing of it was taken."""

    code, title = "IMPORT_REFUSED", "Nothing was imported"
    most_faults = 1000
