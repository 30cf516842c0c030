"""What the directory takes and gives of files: the formats, and what an import did."""

import enum
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from holdfast.core.directory.models import ImportKey, ImportMode
from holdfast.kernel.schemas import Outward, RecordOut


class FileFormat(enum.StrEnum):
    """As what a file is written."""

    CSV = "csv"
    XLSX = "xlsx"


class RowFault(Outward):
    """One fault in an imported file."""

    line: Annotated[int, Field(description="Line of the file; the heading is line 1.")]
    column: str | None
    code: str
    message: str


class ImportReport(Outward):
    """What an import did, or would do."""

    id: Annotated[UUID | None, Field(description="Of the import, for undoing it; null where nothing was imported.")]
    dry_run: bool
    rows: int
    created: int
    updated: int
    unchanged: Annotated[int, Field(description="People who are as the file says already.")]
    error_count: int
    errors: Annotated[list[RowFault], Field(description="The first thousand.")]


class ImportOut(RecordOut):
    """An import that was done."""

    file_name: str
    sha256: Annotated[str, Field(description="Of the file, in hexadecimal.")]
    mode: ImportMode
    match_by: ImportKey
    row_count: int
    created_count: int
    updated_count: int
    unchanged_count: int
    undone_at: datetime | None
    undone_by: UUID | None
