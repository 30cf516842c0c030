"""`holdfast create-admin`: somebody who can sign in."""

import asyncio
import re
import sys
from typing import Annotated

import typer

from holdfast.cli.terminal import installation, say
from holdfast.core.identity import public as identity
from holdfast.kernel.errors import ConfigurationError

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
    asyncio.run(_create(email, name or email, password, organization, organization_name))
    say(f"{email} can sign in to {organization} as Admin")


async def _create(email: str, name: str, password: str, slug: str, organization_name: str | None) -> None:
    if not _EMAIL.fullmatch(email):
        raise ConfigurationError(f"{email!r} is not an e-mail address.")
    async with installation() as home:
        await identity.ensure_system(home.works)
        if organization_name is None and await identity.find_tenant_id(home.works, slug=slug) is None:
            raise ConfigurationError(f"There is no organisation {slug!r}; --organization-name makes it.")
        await identity.create_admin(
            home.works,
            organization=slug,
            organization_name=organization_name,
            name=name,
            email=email,
            password=password,
        )
