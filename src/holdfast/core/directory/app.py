"""The declaration of the directory."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App, MenuItem, RecordKind

EVERYONE = ("Admin", "Operator", "User", "Viewer", "Auditor")

APP = App(
    name="directory",
    title="Directory",
    package="holdfast.core.directory",
    mount="org",
    pages="companies",
    order=20,
    permissions=(
        Permission("directory.organization.read", "See the organisation", roles=EVERYONE),
        Permission("directory.organization.update", "Change the organisation", roles=("Admin",)),
        Permission("directory.company.read", "See companies", roles=EVERYONE),
        Permission("directory.company.create", "Add companies", roles=("Admin",)),
        Permission("directory.company.update", "Change companies", roles=("Admin",)),
        Permission("directory.company.delete", "Delete companies", roles=("Admin",)),
        Permission("directory.company.restore", "Restore deleted companies", roles=("Admin",)),
        Permission("directory.person.read", "See people", roles=EVERYONE),
        Permission("directory.person.import", "Import people", roles=("Admin",)),
        Permission("directory.person.export", "Export people", roles=("Admin", "Auditor")),
    ),
    menu=(MenuItem("Companies", "/console/companies", "building", permission="directory.company.read", order=10),),
    records=(
        RecordKind("organization", "Organisation", names=("name",)),
        RecordKind("company", "Company", names=("name",), page="/console/companies/{id}"),
        RecordKind("person", "Person", names=("given_name", "family_name")),
    ),
)
