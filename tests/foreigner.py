"""Running a script in a process in which the foreign app of the tests is installed, so that its table is in no other's
metadata.
"""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDERS = (HERE / "foreign", HERE, HERE / "core" / "identity", HERE / "contract")
HEAD = "import asyncio, sys\nsys.path[:0] = sys.argv[2:]\nDIALECT = sys.argv[1]\n"
TAIL = '\nasyncio.run(main())\nprint("fine")\n'


def run_with_lending(script: str, dialect: str, *, seconds: float = 100, **environment: str) -> str:
    """Run a script that defines `main` with the foreign app installed; fail with what it wrote, else return that."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", HEAD + script + TAIL, dialect, *map(str, FOLDERS)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith("fine\n")
    return done.stdout
