"""Take the pictures of the documentation: the demo in a folder of its own, page by page, into docs/images."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from holdfast.kernel.settings import Settings
from holdfast.kernel.settings.variables import env_names

sys.path.insert(0, str(Path(__file__).parents[1]))
from serving import COMMAND, Served, free_port

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST = 150_000
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@dataclass(frozen=True)
class Shot:
    """One picture: the file's name, the page, how it is looked at."""

    name: str
    page: str
    dark: bool = False
    narrow: bool = False


SHOTS = (
    Shot("sign-in", "sign-in"),
    Shot("start", "start"),
    Shot("companies", "companies"),
    Shot("company", "company"),
    Shot("tree", "tree"),
    Shot("person", "person"),
    Shot("trail", "trail"),
    Shot("entry", "entry"),
    Shot("companies-dark", "companies", dark=True),
    Shot("companies-narrow", "companies", narrow=True),
)


@contextmanager
def demo() -> Iterator[str]:
    """Serve the demo from a temporary folder and yield its address."""
    ours = {name for field in Settings.model_fields for name in env_names(field)}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    with tempfile.TemporaryDirectory(prefix="holdfast-screenshots-") as folder:
        port, log = free_port(), Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*COMMAND, "--demo", "--port", str(port)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**kept, "HOLDFAST_HOME": folder},
                cwd=folder,
                start_new_session=True,
            )
        served = Served(process, port, log)
        try:
            served.wait_until_ready()
            yield served.url
        finally:
            served.kill()


def act(url: str) -> dict[str, str]:
    """Do something worth showing, as the demo's administrator, and return the pages by name."""
    with httpx.Client(base_url=f"{url}/api/v1", timeout=30) as client:
        body = {"email": "ceo@fintech.com", "password": "password123"}
        client.headers["Authorization"] = f"Bearer {client.post('/auth/login', json=body).json()['access_token']}"
        company = client.get("/org/companies?sort=name&page_size=1").json()["data"][0]
        change = {"legal_name": f"{company['name']} Ltd", "registration_number": "04187262"}
        client.patch(f"/org/companies/{company['id']}", json=change).raise_for_status()
        person = client.get("/org/people?sort=number&page_size=2").json()["data"][1]
        history = client.get(f"/audit/entities/company/{company['id']}/history").json()["data"]
    return {
        "sign-in": "/console/sign-in",
        "start": "/console",
        "companies": "/console/companies",
        "company": f"/console/companies/{company['id']}",
        "tree": "/console/tree",
        "person": f"/console/people/{person['id']}",
        "trail": "/console/audit",
        "entry": f"/console/audit/{history[0]['id']}",
    }


def take(url: str, pages: dict[str, str]) -> None:
    """Photograph each page."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("Chromium is not installed.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=url)
        sign_in(context.new_page())
        state = context.storage_state()
        for shot in SHOTS:
            context = browser.new_context(
                base_url=url,
                viewport=NARROW if shot.narrow else WIDE,
                color_scheme="dark" if shot.dark else "light",
                storage_state=None if shot.page == "sign-in" else state,
            )
            page = context.new_page()
            page.goto(pages[shot.page], wait_until="networkidle")
            page.evaluate("document.fonts.ready")
            path = IMAGES / f"{shot.name}.png"
            page.screenshot(path=path, animations="disabled")
            context.close()
            size = path.stat().st_size
            if size > LARGEST:
                raise SystemExit(f"{path.name} has {size} bytes, more than {LARGEST}.")
            sys.stdout.write(f"{path.name}: {size // 1000} kB\n")
        browser.close()


def sign_in(page: Page) -> None:
    """Sign in as the administrator whose organisation is shown."""
    page.goto("/console/sign-in")
    page.get_by_label("E-mail or user name").fill("ceo@fintech.com")
    page.get_by_label("Password").fill("password123")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")


if __name__ == "__main__":
    with demo() as address:
        take(address, act(address))
