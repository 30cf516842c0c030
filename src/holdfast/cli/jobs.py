"""`holdfast jobs`: what runs in the background."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer

from holdfast.cli.terminal import installation, say, show, tenant_of
from holdfast.core.jobs.public import JobList, browse_jobs, cancel_job, read_job, retry_job
from holdfast.kernel.permissions import SYSTEM

app = typer.Typer(no_args_is_help=True)
Organization = Annotated[str, typer.Option(help="Handle of the organisation; system for the installation's own.")]
JobId = Annotated[UUID, typer.Argument(help="Id of the job.")]


@app.callback()
def _group() -> None:
    """See, retry and cancel jobs."""


@app.command("list")
def list_jobs(
    *,
    organization: Organization,
    state: Annotated[str | None, typer.Option(help="ready, running, done, failed or cancelled.")] = None,
    name: Annotated[str | None, typer.Option(help="As jobs.job.sweep.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List an organisation's jobs, newest first.

    Example: holdfast jobs list --organization techstart --state failed
    """
    given = {key: value for key, value in {"state": state, "name": name}.items() if value is not None}
    found = asyncio.run(_list(organization, JobList.model_validate({**given, "page_size": limit})))
    if json:
        for job in found:
            say(orjson.dumps(job).decode())
        return
    columns = ("id", "name", "state", "progress", "attempts", "created_at", "run_at", "finished_at", "asked_by")
    told = [{**job, "progress": progress_of(job["progress_done"], job["progress_total"])} for job in found]
    show(columns, [[str("" if job[each] is None else job[each]) for each in columns] for job in told])


def progress_of(done: int | None, total: int | None) -> str:
    """Return how far a job is, as `200/1000`; nothing where it did not say."""
    return "" if done is None else f"{done}/{'?' if total is None else total}"


@app.command("show")
def show_job(job_id: JobId, *, organization: Organization) -> None:
    """Show a job as JSON, with what went wrong in its attempts.

    Example: holdfast jobs show 01a1fe15-de54-7517-b10c-815247d30b3c --organization techstart
    """
    say(asyncio.run(_act(read_job, organization, job_id, write=False)))


@app.command()
def retry(job_id: JobId, *, organization: Organization) -> None:
    """Have a failed job tried again, with the rights that whoever asked for it has then.

    Example: holdfast jobs retry 01a1fe15-de54-7517-b10c-815247d30b3c --organization techstart
    """
    say(asyncio.run(_act(retry_job, organization, job_id, write=True)))


@app.command()
def cancel(job_id: JobId, *, organization: Organization) -> None:
    """Cancel a job that waits, or ask one that runs to stop.

    Example: holdfast jobs cancel 01a1fe15-de54-7517-b10c-815247d30b3c --organization techstart
    """
    say(asyncio.run(_act(cancel_job, organization, job_id, write=True)))


async def _list(organization: str, params: JobList) -> list[dict[str, Any]]:
    async with installation() as home:
        tenant_id = await tenant_of(home, organization)
        async with home.works.begin(tenant_id, SYSTEM, write=False) as work:
            return (await browse_jobs(work, params))[0]


async def _act(act: Any, organization: str, job_id: UUID, *, write: bool) -> str:
    async with installation() as home:
        tenant_id = await tenant_of(home, organization)
        async with home.works.begin(tenant_id, SYSTEM, write=write) as work:
            told: str = (await act(work, job_id=job_id)).model_dump_json(indent=2)
    return told
