"""Mails leave by SMTP, SendGrid or into a folder; what became of each is known, or said to be uncertain."""

import asyncio
import contextlib
import datetime as dt
import email
import email.policy
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import dkim
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from holdfast.core.notify.service.transports import Outcome, Transport, Verdict
from holdfast.core.notify.service.transports.dkim import Signer
from holdfast.core.notify.service.transports.folders import FolderTransport
from holdfast.core.notify.service.transports.messages import Mail, written
from holdfast.core.notify.service.transports.sendgrid import SendGridTransport
from holdfast.core.notify.service.transports.smtp import Server, SmtpTransport
from holdfast.kernel.errors import ConfigurationError, Invalid
from mail_server import MailServer, serving

pytestmark = pytest.mark.unit
MAIL = Mail(
    key="0190c0de-0000-7000-8000-000000000001",
    sender="no-reply@holdfast.test",
    sender_name="Holdfast",
    to="ada@example.org",
    to_name="Ada, Countess of Lovelace",
    subject="Grüße: a new sign-in",
    text="Hello Ada,\n\na line with ünïcode, and one that is " + "long " * 40 + "\n.\nafter a dot\n",
    html="<p>Hello Ada</p>",
    written_at=dt.datetime(2026, 11, 22, 1, 2, 3, tzinfo=dt.UTC),
    headers=(("List-Unsubscribe", "<https://holdfast.test/u/1>"),),
)


@asynccontextmanager
async def over(transport: Transport) -> AsyncIterator[Transport]:
    try:
        yield transport
    finally:
        await transport.close()


def parsed(raw: bytes) -> email.message.EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.SMTP)


def text_of(mail: email.message.EmailMessage) -> str:
    """Return the text; the line break before a boundary belongs to the boundary (RFC 2046, 5.1.1)."""
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n") + "\n"


def test_a_mail_is_written_the_same_each_time_and_reads_back() -> None:
    raw = written(MAIL)
    assert raw == written(MAIL)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    read = parsed(raw)
    assert read["From"].addresses[0].addr_spec == MAIL.sender
    assert (read["To"].addresses[0].display_name, read["To"].addresses[0].addr_spec) == (MAIL.to_name, MAIL.to)
    assert read["Subject"] == MAIL.subject
    assert read["Message-ID"] == f"<{MAIL.key}@holdfast.test>"
    assert read["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/html"]
    assert text_of(read) == MAIL.text
    assert read.get_body(("html",)).get_content().strip() == MAIL.html


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": "ada@example.org\r\nBcc: eve@example.org"}, "to"),
        ({"to": "no address"}, "to"),
        ({"to": "@example.org"}, "to"),
        ({"to": "ädä@example.org"}, "to"),
        ({"to": "ada@example.org> SIZE=1"}, "to"),
        ({"to": "ada\x01@example.org"}, "to"),
        ({"to": "ada@example\x7f.org"}, "to"),
        ({"to": "ada> NOTIFY=NEVER@example.org"}, "to"),
        ({"return_to": "x@example.org>\t"}, "return_to"),
        ({"to_name": "Ada\nBcc: eve@example.org"}, "to_name"),
        ({"subject": "Hello\r\nBcc: eve@example.org"}, "subject"),
        ({"headers": (("X-A", "1\r\nBcc: eve@example.org"),)}, "X-A"),
        ({"reply_to": "x\ny@example.org"}, "reply_to"),
    ],
)
def test_nothing_smuggles_a_header_in(change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        written(replace(MAIL, **change))
    assert [each.location for each in refused.value.errors] == [field]


async def test_connections_are_used_again() -> None:
    async with serving() as server, over(smtp(server, connections=2)) as transport:
        done = await asyncio.gather(*(transport.send(replace(MAIL, key=f"m{number}")) for number in range(20)))
        assert {each.verdict for each in done} == {Verdict.SENT}
        assert len(server.mails) == 20
        assert server.connections == 2
        assert parsed(server.mails[0])["Subject"] == MAIL.subject
        assert text_of(parsed(server.mails[0])) == MAIL.text, "dots are stuffed and come out"


def smtp(server: MailServer, *, connections: int = 4, signer: Signer | None = None, **more: object) -> SmtpTransport:
    at = Server(**{"host": "127.0.0.1", "port": server.port, "tls": "none", "timeout": 3.0, **more})
    return SmtpTransport(at, connections=connections, signer=signer)


@pytest.mark.parametrize(
    ("step", "answer", "verdict", "code"),
    [
        ("RCPT", "450 4.2.1 try later", Verdict.LATER, 450),
        ("RCPT", "421 4.3.2 going down", Verdict.LATER, 421),
        ("RCPT", "550 5.1.1 unknown", Verdict.REFUSED, 550),
        ("RCPT", "drop", Verdict.LATER, 0),
        ("DATA", "451 4.3.0 greylisted", Verdict.LATER, 451),
        ("DATA", "554 5.7.1 spam", Verdict.REFUSED, 554),
        ("DATA", "drop", Verdict.UNCERTAIN, 0),
    ],
)
async def test_what_the_server_says_decides_and_the_next_mail_goes(
    step: str, answer: str, verdict: Verdict, code: int
) -> None:
    async with serving() as server, over(smtp(server)) as transport:
        server.say(step, MAIL.to, answer)
        outcome = await transport.send(MAIL)
        assert (outcome.verdict, outcome.code) == (verdict, code), outcome
        assert len(server.mails) == (verdict is Verdict.UNCERTAIN)
        again = await transport.send(replace(MAIL, to="bea@example.org"))
        assert again.verdict is Verdict.SENT
        assert server.recipients[-1] == "bea@example.org"
        stays = answer[:3] not in ("421", "dro")
        assert server.connections == (1 if stays else 2), "what was refused costs no connection"


@asynccontextmanager
async def scripted(**answers: str) -> AsyncIterator[tuple[SmtpTransport, list[str]]]:
    """Serve one answer a command, by its name and READY and END; `drop` hangs up, `hang` says nothing more."""
    heard: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(step: str, usual: str) -> None:
            answer = answers.get(step, usual)
            if answer == "hang":
                await reader.read()
            if answer in ("drop", "hang"):
                raise ConnectionError
            writer.write(f"{answer}\r\n".encode("utf-8", "surrogateescape"))

        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await say("READY", "220 mail.test")
            while line := await reader.readline():
                word = line[:4].decode().strip().upper()
                heard.append(word)
                if word == "EHLO":
                    writer.write(b"250-mail.test\r\n250 STARTTLS\r\n")
                    continue
                await say(word, "354 go on" if word == "DATA" else "250 OK")
                if word == "DATA" and answers.get("DATA", "354").startswith("354"):
                    await reader.readuntil(b"\r\n.\r\n")
                    await say("END", "250 taken")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    tls = "starttls" if "STAR" in answers else "none"
    place = Server("127.0.0.1", server.sockets[0].getsockname()[1], tls=tls, timeout=0.5)
    try:
        async with over(SmtpTransport(place)) as transport:
            yield transport, heard
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answers", "verdict", "code"),
    [
        ({"READY": "drop"}, Verdict.LATER, 0),
        ({"READY": "554 not you"}, Verdict.LATER, 554),
        ({"READY": "hang"}, Verdict.LATER, 0),
        ({"MAIL": "hang"}, Verdict.LATER, 0),
        ({"MAIL": "452 no room"}, Verdict.LATER, 452),
        ({"MAIL": "what?"}, Verdict.LATER, 0),
        ({"RCPT": "hang"}, Verdict.LATER, 0),
        ({"RCPT": "251 will forward"}, Verdict.SENT, 250),
        ({"DATA": "451 not now"}, Verdict.LATER, 451),
        ({"END": "hang"}, Verdict.UNCERTAIN, 0),
        ({"END": "drop"}, Verdict.UNCERTAIN, 0),
        ({"END": "what?"}, Verdict.UNCERTAIN, 0),
        ({"END": "552 5.2.2 full"}, Verdict.REFUSED, 552),
        ({"STAR": "454 no TLS today"}, Verdict.LATER, 454),
    ],
)
async def test_a_server_that_fails_at_any_word(answers: dict[str, str], verdict: Verdict, code: int) -> None:
    async with scripted(**answers) as (transport, heard):
        outcome = await transport.send(MAIL)
    assert (outcome.verdict, outcome.code) == (verdict, code), outcome
    assert ("MAIL" in heard) is ("READY" not in answers and "STAR" not in answers), "nothing of a mail without its TLS"
    assert heard.count("DATA") <= 1


@pytest.mark.parametrize("step", ["READY", "MAIL", "RCPT", "DATA", "END"])
async def test_what_a_server_says_is_words_whatever_bytes_it_is(step: str) -> None:
    """Latin-1 and control characters are no text that a database takes, nor one that a terminal should show."""
    async with scripted(**{step: "550 5.7.1 Empf\udce4nger\0 \x1b[2Jgesperrt"}) as (transport, _):
        outcome = await transport.send(MAIL)
    assert outcome.code == 550
    assert outcome.said == "5.7.1 Empf?nger? ?[2Jgesperrt"


async def test_a_mail_says_where_it_comes_back_to() -> None:
    async with serving() as server, over(smtp(server)) as transport:
        assert (await transport.send(replace(MAIL, return_to="bounces@holdfast.test"))).verdict is Verdict.SENT
        assert (await transport.send(MAIL)).verdict is Verdict.SENT
        assert server.senders == ["bounces@holdfast.test", MAIL.sender]


def test_headers_of_any_length_and_script_are_read_back() -> None:
    names = ("", "x" * 300, "Zoë " * 60, "a  b\tc", "日本" * 40, 'semi; colon, "quotes"')
    for subject in names:
        for text in ("", "a\rb\r\nc\n\n", "=E4 =\n trailing  \n", ".\n..\nFrom x", "\udcff", "ü" * 2000):
            raw = written(replace(MAIL, subject=subject, to_name=subject[:80].replace("\t", " "), text=text))
            assert raw.isascii()
            assert max(len(line) for line in raw.split(b"\r\n")) <= 998
            assert b"\n" not in raw.replace(b"\r\n", b"")
            read = parsed(raw)
            assert read.defects == []
            assert " ".join(read["Subject"].split()) == " ".join(subject[:200].split())
            wanted = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
            if "\udcff" not in text:
                assert text_of(read) == wanted.rstrip("\n") + "\n"


async def test_an_address_that_is_no_good_is_told_apart() -> None:
    assert Outcome(Verdict.REFUSED, 550, "5.1.1 unknown").bad_address
    assert not Outcome(Verdict.REFUSED, 554, "5.7.1 spam").bad_address
    assert not Outcome(Verdict.REFUSED, 550, "5.7.1 policy").bad_address
    assert not Outcome(Verdict.LATER, 450, "5.1.1").bad_address


async def test_a_connection_that_was_hung_up_while_it_waited_costs_no_mail() -> None:
    async with serving() as server, over(smtp(server)) as transport:
        assert (await transport.send(MAIL)).verdict is Verdict.SENT
        transport._idle[0].client.transport.abort()
        assert (await transport.send(replace(MAIL, key="second"))).verdict is Verdict.SENT
        assert len(server.mails) == 2


async def test_no_server_and_one_that_says_nothing_are_for_later() -> None:
    async with serving() as server:
        port = server.port
    async with over(SmtpTransport(Server("127.0.0.1", port, tls="none", timeout=1.0))) as transport:
        assert (await transport.send(MAIL)).verdict is Verdict.LATER

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    try:
        place = Server("127.0.0.1", silent.sockets[0].getsockname()[1], tls="none", timeout=0.5)
        async with over(SmtpTransport(place)) as transport:
            assert (await transport.send(MAIL)).verdict is Verdict.LATER
    finally:
        silent.close()


async def test_login_by_password_and_by_token() -> None:
    async def token() -> str:
        return "good"

    async def stale() -> str:
        return "stale"

    ways = (
        ({"user": "robot", "password": "secret"}, Verdict.SENT),
        ({"user": "robot", "password": "wrong"}, Verdict.LATER),
        ({"user": "robot", "token": token}, Verdict.SENT),
        ({"user": "robot", "token": stale}, Verdict.LATER),
    )
    for way, verdict in ways:
        async with serving(login=True) as server, over(smtp(server, **way)) as transport:
            outcome = await transport.send(MAIL)
            assert outcome.verdict is verdict, (way, outcome)
            assert "secret" not in outcome.said
            assert "wrong" not in outcome.said


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the server's TLS and that of a client which trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


async def test_starttls_is_asked_for_and_the_certificate_is_checked(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    theirs, ours = contexts
    async with serving(context=theirs) as server:
        async with over(smtp(server, host="localhost", tls="starttls", context=ours)) as transport:
            assert (await transport.send(MAIL)).verdict is Verdict.SENT
        stranger = ssl.create_default_context()
        async with over(smtp(server, host="localhost", tls="starttls", context=stranger)) as transport:
            assert (await transport.send(MAIL)).verdict is Verdict.LATER
        assert len(server.mails) == 1
    async with serving() as plain, over(smtp(plain, tls="starttls")) as transport:
        assert (await transport.send(MAIL)).verdict is Verdict.LATER, "who offers no TLS gets no mail"
        assert plain.mails == []


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
async def test_a_signature_is_verified_by_another_program_after_the_way(tmp_path: Path, kind: str) -> None:
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    file = tmp_path / "dkim.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    signer = Signer.read("holdfast.test", "s1", file)
    async with serving() as server, over(smtp(server, signer=signer)) as transport:
        assert (await transport.send(MAIL)).verdict is Verdict.SENT
        long = replace(MAIL, key="long", subject="x " * 90, text="trailing  \n\n\n", html="")
        assert (await transport.send(long)).verdict is Verdict.SENT
    record = public_record(key, kind)
    for raw in server.mails:
        assert dkim.verify(raw, dnsfunc=lambda name, timeout=5: record)
        for old, new in ((b"Holdfast", b"Holdfart"), (b"Subject:", b"Subject: x"), (b"\r\n\r\n", b"\r\n\r\nmore ")):
            assert not dkim.verify(raw.replace(old, new, 1), dnsfunc=lambda name, timeout=5: record), new
        added = b"Subject: another\r\n" + raw
        assert not dkim.verify(added, dnsfunc=lambda name, timeout=5: record), "no second subject can be put before it"


def public_record(key: object, kind: str) -> bytes:
    import base64

    if kind == "rsa":
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    else:
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return b"v=DKIM1; k=" + kind.encode() + b"; p=" + base64.b64encode(public)


def test_a_key_that_is_none_is_refused_naming_the_file(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    with pytest.raises(ConfigurationError, match=f"DKIM_KEY_FILE: {file} cannot be read"):
        Signer.read("d", "s", file)
    file.write_text("none")
    with pytest.raises(ConfigurationError, match="no private key in PEM"):
        Signer.read("d", "s", file)
    other = ec.generate_private_key(ec.SECP256R1())
    file.write_bytes(
        other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    with pytest.raises(ConfigurationError, match="neither RSA"):
        Signer.read("d", "s", file)


async def test_a_folder_takes_the_place_of_a_server(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    async with over(FolderTransport(folder, kept=3)) as transport:
        for number in range(5):
            later = MAIL.written_at + dt.timedelta(seconds=number)
            done = await transport.send(replace(MAIL, key=f"k{number}", written_at=later))
            assert done.verdict is Verdict.SENT
    files = sorted(folder.iterdir())
    assert [each.name.partition("-")[2] for each in files] == ["k2.eml", "k3.eml", "k4.eml"]
    assert parsed(files[0].read_bytes())["Subject"] == MAIL.subject


@asynccontextmanager
async def api(*answers: tuple[int, str]) -> AsyncIterator[tuple[str, list[tuple[str, dict[str, object]]]]]:
    """Serve the HTTP API: answer with these; a status of 0 hangs up after the request."""
    asked: list[tuple[str, dict[str, object]]] = []
    left = list(answers)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
        )
        asked.append((head, json.loads(await reader.readexactly(length))))
        status, body = left.pop(0)
        if status:
            writer.write(
                f"HTTP/1.1 {status} X\r\nX-Message-Id: m-1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                f"{body}".encode()
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()


async def test_sendgrid_is_asked_and_its_answer_read() -> None:
    script = ((202, ""), (400, '{"errors": []}'), (401, "no"), (429, "slow"), (503, "down"), (0, ""))
    wanted = [Verdict.SENT, Verdict.REFUSED, Verdict.LATER, Verdict.LATER, Verdict.LATER, Verdict.UNCERTAIN]
    async with (
        api(*script) as (address, asked),
        over(SendGridTransport(address=address, api_key="SG.key")) as transport,
    ):
        done = [await transport.send(MAIL) for _ in script]
    assert [each.verdict for each in done] == wanted
    assert done[0].said == "m-1"
    head, body = asked[0]
    assert head.startswith("POST /v3/mail/send HTTP/1.1")
    assert "Authorization: Bearer SG.key" in head
    assert body["personalizations"] == [{"to": [{"email": MAIL.to, "name": MAIL.to_name}]}]
    assert body["headers"]["Message-ID"] == MAIL.message_id
    assert body["custom_args"] == {"holdfast_key": MAIL.key}
    assert [each["type"] for each in body["content"]] == ["text/plain", "text/html"]
    async with over(SendGridTransport(address=address, api_key="SG.key")) as transport:
        assert (await transport.send(MAIL)).verdict is Verdict.LATER, "nobody there"
        assert (await transport.send(replace(MAIL, subject="a\nb"))).verdict is Verdict.REFUSED
