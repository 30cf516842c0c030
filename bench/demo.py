"""The memory of the one process of `make run`: its first start, which reads the demo, and the next one."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
from PIL import Image

from bench.report import OUT
from bench.servers import free_port, ready

SETTLE_SECONDS = 30.0
SIGN_IN = {"email": "ceo@techstart.com", "password": "password123"}
PAGES = ("org/companies", "org/people", "audit/entries", "jobs", "files")


def memory(process: int) -> tuple[float, float]:
    """Return the resident memory of a process in MB, and its share of that, as PSS counts it."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return found["Rss"], found["Pss"]


async def use(base: str) -> None:
    """Sign in, read some lists, upload a picture, and wait for its thumbnail."""
    async with httpx.AsyncClient(base_url=f"{base}/api/v1", timeout=60) as client:
        signed_in = await client.post("/auth/login", json=SIGN_IN)
        client.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
        for page in PAGES * 4:
            (await client.get(f"/{page}")).raise_for_status()
        held = io.BytesIO()
        Image.effect_noise((1600, 1200), 90).save(held, "PNG")
        sent = await client.post("/files", params={"name": "a.png"}, content=held.getvalue())
        file = sent.raise_for_status().json()
        ends = time.monotonic() + 60
        while (await client.get(f"/files/{file['id']}/thumbnail")).status_code != 200:
            if time.monotonic() > ends:
                raise RuntimeError("the thumbnail was not made")
            await asyncio.sleep(0.2)


async def measure_demo(folder: Path) -> dict[str, float]:
    """Return the memory of each start, idle and after use, in MB, and the seconds until each was ready."""
    found: dict[str, float] = {}
    home = folder / "demo"
    clean = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    for start in ("first", "next"):
        port, log, begun = free_port(), OUT / f"demo_{start}.log", time.perf_counter()
        command = [sys.executable, "-c", "from holdfast.cli import main; main()", "serve", "--demo"]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, "--port", str(port)], stdout=out, stderr=out, env={**clean, "HOLDFAST_HOME": str(home)}
            )
        try:
            await ready(port, process, log)
            found[f"demo_{start}_seconds"] = time.perf_counter() - begun
            await asyncio.sleep(SETTLE_SECONDS)
            found[f"demo_{start}_idle"], found[f"demo_{start}_pss"] = memory(process.pid)
            await use(f"http://127.0.0.1:{port}")
            found[f"demo_{start}_used"], _ = memory(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    print(", ".join(f"{name} {figure:.1f}" for name, figure in found.items()), flush=True)
    return found
