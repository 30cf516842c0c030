"""The command in a process of its own, on a home of its own."""

import logging
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from command_line import COMMAND, Run, bare_environment, on_postgresql

from holdfast.cli import main
from support import database_name, need


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what runs `holdfast …` in an empty folder."""

    def call(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env=bare_environment(tmp_path / "home", **variables),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Return what runs `holdfast …` in this process, for what ends before it serves; quicker than `run`."""
    before, root = dict(os.environ), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        wanted = bare_environment(tmp_path / "home", **variables)
        os.environ.clear()
        os.environ.update(wanted)
        code = main(arguments)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    yield call
    os.environ.clear()
    os.environ.update(before)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def database() -> Iterator[tuple[str, str]]:
    """Yield an empty database and a role that owns nothing."""
    need("PostgreSQL", 5432)
    name, role = database_name(), f"holdfast_test_{uuid.uuid4().hex[:8]}"
    on_postgresql(f"CREATE DATABASE {name}", f"CREATE ROLE {role} LOGIN")
    yield name, role
    on_postgresql(f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {role}")
