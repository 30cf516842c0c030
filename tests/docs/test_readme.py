"""The README's calls run as they are written, against the served demo, and answer what the README shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from walking import ROOT, Walk, steps

from serving import Served, environment, free_port
from support import fresh_database

pytestmark = pytest.mark.endpoint

README = (ROOT / "README.md").read_text()


@pytest.fixture
async def demo():
    """Yield the demo as `make run` serves it, on a port of its own."""
    async with fresh_database("sqlite") as settings:
        port, log = free_port(), settings.holdfast_home / "demo.log"
        command = [sys.executable, "-c", "import sys; from holdfast.cli import main; sys.exit(main())"]
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*command, "serve", "--demo", "--port", str(port)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment(settings) | {"ENVIRONMENT": "development"},
                cwd=settings.holdfast_home,
                start_new_session=True,
            )
        served = Served(process, port, log)
        try:
            served.wait_until_ready()
            yield served
        finally:
            served.kill()


def test_it_shows_five_calls_and_both_commands():
    typed = [step.typed for step in steps(README)]
    assert sum(line.startswith("curl ") for line in typed) == 6  # the fourth is sent twice
    assert re.search(r"^make run .*\nmake test ", README, re.MULTILINE)


async def test_the_calls_answer_what_is_shown(demo: Served, tmp_path: Path):
    walk = Walk(tmp_path, dict(os.environ), demo.url)
    for each in steps(README):
        walk.go(each)
