"""Files through the whole application: up, down, versions, the trash, and who may."""

import pytest
from uploads import PDF, PNG, URL, kept, made, send, sha

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]


async def history(client, org, file_id: str) -> list[dict]:
    answer = await client.get(f"/api/v1/audit/entities/file/{file_id}/history", headers=org.auditor.bearer)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_walk(client, org, other):
    answer = await send(client, org, b"hello\n", "Grüße.txt")
    assert answer.status_code == 201, answer.text
    file = answer.json()
    url = f"{URL}/{file['id']}"
    assert answer.headers["location"] == url
    shown = {name: file[name] for name in ("name", "rule", "number", "size", "media_type", "sha256", "scan")}
    assert shown == {
        "name": "Grüße.txt",
        "rule": "files.general",
        "number": 1,
        "size": 6,
        "media_type": "text/plain",
        "sha256": sha(b"hello\n"),
        "scan": "not_scanned",
    }
    assert (await client.get(url, headers=org.viewer.bearer)).json() == file
    assert list(kept(org).values()) == [6]

    down = await client.get(f"{url}/content", headers=org.viewer.bearer)
    assert (down.status_code, down.content) == (200, b"hello\n")
    assert down.headers["etag"] == '"' + file["sha256"] + '"'
    assert (
        down.headers["content-disposition"]
        == "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt"
    )
    assert down.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in down.headers["content-security-policy"]

    for path in (url, f"{url}/content", f"{url}/versions/1/content"):
        assert (await client.get(path)).status_code == 401
        assert (await client.get(path, headers=other.admin.bearer)).status_code == 404
    assert (await send(client, org, role="viewer")).status_code == 403
    assert (await client.get(URL, headers=other.admin.bearer)).json()["data"] == []
    assert [row["id"] for row in (await client.get(f"{URL}?q=gruss", headers=org.user.bearer)).json()["data"]] == []
    assert [row["id"] for row in (await client.get(f"{URL}?q=grüsse", headers=org.user.bearer)).json()["data"]] == [
        file["id"]
    ]

    [entry] = await history(client, org, file["id"])
    assert (entry["action"], entry["actor_id"]) == ("files.file.uploaded", str(org.admin.id))
    assert entry["detail"]["sha256"] == file["sha256"]
    assert entry["after"]["name"] == "Grüße.txt"


async def test_the_same_content_is_kept_once_in_an_organisation_and_apart_from_others(client, org, other):
    one, two = await made(client, org, PNG, "one.png"), await made(client, org, PNG, "two.png")
    assert one["id"] != two["id"]
    assert len(kept(org)) == 1
    foreign = await made(client, other, PNG, "three.png")
    assert len(kept(org)) == len(kept(other)) == 1
    assert kept(org).keys() != kept(other).keys()
    assert foreign["sha256"] == one["sha256"]


async def test_versions(client, org, other):
    file = await made(client, org, b"first", "a.txt")
    url = f"{URL}/{file['id']}"
    second = await send(client, org, b"second", "b.txt", url=f"{url}/versions")
    assert (second.status_code, second.json()["number"], second.json()["name"]) == (201, 2, "b.txt"), second.text
    assert (await client.get(second.headers["location"], headers=org.user.bearer)).content == b"second"
    assert (await client.get(f"{url}/content", headers=org.user.bearer)).content == b"second"
    assert (await client.get(f"{url}/versions/1/content", headers=org.user.bearer)).content == b"first"
    assert (await client.get(f"{url}/versions/3/content", headers=org.user.bearer)).status_code == 404
    listed = (await client.get(f"{url}/versions", headers=org.user.bearer)).json()["data"]
    assert [(row["number"], row["size"], row["sha256"]) for row in listed] == [
        (2, 6, sha(b"second")),
        (1, 5, sha(b"first")),
    ]
    stale = await send(client, org, b"third", url=f"{url}/versions", headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "VERSION_CHANGED")
    assert len(kept(org)) == 2, "what was refused leaves no bytes"
    foreign = await send(client, other, b"third", url=f"{url}/versions")
    assert (foreign.status_code, kept(other)) == (404, {})
    back = await client.patch(url, json={"number": 1}, headers=org.user.bearer)
    assert (back.status_code, back.json()["number"], back.json()["name"]) == (200, 1, "a.txt"), back.text
    assert (await client.get(f"{url}/content", headers=org.user.bearer)).content == b"first"
    again = await send(client, org, b"fourth", url=f"{url}/versions")
    assert again.json()["number"] == 3
    actions = [entry["action"] for entry in await history(client, org, file["id"])]
    assert actions == ["files.file.replaced", "files.file.updated", "files.file.replaced", "files.file.uploaded"]


async def test_the_trash(client, org):
    file = await made(client, org, PDF, "a.pdf")
    url = f"{URL}/{file['id']}"
    not_yet = await client.post(f"{url}/purge", headers=org.admin.bearer)
    assert (not_yet.status_code, not_yet.json()["code"]) == (409, "FILE_NOT_DELETED"), not_yet.text
    assert (await client.delete(url, headers=org.user.bearer)).status_code == 403
    assert (await client.delete(url, headers=org.admin.bearer)).status_code == 204
    assert (await client.get(f"{url}/content", headers=org.admin.bearer)).status_code == 404
    assert (await client.get(URL, headers=org.admin.bearer)).json()["data"] == []
    trash = (await client.get(f"{URL}?deleted=true", headers=org.admin.bearer)).json()["data"]
    assert [row["id"] for row in trash] == [file["id"]]
    back = await client.post(f"{url}/restore", headers=org.admin.bearer)
    assert back.status_code == 200, back.text
    assert (await client.get(f"{url}/content", headers=org.admin.bearer)).content == PDF
    twice = await client.post(f"{url}/restore", headers=org.admin.bearer)
    assert (twice.status_code, twice.json()["code"]) == (409, "FILE_NOT_DELETED")


async def test_a_form_brings_a_file_too(client, org):
    files = {"file": ("../../etc/passwd", b"x", "text/html")}
    refused = await client.post(URL, files=files, headers=org.admin.bearer)
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, "body.name"), refused.text
    files = {"file": ("report.pdf", PDF, "text/html")}
    done = await client.post(URL, data={"rule": "files.general"}, files=files, headers=org.user.bearer)
    assert done.status_code == 201, done.text
    assert (done.json()["name"], done.json()["media_type"], done.json()["size"]) == (
        "report.pdf",
        "application/pdf",
        len(PDF),
    )
    named = await client.post(URL, data={"name": "other.pdf"}, files=files, headers=org.user.bearer)
    assert named.json()["name"] == "other.pdf", named.text
    assert len(kept(org)) == 1
