"""The antivirus: three results, what is held back by which policy, and what becomes of its failures."""

from dataclasses import replace

import pytest
from clamd import EICAR, Clamd, clamd_running
from uploads import URL, kept, made, send, sha

from holdfast.core.files.models import Scan
from holdfast.core.files.public import derive_waiting, scan_again, scan_waiting
from holdfast.core.files.service.cabinet import SLOT, cabinet_of
from holdfast.core.files.service.scanning import Scanner
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.plugins import FileRule
from holdfast.kernel.settings import Settings

pytestmark = pytest.mark.endpoint


@pytest.fixture
async def clamd():
    async with clamd_running() as running:
        yield running


@pytest.fixture
def scanned(home, clamd: Clamd, monkeypatch) -> Clamd:
    """Let the installation ask the antivirus."""
    scanner = Scanner(None, "127.0.0.1", clamd.port, 0.5)
    monkeypatch.setitem(home.works.state, SLOT, replace(cabinet_of(home.works), scanner=scanner))
    return clamd


def policy(home, monkeypatch, name: str) -> None:
    monkeypatch.setattr(home.works, "settings", home.settings.model_copy(update={"scan_policy": name}))


async def test_a_clean_file_is_given_out(client, org, scanned):
    file = await made(client, org, b"harmless")
    assert (file["scan"], scanned.sizes) == ("clean", [8])
    assert (await client.get(f"{URL}/{file['id']}/content", headers=org.user.bearer)).content == b"harmless"


async def test_an_infected_file_is_held_back_and_told_of(client, org, scanned):
    file = await made(client, org, b"before " + EICAR, "invoice.txt")
    assert file["scan"] == "infected"
    for path in ("content", "versions/1/content", "thumbnail", "text"):
        refused = await client.get(f"{URL}/{file['id']}/{path}", headers=org.admin.bearer)
        assert (refused.status_code, refused.json()["code"]) == (409, "FILE_QUARANTINED"), refused.text
        assert b"EICAR" not in refused.content
    link = await client.post(f"{URL}/{file['id']}/links", json={}, headers=org.admin.bearer)
    assert (link.status_code, link.json()["code"]) == (409, "FILE_QUARANTINED")
    found = await client.get("/api/v1/audit/entries?action=files.file.infected", headers=org.auditor.bearer)
    [entry] = found.json()["data"]
    assert (entry["entity_id"], entry["severity"]) == (file["id"], "critical")
    entry = (await client.get(f"/api/v1/audit/entries/{entry['id']}", headers=org.auditor.bearer)).json()
    assert entry["detail"] == {"finding": "Eicar-Signature", "number": 1, "sha256": sha(b"before " + EICAR)}


@pytest.mark.parametrize("mood", ["drops", "silent", "null", "error", "babble"])
async def test_what_the_antivirus_does_not_say_counts_as_not_scanned(client, org, scanned, mood):
    scanned.mood = mood
    file = await made(client, org, mood.encode())
    assert file["scan"] == "not_scanned"
    assert (await client.get(f"{URL}/{file['id']}/content", headers=org.user.bearer)).status_code == 200


async def test_a_file_over_the_antivirus_own_limit_is_not_scanned_rather_than_clean(client, org, scanned):
    scanned.limit = 100_000
    file = await made(client, org, b"x" * 3_000_000)
    assert (file["scan"], scanned.sizes) == ("not_scanned", [])


async def test_where_a_scan_is_required_nothing_leaves_before_it(client, org, home, monkeypatch, scanned):
    policy(home, monkeypatch, "required")
    scanned.mood = "drops"
    file = await made(client, org, b"to be scanned")
    url = f"{URL}/{file['id']}/content"
    held = await client.get(url, headers=org.admin.bearer)
    assert (held.status_code, held.json()["code"]) == (409, "FILE_QUARANTINED")
    scanned.mood = "well"
    assert await scan_waiting(home.works, org.id) == 1
    assert (await client.get(url, headers=org.admin.bearer)).content == b"to be scanned"


async def test_a_rule_may_require_a_scan_of_its_own_files(client, org, home, monkeypatch):
    rule = FileRule("test.strict", "Strict", scan="required")
    monkeypatch.setitem(cabinet_of(home.works).rules, rule.name, rule)
    held, free = await made(client, org, b"1", rule="test.strict"), await made(client, org, b"2")
    for file, status in ((held, 409), (free, 200)):
        answer = await client.get(f"{URL}/{file['id']}/content", headers=org.admin.bearer)
        assert answer.status_code == status, answer.text
    policy(home, monkeypatch, "off")
    assert (await client.get(f"{URL}/{held['id']}/content", headers=org.admin.bearer)).status_code == 200


async def test_what_was_clean_may_be_found_infected_later_and_stays_so(client, org, home, scanned, monkeypatch):
    monkeypatch.setattr("clamd.EICAR", b"unknown as yet")
    file = await made(client, org, EICAR)
    assert file["scan"] == "clean"
    monkeypatch.undo()
    monkeypatch.setitem(
        home.works.state, SLOT, replace(cabinet_of(home.works), scanner=Scanner(None, "127.0.0.1", scanned.port, 0.5))
    )
    [object_id] = [name.rpartition("/")[2] for name in kept(org)]
    assert await scan_again(home.works, org.id, object_id_of(object_id)) is Scan.INFECTED
    assert (await client.get(f"{URL}/{file['id']}/content", headers=org.admin.bearer)).status_code == 409
    monkeypatch.setattr("clamd.EICAR", b"forgotten")
    assert await scan_again(home.works, org.id, object_id_of(object_id)) is Scan.INFECTED
    again = await send(client, org, EICAR, "again.txt")
    assert again.json()["scan"] == "infected", "the same content in another file"


async def test_what_an_upload_brings_to_light_holds_for_every_file_that_has_the_content(
    client, org, scanned, monkeypatch
):
    """The antivirus learns of it between two uploads of the same content."""
    monkeypatch.setattr("clamd.EICAR", b"unknown as yet")
    first = await made(client, org, EICAR, "first.txt")
    assert first["scan"] == "clean"
    monkeypatch.setattr("clamd.EICAR", EICAR)
    second = await made(client, org, EICAR, "second.txt")
    for file in (first, second):
        refused = await client.get(f"{URL}/{file['id']}/content", headers=org.admin.bearer)
        assert (refused.status_code, refused.json()["code"]) == (409, "FILE_QUARANTINED")
    found = await client.get("/api/v1/audit/entries?action=files.file.infected", headers=org.auditor.bearer)
    assert sorted(row["entity_id"] for row in found.json()["data"]) == sorted([first["id"], second["id"]])


async def test_an_infected_file_leaves_by_no_way(client, org, home, scanned, monkeypatch):
    """A link, a thumbnail, a text and an older version that were there before it was found."""
    monkeypatch.setattr("clamd.EICAR", b"unknown as yet")
    file = await made(client, org, EICAR, "a.txt")
    await send(client, org, b"harmless", "a.txt", url=f"{URL}/{file['id']}/versions")
    url = f"{URL}/{file['id']}"
    await client.patch(url, json={"number": 1}, headers=org.admin.bearer)
    assert await derive_waiting(home.works, org.id) == 2
    link = (await client.post(f"{url}/links", json={}, headers=org.admin.bearer)).json()["url"]
    ways = (link, f"{url}/content", f"{url}/versions/1/content", f"{url}/text")
    for way in ways:
        assert (await client.get(way, headers=org.user.bearer)).status_code == 200, way
    monkeypatch.setattr("clamd.EICAR", EICAR)
    await made(client, org, EICAR, "again.txt")
    for way in ways:
        for method in ("GET", "HEAD"):
            answer = await client.request(method, way, headers=org.user.bearer)
            assert (answer.status_code, b"EICAR" in answer.content) == (409, False), (method, way)
    assert (await client.get(f"{url}/versions/2/content", headers=org.user.bearer)).content == b"harmless"


def object_id_of(text: str):
    from uuid import UUID

    return UUID(text)


@pytest.mark.unit
@pytest.mark.parametrize("address", ["clamd", "tcp://host", "tcp://host:99999", "unix:relative", "http://x:1"])
def test_an_address_that_cannot_be_read_is_refused_at_the_start(address):
    with pytest.raises(ConfigurationError, match="CLAMD"):
        Scanner.of(Settings(clamd=address, secret_key="x" * 40, _env_file=None))
