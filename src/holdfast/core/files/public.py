"""What other slices and apps may ask of the files."""

from holdfast.core.files.queries import FileList
from holdfast.core.files.service.cabinet import SLOT, Cabinet
from holdfast.core.files.service.deriving import derive
from holdfast.core.files.service.examining import (
    Examined,
    examine_antivirus,
    examine_extraction,
    examine_reading,
    examine_storage,
)
from holdfast.core.files.service.files import add_file, browse_files, list_files, read_file, replace_file
from holdfast.core.files.service.housekeeping import derive_waiting, scan_again, scan_waiting
from holdfast.core.files.service.removing import remove_all, remove_expired, remove_orphans, remove_strays
from holdfast.core.files.service.space import room_of, set_quota
from holdfast.core.files.service.staging import Incoming, make_ready, take_in

__all__ = [
    "SLOT",
    "Cabinet",
    "Examined",
    "FileList",
    "Incoming",
    "add_file",
    "browse_files",
    "derive",
    "derive_waiting",
    "examine_antivirus",
    "examine_extraction",
    "examine_reading",
    "examine_storage",
    "list_files",
    "make_ready",
    "read_file",
    "remove_all",
    "remove_expired",
    "remove_orphans",
    "remove_strays",
    "replace_file",
    "room_of",
    "scan_again",
    "scan_waiting",
    "set_quota",
    "take_in",
]
