"""What other slices and apps may ask of the files."""

from holdfast.core.files.queries import FileList
from holdfast.core.files.service.cabinet import SLOT, Cabinet
from holdfast.core.files.service.deriving import derive
from holdfast.core.files.service.files import add_file, browse_files, list_files, read_file, replace_file
from holdfast.core.files.service.housekeeping import (
    derive_waiting,
    remove_expired,
    remove_orphans,
    remove_strays,
    scan_again,
    scan_waiting,
)
from holdfast.core.files.service.staging import Incoming, make_ready, take_in

__all__ = [
    "SLOT",
    "Cabinet",
    "FileList",
    "Incoming",
    "add_file",
    "browse_files",
    "derive",
    "derive_waiting",
    "list_files",
    "make_ready",
    "read_file",
    "remove_expired",
    "remove_orphans",
    "remove_strays",
    "replace_file",
    "scan_again",
    "scan_waiting",
    "take_in",
]
