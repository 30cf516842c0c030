"""An operator for a test: a user of the operators' organisation with a fresh session."""

from uuid import UUID, uuid4

from callers import Caller
from holdfast.core.identity.facts import SignedIn
from holdfast.core.identity.models import SessionKind
from holdfast.core.identity.public import add_user, open_session
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.main import Installation

PLATFORM = "/api/v1/platform"
REASON = "Ticket 4711: nobody gets in"


async def add_operator(home: Installation, *roles: str, second_factor: bool = True) -> Caller:
    """Add an operator with these roles, Admin for none."""
    email = f"o{uuid4().hex[:10]}@system.test"
    async with home.works.begin(SYSTEM_TENANT, SYSTEM) as work:
        user = await add_user(work, email=email, name="Olga", password_hash=None, roles=roles or ("Admin",))
        await work.flush()
        opened = open_session(work, home.desk, user=user, kind=SessionKind.TOKEN, second_factor=second_factor)
        work.record(SignedIn(entity=opened.session))
    return Caller(user.id, email, opened.access_token, opened.refresh_token, opened.session.id)


async def entries(home: Installation, tenant_id: UUID) -> list[dict]:
    """Return action, actor and outcome of an organisation's entries, oldest first."""
    from_trail = "SELECT action, actor_type, actor_id, on_behalf_of, outcome FROM audit_entry WHERE tenant_id = {}"
    async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
        marks = {"postgresql": "$1", "mysql": "%s", "sqlite": "?"}[work.link.dialect]
        value = tenant_id if work.link.dialect == "postgresql" else tenant_id.hex
        rows = await work.link.fetch(from_trail.format(marks) + " ORDER BY id", [value])
    names = ("action", "actor_type", "actor_id", "on_behalf_of", "outcome")
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows]


def _plain(value: object) -> object:
    if isinstance(value, str) and len(value) == 32:
        return str(UUID(value))
    return str(value) if isinstance(value, UUID) else value
