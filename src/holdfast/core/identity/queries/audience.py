"""Whom an audience holds, as one condition: for a filter, for the members now, and for who was one at a moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, or_, select, true

from holdfast.core.directory.public import people_among, people_within
from holdfast.core.identity.models import RoleAssignment, User, UserKind
from holdfast.core.identity.schemas import Audience, AudiencePart
from holdfast.kernel.db import NOBODY
from holdfast.kernel.work import Work


def people_in_audience(work: Work, audience: Audience, at: datetime | None = None) -> ColumnElement[bool]:
    """Return the condition for the people of an audience, with `at` for those who were in it at that moment.

    What somebody held or where they worked is told by intervals, so that one definition answers for every moment.
    """
    chosen = true() if not audience.include else _any_of(work, audience.include, at)
    if not audience.exclude:
        return chosen
    # Not `NOT`: who works nowhere is in no department, which the database neither affirms nor denies.
    return and_(chosen, case((_any_of(work, audience.exclude, at), 1), else_=0) == 0)


async def list_users_in_audience(work: Work, audience: Audience, *, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Return the living users whose people an audience holds, in the order of their ids, those after one."""
    found = select(User.id).where(
        User.deleted_key == NOBODY, User.person.has(people_in_audience(work, audience)), User.kind == UserKind.PERSON
    )
    if after is not None:
        found = found.where(User.id > after)
    return (await work.session.scalars(found.order_by(User.id).limit(limit))).all()


def _any_of(work: Work, parts: Iterable[AudiencePart], at: datetime | None) -> ColumnElement[bool]:
    parts = list(parts)
    units = [(part.kind, part.id) for part in parts if part.kind != "role"]
    roles = sorted({part.role or "" for part in parts if part.kind == "role"})
    conditions = [people_within(units, at)] if units else []
    if roles:
        conditions.append(people_among(_holders(work, roles, at)))
    return or_(*conditions)


def _holders(work: Work, roles: list[str], at: datetime | None) -> Select[Any]:
    moment = at or work.now()
    return (
        select(User.person_id)
        .join(RoleAssignment, (RoleAssignment.tenant_id == User.tenant_id) & (RoleAssignment.user_id == User.id))
        .where(
            User.tenant_id == work.tenant_id,
            User.person_id.is_not(None),
            RoleAssignment.role_key.in_(roles),
            RoleAssignment.given_at <= moment,
            or_(RoleAssignment.ends_at.is_(None), RoleAssignment.ends_at > moment),
        )
    )
