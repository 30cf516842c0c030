"""The foreign app's table."""

from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import SECRET, Base, Bytes, Str, Tracked
from holdfast.kernel.keys import Encrypted, Sealed


class LendingItem(Tracked, Base):
    """A thing that can be lent."""

    __tablename__ = "lending_item"

    title: Mapped[str] = mapped_column(Str(100))
    lock_code: Mapped[Sealed | None] = mapped_column(Encrypted(128), info=SECRET)
    lock_index: Mapped[bytes | None] = mapped_column(Bytes(32), info=SECRET)
