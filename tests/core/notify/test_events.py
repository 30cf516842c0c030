"""SendGrid's events: taken where they are signed, lately, and counted once."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from test_returns import key_of, sent, states, suppressed
from test_sending import told

from clients import application
from holdfast.core.audit.public import EntryList
from holdfast.core.audit.service.reading import browse_entries
from holdfast.kernel.crypto import p256_key
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.kernel.tenancy import SYSTEM_TENANT
from holdfast.main import open_installation
from support import SECRET, Org

pytestmark = [pytest.mark.endpoint, pytest.mark.portable]
URL = "/api/v1/notify/events/sendgrid"
PAIR = ec.generate_private_key(ec.SECP256R1())
KEY = base64.b64encode(PAIR.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
OTHER = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
async def open_door(org: Org) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the installation as it is with the key of the events."""
    home = open_installation(
        org.home.settings.model_copy(update={"sendgrid_webhook_key": KEY}), clock=org.home.works.clock
    )
    try:
        transport = httpx.ASGITransport(app=application(home))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as made:
            yield made
    finally:
        await home.close()


def signed(org: Org, *events: object, age: timedelta = timedelta(0), pair: ec.EllipticCurvePrivateKey = PAIR):
    body = orjson.dumps(list(events))
    stamp = str(int((org.home.works.clock() - age).timestamp()))
    signature = base64.b64encode(pair.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    return {
        "content": body,
        "headers": {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": signature,
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        },
    }


async def test_without_a_key_there_is_no_such_door(client: httpx.AsyncClient, org: Org) -> None:
    assert (await client.post(URL, **signed(org))).status_code == 404


async def test_a_bounce_is_taken_once(open_door: httpx.AsyncClient, org: Org) -> None:
    [key, second] = await sent(org, 2)
    event = {"event": "bounce", "type": "bounce", "status": "5.1.1", "email": org.admin.email, "holdfast_key": key}
    event |= {"reason": f"550 5.1.1 {org.admin.email} unknown", "sg_event_id": "x", "timestamp": 1}
    other = {"event": "delivered", "holdfast_key": second}
    request = signed(org, event, other, event)
    for _ in range(2):
        answer = await open_door.post(URL, **request)
        assert answer.status_code == 204, answer.text
    assert await states(org) == ["bounced", "sent"]
    assert await suppressed(org) == [(org.admin.email, "bounced")]
    assert len(await told(org, "notify.notice.bounced")) == 1


@pytest.mark.parametrize(
    ("event", "state", "reason"),
    [
        ({"event": "spamreport"}, "complained", "complained"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "complained", "complained"),
        ({"event": "dropped", "reason": "Bounced Address"}, "bounced", "bounced"),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "bounced", None),
        ({"event": "bounce", "type": "blocked", "status": "5.1.1"}, "bounced", None),
        ({"event": "bounce", "type": "bounce", "status": "5.2.2"}, "bounced", None),
        ({"event": "deferred", "status": "4.2.1"}, "sent", None),
    ],
)
async def test_what_each_event_means(
    open_door: httpx.AsyncClient, org: Org, event: dict[str, str], state: str, reason: str | None
) -> None:
    [key] = await sent(org)
    assert (await open_door.post(URL, **signed(org, {**event, "holdfast_key": key}))).status_code == 204
    assert await states(org) == [state]
    assert [why for _, why in await suppressed(org)] == ([] if reason is None else [reason])


async def test_what_is_not_signed_so_is_refused_and_recorded(open_door: httpx.AsyncClient, org: Org) -> None:
    [key] = await sent(org)
    event = {"event": "spamreport", "holdfast_key": key}
    good = signed(org, event)
    changed = {**good, "content": good["content"].replace(b"spam", b"Spam")}
    bare = {"content": good["content"]}
    old, early = signed(org, event, age=timedelta(minutes=11)), signed(org, event, age=timedelta(minutes=-11))
    stamped = signed(org, event)
    stamped["headers"]["X-Twilio-Email-Event-Webhook-Timestamp"] = "1e9"
    for request in (changed, bare, old, early, stamped, signed(org, event, pair=OTHER)):
        answer = await open_door.post(URL, **request)
        assert (answer.status_code, answer.json()["code"]) == (403, "EVENTS_REFUSED")
    assert await states(org) == ["sent"]
    async with org.home.works.begin(SYSTEM_TENANT, SYSTEM, write=False) as work:
        entries = (await browse_entries(work, EntryList(action="notify.event.take")))[0]
    assert {entry.reason for entry in entries} == {
        "not signed",
        "not signed with the key of the settings",
        "signed more than ten minutes ago",
    }


async def test_what_is_signed_and_no_list_of_events_names_the_fault(open_door: httpx.AsyncClient, org: Org) -> None:
    answer = await open_door.post(URL, **signed(org, {"event": 1}))
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "body.0.event")
    request = signed(org)
    assert (await open_door.post(URL, **request)).status_code == 204
    forged = {"event": "spamreport", "holdfast_key": key_of(org.home, org, org.id)[:-1] + "g"}
    assert (await open_door.post(URL, **signed(org, forged, {"event": "spamreport"}))).status_code == 204


@pytest.mark.parametrize("key", ["rubbish", "AAAA", base64.b64encode(b"x" * 91).decode()])
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    assert p256_key(key) is None
    with pytest.raises(ConfigurationError, match="SENDGRID_WEBHOOK_KEY"):
        Settings(secret_key=SECRET, sendgrid_webhook_key=key, environment="test", _env_file=None)
