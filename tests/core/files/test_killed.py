"""A process that is killed while it writes leaves no object, only an unfinished file that is removed later."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from holdfast.kernel.clock import system_clock
from holdfast.kernel.ids import new_id
from holdfast.kernel.storage import key_of
from holdfast.kernel.storage.local import LocalStorage

pytestmark = pytest.mark.crash
WRITER = """
import asyncio, sys
from pathlib import Path
from holdfast.kernel.storage.local import LocalStorage

async def blocks():
    while True:
        yield b"x" * 100_000
        await asyncio.sleep(0.005)

asyncio.run(LocalStorage(Path(sys.argv[1])).put(sys.argv[2], blocks()))
"""


def test_a_killed_writer_leaves_no_object(tmp_path):
    storage, key = LocalStorage(tmp_path), key_of(new_id(), new_id())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), key], env=environment)
    try:
        ends = time.monotonic() + 30
        while not any(each.stat().st_size > 300_000 for each in (tmp_path / "incoming").glob("*")):
            assert time.monotonic() < ends
            time.sleep(0.01)
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()

    async def look() -> None:
        assert await storage.size(key) is None
        assert [each async for each in storage.find(key.partition("/")[0] + "/")] == []
        await storage.tidy(system_clock() - timedelta(hours=1))
        assert len(list((tmp_path / "incoming").iterdir())) == 1
        await storage.tidy(system_clock() + timedelta(seconds=1))
        assert list((tmp_path / "incoming").iterdir()) == []

    asyncio.run(look())
