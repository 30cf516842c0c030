"""API keys: a program acts for who made its key, with no more than the key's scopes and its owner's present rights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from holdfast.core.identity import guards, queries
from holdfast.core.identity.errors import ApiKeyNotFound, NotAService
from holdfast.core.identity.facts import ApiKeyCreated, ApiKeyRevoked, ApiKeyRotated
from holdfast.core.identity.models import Session, SessionKind, User, UserKind
from holdfast.core.identity.schemas import ApiKeyOut
from holdfast.core.identity.service.desk import desk_of
from holdfast.core.identity.service.notices import notify
from holdfast.core.identity.service.rights import rights_of
from holdfast.core.identity.service.tokens import Address, key_text
from holdfast.kernel.crypto import digest, new_secret
from holdfast.kernel.permissions import enforce, verb
from holdfast.kernel.schemas import Meta, Page
from holdfast.kernel.work import Work


@dataclass(frozen=True, slots=True, repr=False)
class Issued:
    """A key that was just made, and its text, which nobody can read again."""

    row: Session
    text: str


@verb("identity.api_key.create", writes=True, personal=True, step_up=True)
async def create_key(
    work: Work,
    *,
    label: str,
    expires_at: datetime,
    scopes: Sequence[str] | None = None,
    networks: Sequence[str] | None = None,
) -> Issued:
    """Make a key that acts for the caller; `scopes` None stands for all the caller's rights, as they will be.

    Raises Invalid naming a scope that the caller lacks, or an end more than 365 days away.
    """
    assert work.actor.id is not None, "only the signed in come here"
    enforce(guards.can_be_scopes(scopes, work.actor.permissions | frozenset(work.actor.within)))
    user = await queries.get_user(work, user_id=work.actor.id, lock=True)
    return await _issue(work, user, label=label, expires_at=expires_at, scopes=scopes, networks=networks)


@verb("identity.service_account.update", writes=True, personal=True, step_up=True)
async def create_service_key(
    work: Work,
    *,
    user_id: UUID,
    label: str,
    expires_at: datetime,
    scopes: Sequence[str] | None = None,
    networks: Sequence[str] | None = None,
) -> Issued:
    """Make a key for a service account; raise UserNotFound, NotAService for a person, MoreRights, Invalid."""
    user = await queries.get_user(work, user_id=user_id, lock=True)
    if user.kind is not UserKind.SERVICE:
        raise NotAService("Only a service account gets keys from another; a person makes their own.")
    enforce(guards.can_hold(work.actor, await rights_of(work, user_id=user_id)))
    enforce(guards.can_be_scopes(scopes, desk_of(work.house).permission_names))
    return await _issue(work, user, label=label, expires_at=expires_at, scopes=scopes, networks=networks)


@verb("identity.api_key.list", access="signed_in", personal=True, sensitive=True)
async def list_own_keys(work: Work, params: queries.SessionList) -> Page[ApiKeyOut]:
    """Return one page of the caller's keys that are good."""
    assert work.actor.id is not None, "only the signed in come here"
    return await _page(work, params, work.actor.id)


@verb("identity.api_key.read", sensitive=True)
async def list_keys(work: Work, params: queries.SessionList, *, user_id: UUID) -> Page[ApiKeyOut]:
    """Return one page of a user's keys that are good; raise UserNotFound."""
    await queries.get_user(work, user_id=user_id)
    return await _page(work, params, user_id)


@verb("identity.api_key.get", access="signed_in", personal=True, sensitive=True)
async def get_own_key(work: Work, *, key_id: UUID) -> ApiKeyOut:
    """Return one of the caller's keys that is good; raise ApiKeyNotFound."""
    assert work.actor.id is not None, "only the signed in come here"
    return ApiKeyOut.of(await _live(work, work.actor.id, key_id, lock=False))


@verb("identity.api_key.read", sensitive=True)
async def get_key(work: Work, *, user_id: UUID, key_id: UUID) -> ApiKeyOut:
    """Return one of a user's keys that is good; raise UserNotFound, ApiKeyNotFound."""
    await queries.get_user(work, user_id=user_id)
    return ApiKeyOut.of(await _live(work, user_id, key_id, lock=False))


@verb("identity.api_key.rotate", access="signed_in", writes=True, personal=True, step_up=True)
async def rotate_key(work: Work, *, key_id: UUID, expires_at: datetime, overlap: timedelta) -> Issued:
    """Make a key like one of the caller's, which ends after the overlap; raise ApiKeyNotFound, Invalid."""
    assert work.actor.id is not None, "only the signed in come here"
    return await _rotate(work, work.actor.id, key_id, expires_at, overlap)


@verb("identity.service_account.update", writes=True, personal=True, step_up=True)
async def rotate_service_key(
    work: Work, *, user_id: UUID, key_id: UUID, expires_at: datetime, overlap: timedelta
) -> Issued:
    """Make a key like one of a service account's, which ends after the overlap; raise as `create_service_key`."""
    user = await queries.get_user(work, user_id=user_id)
    if user.kind is not UserKind.SERVICE:
        raise NotAService("Only a service account's keys are rotated by another.")
    enforce(guards.can_hold(work.actor, await rights_of(work, user_id=user_id)))
    return await _rotate(work, user_id, key_id, expires_at, overlap)


@verb("identity.api_key.end", access="signed_in", writes=True, personal=True)
async def end_own_key(work: Work, *, key_id: UUID) -> None:
    """End one of the caller's keys, refused from the next request on; raise ApiKeyNotFound."""
    assert work.actor.id is not None, "only the signed in come here"
    await _end(work, work.actor.id, key_id)


@verb("identity.api_key.revoke", writes=True)
async def revoke_key(work: Work, *, user_id: UUID, key_id: UUID) -> None:
    """End one of a user's keys, refused from the next request on; raise UserNotFound, ApiKeyNotFound."""
    await queries.get_user(work, user_id=user_id)
    await _end(work, user_id, key_id)


async def _issue(
    work: Work,
    user: User,
    *,
    label: str,
    expires_at: datetime,
    scopes: Sequence[str] | None,
    networks: Sequence[str] | None,
    replaces_id: UUID | None = None,
) -> Issued:
    now, secret = work.now(), new_secret()
    enforce(guards.can_expire(expires_at, now))
    row = Session(
        id=work.new_id(),
        user_id=user.id,
        kind=SessionKind.API_KEY,
        secret_hash=digest(secret),
        signed_in_at=now,
        last_seen_at=now,
        idle_expires_at=expires_at,
        expires_at=expires_at,
        ip=work.request.ip,
        user_agent=(work.request.user_agent or "")[:300] or None,
        label=label,
        scopes=None if scopes is None else sorted(set(scopes)),
        networks=None if networks is None else list(networks),
        replaces_id=replaces_id,
    )
    work.session.add(row)
    work.record(ApiKeyCreated(entity=row))
    await notify(work, user, "api_key_created", label=label)
    address = Address(work.tenant_id, row.id, secret)
    return Issued(row, key_text(address, desk_of(work.house).key_label))


async def _rotate(work: Work, user_id: UUID, key_id: UUID, expires_at: datetime, overlap: timedelta) -> Issued:
    user = await queries.get_user(work, user_id=user_id, lock=True)
    old = await _live(work, user_id, key_id)
    issued = await _issue(
        work,
        user,
        label=old.label or "",
        expires_at=expires_at,
        scopes=None if old.scopes is None else [str(each) for each in _list(old.scopes)],
        networks=None if old.networks is None else [str(each) for each in _list(old.networks)],
        replaces_id=old.id,
    )
    end = work.now() + overlap
    if end < old.expires_at:
        old.expires_at = old.idle_expires_at = end
    work.record(ApiKeyRotated(entity=old))
    return issued


async def _end(work: Work, user_id: UUID, key_id: UUID) -> None:
    row = await _live(work, user_id, key_id)
    row.revoked_at, row.revoked_reason = work.now(), "revoked"
    work.record(ApiKeyRevoked(entity=row))


async def _live(work: Work, user_id: UUID, key_id: UUID, *, lock: bool = True) -> Session:
    row = await queries.find_session(work, session_id=key_id, lock=lock)
    good = row is not None and row.kind is SessionKind.API_KEY and row.user_id == user_id
    if row is None or not good or row.revoked_at is not None or row.expires_at <= work.now():
        raise ApiKeyNotFound
    return row


async def _page(work: Work, params: queries.SessionList, user_id: UUID) -> Page[ApiKeyOut]:
    asked = queries.SessionsOf(**params.given(), user_id=user_id, alive_at=work.now())
    rows, meta = await queries.API_KEYS.rows_and_meta(work, asked)
    return Page[ApiKeyOut](data=[ApiKeyOut(**row) for row in rows], meta=Meta.model_validate(meta))


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value
