"""`/dev/mail`: what a demonstration sent, shown to whoever tries it out; nothing in a mail can do harm there."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from clients import application
from holdfast.core.notify.public import open_transport
from holdfast.core.notify.service.caught import NEWEST, list_caught
from holdfast.core.notify.service.transports.messages import Mail
from holdfast.kernel.clock import system_clock
from holdfast.main import Installation, open_installation

pytestmark = pytest.mark.endpoint
HARMFUL = (
    '<script>alert(1)</script><p style="color:red">Hello</p><a href="https://x.test/">x</a><form action="/"></form>'
)


@pytest.fixture
def folder(home: Installation, tmp_path: Path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
async def demo(home: Installation, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the installation as a demonstration."""
    settings = home.settings.model_copy(update={"demo": True, "holdfast_home": folder.parent})
    opened = open_installation(settings)
    try:
        transport = httpx.ASGITransport(app=application(opened))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as made:
            made.settings = settings
            yield made
    finally:
        await opened.close()


async def send(demo: httpx.AsyncClient, key: str, to: str, **more: str) -> None:
    told = {
        "subject": f"Subject <b>{key}</b>",
        "text": "Hello,\n\nopen https://holdfast.test/a?b=1&c=2#d now.\n",
        **more,
    }
    mail = Mail(key=key, sender="a@holdfast.test", sender_name="H", to=to, written_at=system_clock(), **told)
    await open_transport(demo.settings).send(mail)


async def test_mails_are_listed_found_and_shown(demo: httpx.AsyncClient, folder: Path) -> None:
    empty = await demo.get("/dev/mail")
    assert (empty.status_code, "No mail was sent yet" in empty.text) == (200, True)
    for key, to in (("k1", "ann@x.test"), ("k2", "Bo@y.test")):
        await send(demo, key, to, html=HARMFUL)
    page = await demo.get("/dev/mail")
    assert page.headers["cache-control"] == "no-store"
    assert page.text.index("Subject &lt;b&gt;k2") < page.text.index("Subject &lt;b&gt;k1"), "the newest first"
    found = (await demo.get("/dev/mail", params={"q": "bo@Y"})).text
    assert "Bo@y.test" in found
    assert "ann@x.test" not in found
    assert "No mail to such an address" in (await demo.get("/dev/mail", params={"q": "nobody"})).text

    [name] = [each.name for each in folder.iterdir() if "k1" in each.name]
    opened = await demo.get(f"/dev/mail/{name}")
    link = "https://holdfast.test/a?b=1&amp;c=2#d"
    assert f'<a href="{link}">{link}</a> now.' in opened.text
    assert f'src="/dev/mail/{name}/html"' in opened.text
    assert "<dt>Message-ID</dt>" in opened.text
    raw = await demo.get(f"/dev/mail/{name}/raw")
    assert raw.content == (folder / name).read_bytes()
    assert raw.headers["content-disposition"].startswith("attachment;")

    html = await demo.get(f"/dev/mail/{name}/html")
    assert HARMFUL in html.text
    policy = dict(part.strip().partition(" ")[::2] for part in html.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["form-action"] == "'none'"
    assert "script-src" not in policy
    assert "allow-scripts" not in policy["sandbox"]
    assert "allow-same-origin" not in policy["sandbox"]
    assert policy["frame-ancestors"] == "'self'"


async def test_what_is_no_mail_is_shown_as_such(demo: httpx.AsyncClient, folder: Path) -> None:
    folder.mkdir()
    for name, content in (
        ("1 <a>.eml", b"\0\xff"),
        ("2.eml", b""),
        ("3.eml", b"Subject: =?klingon?b?!!?=\r\nTo: a\r\n"),
    ):
        (folder / name).write_bytes(content)
    (folder / "4.eml").write_bytes(
        b"Subject: x\r\nTo: a@x.test\r\nContent-Type: text/plain; charset=klingon\r\n\r\n\xff"
    )
    (folder / "5.eml").symlink_to("/etc/passwd")
    (folder / "6.txt").write_text("Subject: x\nTo: a@x.test\n\n")
    page = await demo.get("/dev/mail")
    assert page.status_code == 200
    assert "Cannot be read: 1 &lt;a&gt;.eml" in page.text
    assert "5.eml" not in page.text
    assert "6.txt" not in page.text
    for name in ("1 <a>.eml", "2.eml", "4.eml"):
        shown = await demo.get(f"/dev/mail/{name}")
        assert (shown.status_code, "cannot be read" in shown.text) == (200, True), name
        assert (await demo.get(f"/dev/mail/{name}/html")).status_code == 404


async def test_a_name_is_no_path(demo: httpx.AsyncClient, folder: Path) -> None:
    folder.mkdir()
    (folder.parent / "secret.eml").write_text("Subject: x\nTo: a@x.test\n\nsecret")
    (folder / "in").mkdir()
    (folder / "in" / "deep.eml").write_text("Subject: x\nTo: a@x.test\n\nsecret")
    for name in ("..%2Fsecret.eml", "%2E%2E/secret.eml", "in%2Fdeep.eml", "in/deep.eml", "*.eml", "%00", "nothing.eml"):
        for part in ("", "/raw", "/html"):
            answer = await demo.get(f"/dev/mail/{name}{part}")
            assert (answer.status_code, "secret" in answer.text.replace("secret.eml", "")) == (404, False), (name, part)


async def test_without_a_demonstration_there_is_no_such_page(client: httpx.AsyncClient) -> None:
    for path in ("/dev/mail", "/dev/mail/a.eml", "/dev/mail/a.eml/raw"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.unit
def test_only_so_many_are_listed(tmp_path: Path) -> None:
    for number in range(NEWEST + 5):
        file = tmp_path / f"{number:04}.eml"
        file.write_bytes(f"Subject: {number}\r\nTo: a@x.test\r\n\r\n".encode())
        os.utime(file, ns=(number, number))
    listed = list_caught(tmp_path)
    assert (len(listed), listed[0].subject) == (NEWEST, str(NEWEST + 4))
    assert len(list_caught(tmp_path / "absent")) == 0
