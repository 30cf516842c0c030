"""`holdfast create-admin`: somebody who can sign in."""

import asyncio
import re
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from holdfast.cli.terminal import installation, say
from holdfast.core.identity.public import add_user, can_be_password, ensure_system, find_tenant, found_tenant
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.ids import new_id
from holdfast.kernel.permissions import SYSTEM, enforce
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.main import Installation

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")


def create_admin(
    email: Annotated[str, typer.Argument(help="Address to sign in with.")],
    *,
    organization: Annotated[str, typer.Option(help="Handle of the organisation, made where there is none.")],
    organization_name: Annotated[str | None, typer.Option(help="Its name, where it is made.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the person; the address where not given.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input, not from the terminal.")
    ] = False,
) -> None:
    """Add an administrator to an organisation; in the organisation system it is an operator.

    Example: holdfast create-admin ada@example.org --organization example --organization-name "Example Ltd"
    """
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    admin = _Admin(email, name or email, organization, organization_name)
    role = asyncio.run(_create(admin, password))
    say(f"{email} can sign in to {organization} as {role}")


@dataclass(frozen=True, slots=True)
class _Admin:
    email: str
    name: str
    organization: str
    organization_name: str | None


async def _create(admin: _Admin, password: str) -> str:
    """Add the administrator and return the role."""
    if not _EMAIL.fullmatch(admin.email):
        raise ConfigurationError(f"{admin.email!r} is not an e-mail address.")
    async with installation() as home:
        await ensure_system(home.works)
        words = (*admin.email.split("@"), admin.name, admin.organization, admin.organization_name or "")
        enforce(can_be_password(password, minimum=home.settings.password_min_length, context=words))
        hashed = await home.desk.passwords.hash(password)  # before the transaction: it takes its time
        return await _add(home, admin, hashed)


async def _add(home: Installation, admin: _Admin, hashed: str) -> str:
    async with home.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        tenant = await find_tenant(work, slug=admin.organization)
    if tenant is None and admin.organization_name is None:
        raise ConfigurationError(f"There is no organisation {admin.organization!r}; --organization-name makes it.")
    tenant_id = new_id() if tenant is None else tenant.id
    role = "Operator" if tenant_id == SYSTEM_TENANT else "Admin"
    async with home.works.begin(tenant_id, SYSTEM) as work:
        if tenant is None and admin.organization_name is not None:
            await found_tenant(work, slug=admin.organization, name=admin.organization_name)
        await add_user(work, email=admin.email, name=admin.name, password_hash=hashed, roles=[role])
    return role
