"""The foreign app's table."""

from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import Base, Str, Tracked


class LendingItem(Tracked, Base):
    """A thing that can be lent."""

    __tablename__ = "lending_item"

    title: Mapped[str] = mapped_column(Str(100))
