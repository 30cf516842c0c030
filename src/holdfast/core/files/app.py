"""The declaration of the files."""

from holdfast.kernel.permissions import Permission
from holdfast.kernel.plugins import App, FileRule, MenuItem, RecordKind, Schedule

EVERYONE = ("Admin", "Operator", "User", "Viewer", "Auditor")
WRITERS = ("Admin", "Operator", "User")

APP = App(
    name="files",
    title="Files",
    package="holdfast.core.files",
    mount="files",
    pages="files",
    optional=False,
    order=25,
    permissions=(
        Permission("files.file.read", "See and download files", roles=EVERYONE),
        Permission("files.file.create", "Upload files", roles=WRITERS),
        Permission("files.file.update", "Rename files and upload new versions", roles=WRITERS),
        Permission("files.file.delete", "Delete files", roles=("Admin",)),
        Permission("files.file.restore", "Restore deleted files", roles=("Admin",)),
        Permission("files.file.purge", "Remove deleted files for good", roles=("Admin",)),
        Permission("files.usage.read", "See how much room the files take", roles=("Admin", "Auditor")),
        Permission("files.link.read", "See the links to files", roles=("Admin", "Auditor")),
        Permission("files.link.create", "Make links that open a file without signing in", roles=("Admin", "Operator")),
        Permission("files.link.delete", "Revoke links to files", roles=("Admin",)),
    ),
    menu=(MenuItem("Files", "/console/files", "file", permission="files.file.read", order=20),),
    records=(
        RecordKind("file", "File", names=("name",), page="/console/files/{id}"),
        RecordKind("file_link", "Link to a file"),
        RecordKind("file_upload", "Upload", names=("name",)),
    ),
    file_rules=(FileRule("files.general", "Any file"),),
    schedules=(
        Schedule("files.content.scan", job="files.content.scan", cron="17 * * * *", each_organization=True),
        Schedule("files.store.tidy", job="files.store.tidy", cron="40 2 * * *", each_organization=True),
    ),
)
