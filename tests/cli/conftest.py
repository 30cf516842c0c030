"""The command in a process of its own, on a home of its own."""

import logging
import os
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import Run, bare_environment, on_postgresql

from holdfast.cli import main
from loaded_command import Loaded, loaded
from support import database_name, need


@pytest.fixture(scope="session")
def loaded_command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """The command in a process that has loaded it."""
    folder = tmp_path_factory.mktemp("command")
    with loaded(folder, bare_environment(folder)) as made:
        yield made


@pytest.fixture
def run(tmp_path: Path, loaded_command: Loaded) -> Run:
    """Return what runs `holdfast …` in an empty folder, in a process of its own."""

    def call(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory(prefix="holdfast-test-") as folder:
            streams = [Path(folder, name) for name in ("in", "out", "err")]
            for stream, text in zip(streams, (stdin, "", ""), strict=True):
                stream.write_text(text)
            code = loaded_command.call(arguments, tmp_path, bare_environment(tmp_path / "home", **variables), streams)
            return subprocess.CompletedProcess(arguments, code, *(each.read_text() for each in streams[1:]))

    return call


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run: Run
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Return what runs `holdfast …` in this process, for what ends before it serves; quicker than `run`."""
    before, root = dict(os.environ), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        if arguments[:1] == ("serve",):  # it prepares in a copy of its process, which this one has too much for
            return run(*arguments, **variables)
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


@pytest.fixture
def database() -> Iterator[tuple[str, str]]:
    """Yield an empty database and a role that owns nothing."""
    need("PostgreSQL", 5432)
    name, role = database_name(), f"holdfast_test_{uuid.uuid4().hex[:8]}"
    on_postgresql(f"CREATE DATABASE {name}", f"CREATE ROLE {role} LOGIN")
    yield name, role
    on_postgresql(f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {role}")
