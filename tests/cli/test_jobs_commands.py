"""`holdfast jobs` and `holdfast worker`, on an embedded database."""

import asyncio
import json
import signal
import subprocess
import time
from pathlib import Path
from uuid import uuid4

import pytest
from command_line import COMMAND, Run, bare_environment, refused
from sqlalchemy import select

from holdfast.core.identity.public import ensure_system
from holdfast.core.jobs.facts import JobRetried
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.jobs.tables import JobRow, JobState
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import open_installation
from holdfast.migrations import run as migrations
from support import make_org

pytestmark = pytest.mark.service


async def prepared(home: Path, state: str = "ready") -> tuple[str, str]:
    """Make an organisation with a job that waits, or has failed, and return its handle and the job's id."""
    settings = Settings(holdfast_home=home, environment="test", _env_file=None)
    await migrations.upgrade(settings)
    opened = open_installation(settings)
    await ensure_system(opened.works)
    org = await make_org(opened)
    async with opened.works.begin(org.id, SYSTEM) as work:
        made = await work.enqueue(JOBS["jobs.job.sweep"])
        row = (await work.session.scalars(select(JobRow).where(JobRow.id == made))).one()
        row.state, row.failures = JobState(state), 5
    await opened.close()
    return org.slug, str(made)


def test_jobs_are_listed_shown_retried_and_cancelled(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    slug, made = asyncio.run(prepared(home))
    named = ("--organization", slug)
    listed = run("jobs", "list", *named)
    assert made in listed.stdout, listed.stderr
    assert "jobs.job.sweep" in listed.stdout
    assert "running" not in run("jobs", "list", *named, "--state", "running").stdout
    assert json.loads(run("jobs", "list", *named, "--json").stdout)["state"] == "ready"
    assert json.loads(run("jobs", "show", made, *named).stdout)["troubles"] == []
    assert refused(run("jobs", "retry", made, *named)) == "The job is ready."
    assert json.loads(run("jobs", "cancel", made, *named).stdout)["state"] == "cancelled"
    assert "cancelled" in refused(run("jobs", "cancel", made, *named))
    assert "no organisation 'nobody'" in refused(run("jobs", "list", "--organization", "nobody"))


def test_what_has_failed_is_tried_again_by_command_and_the_trail_says_so(here, tmp_path: Path) -> None:
    slug, made = asyncio.run(prepared(tmp_path / "home", "failed"))
    named = ("--organization", slug)
    assert "failed" in here("jobs", "list", *named).stdout
    done = here("jobs", "retry", made, *named)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "ready"
    assert [json.loads(here("jobs", "show", made, *named).stdout)[each] for each in ("state", "finished_at")] == [
        "ready",
        None,
    ]
    trail = here("audit", "entries", "--organization", slug, "--action", JobRetried.action)
    assert made in trail.stdout, trail.stderr
    assert "not found" in refused(here("jobs", "retry", str(uuid4()), *named)).lower()
    assert "state" in refused(here("jobs", "list", *named, "--state", "asleep"))


def test_a_worker_waits_while_nothing_may_be_changed(run: Run, tmp_path: Path) -> None:
    slug, made = asyncio.run(prepared(tmp_path / "home"))
    environment = bare_environment(tmp_path / "home", ENVIRONMENT="test", JOBS_POLL_SECONDS="0.05", READ_ONLY="true")
    with subprocess.Popen([*COMMAND, "worker"], env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        while "runs no jobs, for READ_ONLY is on" not in (line := worker.stdout.readline()):
            assert line, "it ended"
        time.sleep(0.5)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=20) == 0
    assert json.loads(run("jobs", "show", made, "--organization", slug).stdout)["state"] == "ready"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_runs_what_waits_and_ends_well(run: Run, tmp_path: Path, how: signal.Signals) -> None:
    home = tmp_path / "home"
    slug, made = asyncio.run(prepared(home))
    environment = bare_environment(home, ENVIRONMENT="test", JOBS_POLL_SECONDS="0.1")
    with (tmp_path / "log").open("wb") as out:
        worker = subprocess.Popen([*COMMAND, "worker", "--concurrency", "2"], env=environment, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 40
        state = ""
        while state != "done" and time.monotonic() < end:
            time.sleep(0.2)
            state = json.loads(run("jobs", "show", made, "--organization", slug).stdout)["state"]
        log = (tmp_path / "log").read_text()
        assert state == "done", log[-3000:]
        worker.send_signal(how)
        assert worker.wait(timeout=20) == 0
        log = (tmp_path / "log").read_text()
        assert "Holdfast runs jobs, 2 at once" in log
        assert "Traceback" not in log, log[-3000:]
    finally:
        worker.kill()
        worker.wait()


def test_a_worker_refuses_what_the_server_refuses(run: Run) -> None:
    assert "SECRET_KEY" in refused(run("worker", ENVIRONMENT="production"))
