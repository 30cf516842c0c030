"""`holdfast create-admin`: somebody who can sign in."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from holdfast.cli.terminal import installation, say
from holdfast.core.identity import public as identity
from holdfast.kernel.errors import ConfigurationError

_NAMED = {"slug": "--organization", "organization": "--organization-name", "email": "EMAIL", "name": "--name"}
_MEANT = {
    "slug": "is no handle: 1 to 63 of a-z, 0-9 and, inside, the hyphen",
    "email": "is no address such as ada@example.org",
}


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
    named = organization_name is not None
    given = {"slug": organization, "organization": organization_name if named else "-", "email": email}
    admin = _checked({**given, "name": email if name is None else name, "password": password})
    asyncio.run(_create(admin, named=named))
    say(f"{admin.email} can sign in to {admin.slug} as Admin")


def _checked(given: Mapping[str, str | None]) -> identity.Administrator:
    """Return what was given, as the API takes it; raise ConfigurationError naming the options that it does not take."""
    try:
        return identity.Administrator.model_validate(given)
    except ValidationError as error:
        faults = {str(fault["loc"][0]): _said(fault) for fault in error.errors()}
        lines = [f"{_NAMED.get(name, f'The {name}')} {_MEANT.get(name, said)}" for name, said in faults.items()]
        raise ConfigurationError("; ".join(lines) + ".") from None


def _said(fault: ErrorDetails) -> str:
    if fault["type"].endswith("too_short"):
        return "is empty"
    if fault["type"].endswith("too_long"):
        return f"has more than {fault['ctx']['max_length']} characters"
    return "is not one line of text"


async def _create(admin: identity.Administrator, *, named: bool) -> None:
    async with installation() as home:
        await identity.ensure_system(home.works)
        if not named and await identity.find_tenant_id(home.works, slug=admin.slug) is None:
            raise ConfigurationError(f"There is no organisation {admin.slug!r}; --organization-name makes it.")
        await identity.create_admin(
            home.works,
            organization=admin.slug,
            organization_name=admin.organization if named else None,
            name=admin.name,
            email=admin.email,
            password=admin.password.get_secret_value(),
        )
