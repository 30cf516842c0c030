"""What files take and give."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from holdfast.core.files.models import Scan, TextState
from holdfast.kernel.schemas import Inward, OneLine, Outward, Partial, RecordOut

LONGEST_LINK = 90 * 24


def _no_path(name: str) -> str:
    if "/" in name or "\\" in name or name in (".", ".."):
        raise ValueError("must be a name, not a path")
    return name


FileName = Annotated[OneLine, Field(min_length=1, max_length=255, examples=["Report.pdf"]), AfterValidator(_no_path)]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$", max_length=100)]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", examples=["company"])]


class Described(Inward):
    """What is said of a file beside its bytes."""

    rule: Annotated[RuleName, Field(description="The kind of file, as an app declares it.")] = "files.general"
    owner_kind: Annotated[Kind | None, Field(description="Table of the record that the file hangs on.")] = None
    owner_id: Annotated[UUID | None, Field(description="Id of that record.")] = None

    @model_validator(mode="after")
    def _whole_owner(self) -> "Described":
        if (self.owner_kind is None) != (self.owner_id is None):
            raise ValueError("owner_kind and owner_id belong together")
        return self


class FileDescription(Described):
    """What is said of a file that is sent; the name may come with the bytes."""

    name: Annotated[FileName | None, Field(description="Needed where the form does not name the file.")] = None


class UploadCreate(Described):
    """A large file that will come in pieces."""

    name: FileName
    size: Annotated[int, Field(ge=1, le=2**50, description="Bytes of the whole file.", examples=[2_000_000_000])]
    replaces_id: Annotated[UUID | None, Field(description="The file that it is a new version of.")] = None


class UploadOut(Outward):
    """A large file on its way."""

    id: UUID
    name: str
    rule: str
    size: int
    received: Annotated[int, Field(description="Where the next piece begins.")]
    expires_at: datetime
    file_id: Annotated[UUID | None, Field(description="Of the file, once all of it has come.")] = None


class FileUpdate(Partial):
    """What of a file to change; what is left out stays."""

    name: FileName = ""
    number: Annotated[int | None, Field(ge=1, description="An earlier version, to make it the present one.")] = None


class FileOut(RecordOut):
    """A file and its present content."""

    name: str
    rule: str
    owner_kind: str | None
    owner_id: UUID | None
    number: Annotated[int, Field(description="Of the present version.")]
    size: int
    media_type: Annotated[str, Field(description="Told by the content, not by the name.")]
    sha256: Annotated[str, Field(description="In hexadecimal; quoted, it is the ETag of the content.")]
    scan: Scan
    has_thumbnail: bool
    has_text: bool
    text_state: Annotated[
        TextState,
        Field(
            description="`layer`: the content has text; `recognised`: it was read in the picture; `no_text_layer`: it "
            "may show text, which was not read; `none`: there is none."
        ),
    ]
    deleted_at: datetime | None


class VersionOut(Outward):
    """A content that a file has or had."""

    id: UUID
    number: int
    name: str
    size: int
    media_type: str
    sha256: str
    scan: Scan
    created_at: datetime
    created_by: UUID | None


class RuleUsageOut(Outward):
    """What the files of one rule take."""

    rule: str
    title: str
    files: Annotated[int, Field(description="Those in the trash, too.")]
    bytes: Annotated[int, Field(description="Of all their versions, a content that comes again counted once.")]


class RoomOut(Outward):
    """How much room an organisation's files take, and how much they have."""

    bytes: Annotated[int, Field(description="What counts: each content once, however many files have it.")]
    announced_bytes: Annotated[int, Field(description="Of uploads that are on their way; they count, too.")]
    limit_bytes: Annotated[int | None, Field(description="Null: there is no limit.")]
    own_limit_mb: Annotated[int | None, Field(description="Where operators set one for this organisation; 0: none.")]


class UsageOut(RoomOut):
    """The same, and what takes it."""

    files: Annotated[int, Field(description="Those in the trash, too.")]
    versions: int
    contents: int
    by_rule: list[RuleUsageOut]


class LinkCreate(Inward):
    """A link that opens a file without signing in."""

    hours: Annotated[int, Field(ge=1, le=LONGEST_LINK, description="After so many hours it ends.")] = 24
    number: Annotated[int | None, Field(ge=1, description="Which version; the present one where left out.")] = None


class LinkOut(Outward):
    """A link; its address is shown when it is made and never again."""

    once: ClassVar[frozenset[str]] = frozenset({"url"})

    id: UUID
    number: int
    expires_at: datetime
    created_at: datetime
    created_by: UUID | None


class LinkMade(LinkOut):
    """A link that was just made."""

    url: str | None


class Delivery(Inward):
    """How a content is given out."""

    inline: Annotated[bool, Field(description="Show it in the browser's window; only what is safe to show.")] = False
