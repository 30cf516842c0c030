"""The declaration of the directory."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App, MenuItem, RecordKind

EVERYONE = ("Admin", "Operator", "User", "Viewer", "Auditor")

APP = App(
    name="directory",
    title="Directory",
    package="holdfast.core.directory",
    mount="org",
    pages="",
    order=20,
    permissions=(
        Permission("directory.organization.read", "See the organisation", roles=EVERYONE),
        Permission("directory.organization.update", "Change the organisation", roles=("Admin",)),
        Permission("directory.company.read", "See companies", roles=EVERYONE),
        Permission("directory.company.create", "Add companies", roles=("Admin",)),
        Permission("directory.company.update", "Change companies", roles=("Admin",)),
        Permission("directory.company.delete", "Delete companies", roles=("Admin",)),
        Permission("directory.company.restore", "Restore deleted companies", roles=("Admin",)),
        Permission("directory.branch.read", "See branches", roles=EVERYONE),
        Permission("directory.branch.create", "Add branches", roles=("Admin",)),
        Permission("directory.branch.update", "Change branches", roles=("Admin",)),
        Permission("directory.branch.delete", "Delete branches", roles=("Admin",)),
        Permission("directory.branch.restore", "Restore deleted branches", roles=("Admin",)),
        Permission("directory.department.read", "See departments", roles=EVERYONE),
        Permission("directory.department.create", "Add departments", roles=("Admin",)),
        Permission("directory.department.update", "Change departments", roles=("Admin",)),
        Permission("directory.department.delete", "Delete departments", roles=("Admin",)),
        Permission("directory.department.restore", "Restore deleted departments", roles=("Admin",)),
        Permission("directory.group.read", "See groups", roles=EVERYONE),
        Permission("directory.group.create", "Add groups", roles=("Admin",)),
        Permission("directory.group.update", "Change groups", roles=("Admin",)),
        Permission("directory.group.delete", "Delete groups", roles=("Admin",)),
        Permission("directory.group.restore", "Restore deleted groups", roles=("Admin",)),
        Permission("directory.group.assign", "Put people into groups and take them out", roles=("Admin",)),
        Permission("directory.person.read", "See people", roles=EVERYONE),
        Permission("directory.person.create", "Add people", roles=("Admin",)),
        Permission("directory.person.update", "Change people", roles=("Admin",)),
        Permission("directory.person.delete", "Delete people", roles=("Admin",)),
        Permission("directory.person.restore", "Restore deleted people", roles=("Admin",)),
        Permission("directory.person.import", "Import people", roles=("Admin",)),
        Permission("directory.person.export", "Export people", roles=("Admin", "Auditor")),
    ),
    menu=(
        MenuItem("People", "/console/people", "people", permission="directory.person.read", order=10),
        MenuItem("Org chart", "/console/chart", "chart", permission="directory.person.read", order=11),
        MenuItem("Organisation", "/console/tree", "tree", permission="directory.organization.read", order=12),
        MenuItem("Companies", "/console/companies", "building", permission="directory.company.read", order=13),
        MenuItem("Branches", "/console/branches", "place", permission="directory.branch.read", order=14),
        MenuItem("Departments", "/console/departments", "department", permission="directory.department.read", order=15),
    ),
    records=(
        RecordKind("organization", "Organisation", names=("name",)),
        RecordKind("company", "Company", names=("name",), page="/console/companies/{id}"),
        RecordKind("branch", "Branch", names=("name",), page="/console/branches/{id}"),
        RecordKind("department", "Department", names=("name",), page="/console/departments/{id}"),
        RecordKind("person_group", "Group", names=("name",)),
        RecordKind("import_run", "Import", names=("file_name",)),
        RecordKind("person", "Person", names=("given_name", "family_name"), page="/console/people/{id}"),
    ),
)
