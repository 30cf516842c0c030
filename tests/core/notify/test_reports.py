"""Mails that come back are read for what they say of our messages; nothing in them can harm."""

import time
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.notify.service.message_keys import message_key, message_keys_in
from holdfast.core.notify.service.reports import MAX_BYTES, read_report, without_addresses
from holdfast.kernel.crypto import Keys
from returned_mails import bounce, complaint
from support import SECRET

pytestmark = pytest.mark.unit
KEYS = Keys.derive(SECRET)
TENANT, NOTICE = UUID(int=7 << 64), uuid4()
KEY = message_key(KEYS, tenant_id=TENANT, notice_id=NOTICE)


def test_a_name_leads_back_and_nobody_else_can_make_one() -> None:
    assert message_key(KEYS, tenant_id=TENANT, notice_id=NOTICE) == KEY
    assert list(message_keys_in(KEYS, f"<{KEY}@holdfast.test>")) == [(TENANT, NOTICE)]
    forged = KEY[:-1] + ("0" if KEY[-1] != "0" else "1")
    others = KEY.replace(NOTICE.hex, uuid4().hex)
    for text in (forged, others, KEY[:-4], KEY.upper(), f"a{KEY}", "", "." * 99):
        assert list(message_keys_in(KEYS, f"<{text}@holdfast.test>")) == [], text
    assert list(message_keys_in(Keys.derive("another secret, just as long as it has to be"), KEY)) == []
    assert len(KEY) < 100


def test_a_bounce_tells_what_came_back_and_why() -> None:
    found = read_report(bounce(KEY), KEYS)
    assert (found.tenant_id, found.notice_id, found.complained) == (TENANT, NOTICE, False)
    assert (found.status, found.dead) == ("5.1.1", True)
    assert set(found.named) == {"ann@example.org"}
    assert found.said == "smtp; 550 5.1.1 <…>: Recipient address rejected"


@pytest.mark.parametrize(
    ("status", "said", "read", "dead"),
    [
        ("5.2.2", "552 5.2.2 mailbox full", "5.2.2", False),
        ("4.4.1", "connection timed out", "4.4.1", False),
        ("5.0.0", "550 5.1.1 no such user", "5.1.1", True),
        ("", "550 5.1.10 null mx", "5.1.10", True),
        ("", "", "5.0.0", False),
        ("rubbish", "more rubbish", "5.0.0", False),
    ],
)
def test_the_status_decides_whether_the_address_is_dead(status: str, said: str, read: str, dead: bool) -> None:
    found = read_report(bounce(KEY, status=status, said=said), KEYS)
    assert (found.status, found.dead) == (read, dead)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", ""])
def test_what_was_not_given_up_is_no_bounce(action: str) -> None:
    assert read_report(bounce(KEY, action=action), KEYS) is None


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/global", "message/global-headers", "text/plain"])
def test_the_message_is_known_however_it_was_returned(returned: str) -> None:
    assert read_report(bounce(KEY, returned=returned), KEYS).notice_id == NOTICE


def test_a_status_in_utf8_is_read_too() -> None:
    raw = bounce(KEY).replace(b"message/delivery-status", b"message/global-delivery-status")
    assert read_report(raw, KEYS).status == "5.1.1"


def test_a_complaint_is_told_from_its_opposite() -> None:
    found = read_report(complaint(KEY), KEYS)
    assert (found.notice_id, found.complained, found.dead) == (NOTICE, True, False)
    assert "ann@example.org" in found.named
    assert read_report(complaint(KEY, kind="not-spam"), KEYS) is None


def test_what_names_no_message_of_ours_is_no_report() -> None:
    stranger = message_key(
        Keys.derive("another secret, just as long as it has to be"), tenant_id=TENANT, notice_id=NOTICE
    )
    for raw in (
        bounce("abc"),
        bounce(stranger),
        complaint(""),
        b"",
        b"\0" * 100,
        b"Subject: hello\r\n\r\n" + KEY.encode(),
    ):
        assert read_report(raw, KEYS) is None
    assert read_report(bounce(KEY) + b" " * MAX_BYTES, KEYS) is None
    assert read_report(bounce(KEY).replace(b"multipart/report", b"multipart/mixed"), KEYS) is None


def nested(depth: int) -> bytes:
    begin = "".join(f"Content-Type: multipart/report; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(depth))
    return begin.encode() + b"x\r\n" * 300_000


@pytest.mark.parametrize(
    "raw",
    [
        nested(25),
        nested(5000),
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * 5000,
        b"Content-Type: multipart/report; boundary=x\r\n\r\n" + b"--x\r\n\r\n" * 100_000,
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n"
        + b"Action: failed\r\n\r\n" * 50_000,
        bounce(KEY).replace(b"us-ascii", b"klingon").replace(b"5.1.1 <", b"5.1.1 \xff\xfe\x00 <"),
        bounce(KEY).replace(b"Status: ", b"Status: =?x-none?Q?=FF?= "),
        bounce(KEY).replace(b"B1", b"\xc3\xa4"),
        b"Content-Type: multipart/report; boundary*=klingon'x'%FF%\r\n\r\n" + KEY.encode(),
        bounce(KEY).replace(b"message/rfc822", b"message/rfc822\r\nContent-Transfer-Encoding: base64"),
        bounce(KEY, returned="text/rfc822-headers\r\nContent-Transfer-Encoding: uuencode"),
        bounce(KEY)[:900],
    ],
)
def test_hostile_mails_are_read_soon_or_not_at_all(raw: bytes) -> None:
    begun = time.process_time()
    read_report(raw, KEYS)
    assert time.process_time() - begun < 5


WORDS = (
    b"Content-Type: ",
    b"multipart/report",
    b"message/delivery-status",
    b"boundary=B1",
    b"--B1",
    b"\r\n",
    b"\r\n\r\n",
)
PIECES = st.lists(st.one_of(st.sampled_from([*WORDS, KEY.encode(), b"Action: failed"]), st.binary(max_size=20)))


@given(pieces=PIECES, at=st.integers(0, 1500), cut=st.integers(0, 200))
def test_whatever_is_in_a_mail_nothing_is_raised(pieces: list[bytes], at: int, cut: int) -> None:
    raw = bounce(KEY)
    read_report(b"".join(pieces), KEYS)
    read_report(raw[:at] + b"".join(pieces) + raw[at + cut :], KEYS)


def test_addresses_do_not_stay_in_what_a_server_said() -> None:
    assert without_addresses("<Ann@x.test>: unknown; see bob@y.test\0\n or help") == "<…>: unknown; see … or help"
    assert without_addresses("\udcff" * 3 + "x" * 900).startswith("???x")
