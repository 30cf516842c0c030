"""How tests call the command."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg

from holdfast.kernel.settings import Settings
from holdfast.kernel.settings.variables import env_names
from support import POSTGRES

Run = Callable[..., subprocess.CompletedProcess[str]]
COMMAND = (sys.executable, "-c", "import sys; from holdfast.cli import main; sys.exit(main())")


def bare_environment(home: Path, **variables: str) -> dict[str, str]:
    """Return this process's environment without any setting of ours but the given ones."""
    ours = {name for field in Settings.model_fields for name in env_names(field)}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return {**kept, "HOLDFAST_HOME": str(home), "COLUMNS": "200", **variables}


def refused(result: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """Return the one line with which a command was refused."""
    assert result.returncode == code, result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("holdfast: ")
    return lines[0].removeprefix("holdfast: ")


def on_postgresql(*statements: str) -> list[asyncpg.Record]:
    """Run statements as the server's administrator and return what the last one gives."""

    async def ask():
        connection = await asyncpg.connect(f"{POSTGRES}/postgres")
        try:
            return [await connection.fetch(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(ask())
