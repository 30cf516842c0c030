"""The pages of files, as a person without scripts meets them."""

import html
import re

import pytest
from uploads import PDF, PNG, URL, kept, made, send

pytestmark = pytest.mark.endpoint
PAGES = "/console/files"


async def open_page(client, org, path="", role="admin", status=200) -> str:
    answer = await client.get(f"{PAGES}{path}", headers={**org.members[role].bearer, "Accept": "text/html"})
    assert answer.status_code == status, answer.text
    return re.sub(r"\s+", " ", html.unescape(answer.text.partition("<main")[2]))


async def post(client, org, path="", role="admin", **how):
    headers = {**org.members[role].bearer, "Accept": "text/html", "Origin": "http://127.0.0.1:8000"}
    return await client.post(f"{PAGES}{path}", headers=headers, **how)


async def test_a_file_is_uploaded_shown_renamed_replaced_deleted_and_restored(client, org):
    assert "No files yet" in await open_page(client, org)
    done = await post(client, org, files={"file": ("report.pdf", PDF)})
    assert done.status_code == 303, done.text
    path = done.headers["location"].removeprefix(PAGES)
    page = await open_page(client, org, path)
    for said in ("report.pdf", "application/pdf", "Version 1", "Not scanned", "Download", "Open"):
        assert said in page
    assert "report.pdf" in await open_page(client, org)
    assert (await post(client, org, path, data={"version": 1, "name": "final.pdf"})).status_code == 303
    stale = await post(client, org, path, data={"version": 1, "name": "late.pdf"})
    assert stale.status_code == 412
    assert "Somebody changed this file" in stale.text
    wrong = await post(client, org, path, data={"version": 2, "name": "a/b"})
    assert wrong.status_code == 422
    assert "must be a name, not a path" in wrong.text
    assert (await post(client, org, f"{path}/versions", files={"file": ("two.pdf", PDF + b"2")})).status_code == 303
    page = await open_page(client, org, path)
    assert "two.pdf" in page
    assert "Make present" in page
    assert (await post(client, org, path, data={"version": 3, "number": 1})).status_code == 303
    assert "Delete report.pdf?" in await open_page(client, org, f"{path}/delete")
    assert (await post(client, org, f"{path}/delete", data={"version": 4})).status_code == 303
    assert "No files yet" in await open_page(client, org)
    assert "report.pdf" in await open_page(client, org, "?deleted=true")
    assert "This file is deleted" in await open_page(client, org, path)
    assert (await post(client, org, f"{path}/restore")).status_code == 303
    assert "report.pdf" in await open_page(client, org)


async def test_who_may_not_is_offered_nothing_and_refused(client, org, other):
    file = await made(client, org, PNG, "a.png")
    page = await open_page(client, org, f"/{file['id']}", role="viewer")
    for said in ("Rename", "Delete", "new version", "What happened"):
        assert said not in page
    assert "Upload a file" not in await open_page(client, org, role="viewer")
    assert (await post(client, org, role="viewer", files={"file": ("a.txt", b"x")})).status_code == 403
    assert (await post(client, org, f"/{file['id']}/delete", role="user", data={"version": 1})).status_code == 403
    await open_page(client, other, f"/{file['id']}", status=404)
    assert (await post(client, other, f"/{file['id']}/versions", files={"file": ("a.txt", b"x")})).status_code == 404
    assert kept(other) == {}


@pytest.mark.parametrize(
    "files", [{"file": ("", b"")}, {"other": ("a.txt", b"x")}, {"file": ("a.pdf", PNG)}, {"file": ("..", b"x")}]
)
async def test_a_form_that_cannot_be_taken_leaves_nothing(client, org, files):
    answer = await post(client, org, files=files)
    assert answer.status_code in (400, 422), answer.text
    assert "<main" in answer.text
    assert kept(org) == {}


async def cookie(client, org, home) -> dict[str, str]:
    """Sign in as a browser does and return the headers of our own pages, the token of forms among them."""
    from callers import add_caller
    from support import PASSWORD

    user = await add_caller(org, "Admin", password=PASSWORD)
    body = {"email": user.email, "password": PASSWORD, "organization": org.slug, "session": "cookie"}
    answer = await client.post("/api/v1/auth/login", json=body)
    assert answer.status_code == 200, answer.text
    return {"Origin": "http://127.0.0.1:8000", "X-CSRF-Token": answer.json()["csrf_token"]}


async def test_an_upload_by_cookie_needs_the_token_in_its_header(client, org, home):
    ours = await cookie(client, org, home)
    raw = {"params": {"name": "a.txt"}, "content": b"x"}
    form = {"files": {"file": ("a.txt", b"x")}, "data": {"csrf_token": ours["X-CSRF-Token"]}}
    elsewhere = {**ours, "Origin": "https://evil.example"}
    for how in (raw, form):
        for headers in ({}, {"Origin": ours["Origin"]}, elsewhere, {**ours, "X-CSRF-Token": "x"}):
            refused = await client.post(URL, headers=headers, **how)
            assert refused.status_code == 403, refused.text
    assert kept(org) == {}
    assert (await client.post(URL, headers=ours, **raw)).status_code == 201


async def test_a_page_says_that_a_file_is_held_back(client, org, home):
    from sqlalchemy import select

    from holdfast.core.files.models import Scan, StoredObject

    file = (await send(client, org, b"bad", "bad.txt")).json()
    async with org.work() as work:
        content = (await work.session.scalars(select(StoredObject))).one()
        content.scan = Scan.INFECTED
    page = await open_page(client, org, f"/{file['id']}")
    assert "Malware was found" in page
    assert "/content" not in page
