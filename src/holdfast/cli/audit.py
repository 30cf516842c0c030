"""`holdfast audit`: the trail."""

import asyncio
from typing import Annotated, Any

import orjson
import typer

from holdfast.cli.terminal import installation, say, show, tenant_of
from holdfast.core.audit.public import EntryList, list_entries
from holdfast.kernel.permissions import SYSTEM

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Read the trail."""


@app.command()
def entries(
    *,
    organization: Annotated[str, typer.Option(help="Handle of the organisation.")],
    action: Annotated[str | None, typer.Option(help="As directory.company.updated.")] = None,
    outcome: Annotated[str | None, typer.Option(help="success, refused or failed.")] = None,
    entity_type: Annotated[str | None, typer.Option(help="As company.")] = None,
    entity_id: Annotated[str | None, typer.Option(help="Id of the record.")] = None,
    actor_id: Annotated[str | None, typer.Option(help="Id of the user who acted.")] = None,
    recorded_from: Annotated[str | None, typer.Option(help="As 2026-11-01T00:00:00Z.")] = None,
    q: Annotated[str | None, typer.Option(help="Text in action, kind of record or request id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List entries of an organisation's trail, newest first.

    Example: holdfast audit entries --organization techstart --action directory.company.updated
    """
    filters = {
        "action": action,
        "outcome": outcome,
        "entity_type": entity_type,
        "entity_id": entity_id,
        "actor_id": actor_id,
        "recorded_from": recorded_from,
        "q": q,
    }
    given = {name: value for name, value in filters.items() if value is not None}
    found = asyncio.run(_entries(organization, EntryList.model_validate({**given, "page_size": limit})))
    if json:
        for entry in found:
            say(orjson.dumps(entry).decode())
        return
    columns = ("recorded_at", "action", "outcome", "entity_type", "entity_id", "actor_id", "request_id")
    show(columns, [[str(entry[name] or "") for name in columns] for entry in found])


async def _entries(organization: str, wanted: EntryList) -> list[dict[str, Any]]:
    async with installation() as home:
        tenant_id = await tenant_of(home, organization, gone=True)
        async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
            page: dict[str, list[dict[str, Any]]] = orjson.loads(await list_entries(work, wanted))
    return page["data"]
