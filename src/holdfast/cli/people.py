"""`holdfast people`: people of an organisation."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.terminal import installation, say, show, tenant_of
from holdfast.core.directory.public import ImportPlan, ImportReport, import_people_file, plan_of
from holdfast.kernel.errors import Invalid

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Bring people in."""


@app.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX; the first line names the columns.")],
    *,
    organization: Annotated[str, typer.Option(help="Handle of the organisation.")],
    mode: Annotated[str, typer.Option(help="insert, upsert (add or change) or update (only change).")] = "insert",
    key: Annotated[str, typer.Option(help="By what people who are there are found: number or email.")] = "number",
    charset: Annotated[str | None, typer.Option(help="utf-8, utf-16 or windows-1252, where not UTF-8.")] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="COLUMN=HEADING", help="What a column is called in the file; ignore=HEADING."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen.")] = False,
) -> int:
    """Import people from a CSV or XLSX file: all of them or, where anything is wrong, none.

    Example: holdfast people import staff.csv --organization techstart --dry-run
    """
    try:
        plan = plan_of(mode=mode, key=key, charset=charset, mapping=mapping or [])
        report = asyncio.run(_import(file.name, file.read_bytes(), organization, plan, dry_run=dry_run))
    except Invalid as refused:
        show(("WHERE", "WHAT", "WHY"), [(each.location, each.code, each.message) for each in refused.errors])
        raise
    if report.errors:
        show(("LINE", "COLUMN", "WHY"), [(str(each.line), each.column or "", each.message) for each in report.errors])
    be = "would be " if dry_run else ""
    did = f"{report.created} {be}created, {report.updated} {be}updated, {report.unchanged} unchanged"
    say(f"{report.rows} rows, {report.error_count} faults; {did}")
    return 1 if report.error_count else 0


async def _import(name: str, content: bytes, organization: str, plan: ImportPlan, *, dry_run: bool) -> ImportReport:
    async with installation() as home:
        tenant_id = await tenant_of(home, organization)
        return await import_people_file(
            home.works, tenant_id=tenant_id, content=content, file_name=name, plan=plan, dry_run=dry_run
        )
