"""Installation-owned tables: where a name is known, and the first administrator's link."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid
from sqlalchemy.orm import Mapped, mapped_column

from holdfast.kernel.db import Base, Bytes, InstallationOwned, UtcDateTime


class SignInName(InstallationOwned, Base):
    """In which organisations an address or user name is known: keyed hashes only."""

    __tablename__ = "sign_in_name"

    name_hash: Mapped[bytes] = mapped_column(Bytes(32), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)


class SetupLink(InstallationOwned, Base):
    """The one-time link that makes the first administrator of an empty installation."""

    __tablename__ = "setup_link"

    secret_hash: Mapped[bytes] = mapped_column(Bytes(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
