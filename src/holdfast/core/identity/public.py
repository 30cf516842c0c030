"""What other slices may ask of identity."""

from holdfast.core.identity.guards import ROLES, can_be_password, table_of_roles
from holdfast.core.identity.queries import find_tenant
from holdfast.core.identity.schemas import GONE, Administrator, Audience, UsersImportReport
from holdfast.core.identity.service.administrators import keep_administrators
from holdfast.core.identity.service.applications import switched_off
from holdfast.core.identity.service.credentials import Profile, SessionAuthenticator
from holdfast.core.identity.service.desk import SLOT, Desk, SessionCookie, desk_of
from holdfast.core.identity.service.labels import labels_of, people_called, surroundings
from holdfast.core.identity.service.mfa import reset_mfa
from holdfast.core.identity.service.opening import open_session
from holdfast.core.identity.service.passwords import Passwords
from holdfast.core.identity.service.presence import note_presence
from holdfast.core.identity.service.purging import ListedOrganization, Purged, list_all_organizations, purge_due
from holdfast.core.identity.service.recipients import (
    Recipient,
    list_open_organizations,
    next_in_audience,
    recipients_of,
)
from holdfast.core.identity.service.setup import (
    complete_setup,
    create_admin,
    find_tenant_id,
    issue_setup_link,
    needs_setup,
)
from holdfast.core.identity.service.tenant_keys import ListedKey, Rotated, list_keys, rotate_keys
from holdfast.core.identity.service.tenants import ensure_system, found_tenant
from holdfast.core.identity.service.tokens import AccessTokens
from holdfast.core.identity.service.unlocking import reset_second_factor, unlock_user
from holdfast.core.identity.service.users import add_user
from holdfast.core.identity.service.users_import import import_users_file

__all__ = [
    "GONE",
    "ROLES",
    "SLOT",
    "AccessTokens",
    "Administrator",
    "Audience",
    "Desk",
    "ListedKey",
    "ListedOrganization",
    "Passwords",
    "Profile",
    "Purged",
    "Recipient",
    "Rotated",
    "SessionAuthenticator",
    "SessionCookie",
    "UsersImportReport",
    "add_user",
    "can_be_password",
    "complete_setup",
    "create_admin",
    "desk_of",
    "ensure_system",
    "find_tenant",
    "find_tenant_id",
    "found_tenant",
    "import_users_file",
    "issue_setup_link",
    "keep_administrators",
    "labels_of",
    "list_all_organizations",
    "list_keys",
    "list_open_organizations",
    "needs_setup",
    "next_in_audience",
    "note_presence",
    "open_session",
    "people_called",
    "purge_due",
    "recipients_of",
    "reset_mfa",
    "reset_second_factor",
    "rotate_keys",
    "surroundings",
    "switched_off",
    "table_of_roles",
    "unlock_user",
]
