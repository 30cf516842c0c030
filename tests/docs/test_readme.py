"""The README's calls run as they are written, against the served demo, and answer what the README shows."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving import Served, environment, free_port
from support import fresh_database

pytestmark = pytest.mark.endpoint

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8000"
MORE = "…"


@dataclass(frozen=True)
class Step:
    """A line that is typed, and what the README shows below it."""

    typed: str
    shown: str


def steps() -> list[Step]:
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            typed, _, shown = part.partition("\n")
            found.append(Step(typed, shown))
    return found


def read(answer: str) -> tuple[str | None, dict[str, str], object]:
    """Return status line, headers and JSON of what curl prints."""
    head, body = None, answer
    if answer.startswith("HTTP/"):
        head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
    status, *lines = head.split("\n") if head else [None]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return status, headers, json.loads(body)


def differences(shown: object, real: object, where: str = "") -> Iterator[str]:
    """Tell where the shown value has another shape; `…` stands for whatever else there is."""
    if isinstance(shown, dict) and isinstance(real, dict):
        missing = {name for name in shown if name != MORE and name not in real}
        untold = set() if MORE in shown else set(real) - set(shown)
        yield from (f"{where}.{name}" for name in sorted(missing | untold))
        for name in set(shown) & set(real):
            yield from differences(shown[name], real[name], f"{where}.{name}")
    elif isinstance(shown, list) and isinstance(real, list):
        told = [each for each in shown if each != MORE]
        if len(told) != len(real) and MORE not in shown:
            yield f"{where}: {len(told)} shown, {len(real)} are there"
        for at, (one, other) in enumerate(zip(told, real, strict=False)):
            yield from differences(one, other, f"{where}[{at}]")
    elif type(shown) is not type(real) or (
        isinstance(shown, str) and not re.search(r"\d{3}|…", shown) and shown != real
    ):
        yield f"{where}: {shown!r} is shown, {real!r} is there"


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
    typed = [step.typed for step in steps()]
    assert sum(line.startswith("curl ") for line in typed) == 6  # the fourth is sent twice
    assert re.search(r"^make run .*\nmake test ", README, re.MULTILINE)


async def test_the_calls_answer_what_is_shown(demo: Served):
    known: dict[str, str] = {}
    last: object = {}
    for step in steps():
        assignment = re.fullmatch(r"(\w+)=(\"[^\"]*\"|'[^']*'|\S+)(?:  # (\w+))?", step.typed)
        if assignment:
            name, value, taken_from = assignment.groups()
            value = value.strip("\"'").replace(ADDRESS, demo.url)
            if taken_from:
                value = re.sub(r"\S+$", str(last[taken_from]), value)
            known[name] = value
            continue
        done = subprocess.run(
            ["bash", "-c", step.typed], capture_output=True, text=True, env={**os.environ, **known}, check=True
        )
        status, headers, last = read(done.stdout)
        shown_status, shown_headers, shown = read(step.shown)
        assert status == shown_status, (step.typed, done.stdout)
        for name, value in shown_headers.items():
            assert re.sub(r"[0-9a-f-]{36}", MORE, headers[name]) == re.sub(r"[0-9a-f-]{36}", MORE, value)
        assert list(differences(shown, last)) == [], step.typed
