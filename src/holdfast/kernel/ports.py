"""The ports of a unit of work that slices fill: writing the trail, queueing jobs, naming users, telling people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from holdfast.kernel.facts import Record

# The unit of work, which names these ports itself.
Unit_contra = TypeVar("Unit_contra", contravariant=True)


class Recorder(Protocol[Unit_contra]):
    """Port filled by audit: writes the entries of a unit of work inside its transaction."""

    async def write(self, work: Unit_contra, records: Sequence[Record]) -> None:
        """Insert the entries just before COMMIT."""
        ...

    def committed(self, work: Unit_contra) -> None:
        """Note that the entries of this unit of work are in the database."""
        ...

    def voided(self, work: Unit_contra) -> None:
        """Note that the numbers drawn for this unit of work will not appear."""
        ...

    async def refuse(self, work: Unit_contra, record: Record) -> None:
        """Insert the entry of a refusal, or count it where the same one was written within the minute."""
        ...


class Queue(Protocol[Unit_contra]):
    """Port filled by the jobs: what is to be done after the commit, and done once."""

    async def put(
        self,
        work: Unit_contra,
        job: object,
        ids: Mapping[str, object],
        *,
        unique: str | None,
        delay: timedelta,
        priority: int | None,
        as_system: bool,
    ) -> UUID:
        """Insert a job in the transaction of the unit of work and return its id."""
        ...

    def committed(self) -> None:
        """Note that jobs are in the database."""
        ...


class Namer(Protocol[Unit_contra]):
    """Port filled by identity: the names of users, for slices that stand below it."""

    async def __call__(self, work: Unit_contra, user_ids: Iterable[UUID]) -> dict[UUID, str]:
        """Return the name of each user of this tenant."""
        ...


class Teller(Protocol[Unit_contra]):
    """Port filled by notify: people are told in the transaction of what they are told of."""

    async def tell(
        self,
        work: Unit_contra,
        message: str,
        user_ids: Iterable[UUID],
        told: Mapping[str, str],
        *,
        key: str | None,
        to: str,
    ) -> None:
        """Write what each of the users is told."""
        ...

    async def committing(self, work: Unit_contra) -> None:
        """Ask, as the last thing before the commit, that what was told leaves at once."""
        ...

    async def count_unread(self, work: Unit_contra) -> int:
        """Return how much the caller was told and has not read, for the navigation of pages."""
        ...
