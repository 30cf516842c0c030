"""A mail server on loopback that does what a test's script says."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class MailServer:
    """What arrived, how many came in, and what to answer: by recipient and step, `drop` to hang up."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    connections: int = 0
    pause: float = 0.0  # how long it keeps its answer back once it has a mail
    script: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def say(self, step: str, to: str, *answers: str) -> None:
        """Answer a step (MAIL, RCPT, DATA, LATE) for a recipient, the first time so, the second time so …"""
        self.script[step, to] = list(answers)

    def _next(self, step: str, to: str) -> str | None:
        left = self.script.get((step, to), [])
        return left.pop(0) if left else None

    async def handle_RCPT(self, server, session, envelope: Envelope, address: str, _options) -> str:  # noqa: N802 - the library's name
        answer = self._next("RCPT", address)
        if answer == "drop":
            server.transport.abort()
            return "421 gone"
        if answer is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        to = envelope.rcpt_tos[0]
        answer = self._next("DATA", to)
        if answer is not None and answer != "drop":
            return answer
        self.mails.append(envelope.original_content or b"")
        self.recipients.append(to)
        self.senders.append(envelope.mail_from or "")
        if answer == "drop":  # it has the mail; who sent it does not know
            server.transport.abort()
        await asyncio.sleep(self.pause)
        return "250 2.0.0 taken"

    def authenticate(self, server, session: Session, envelope, mechanism: str, data: object) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"robot", b"secret")
        return AuthResult(success=good)

    async def auth_XOAUTH2(self, server, arguments: list[str]) -> AuthResult:  # noqa: N802 - the library's name
        import base64

        said = base64.b64decode(arguments[1]).decode()
        return AuthResult(success=said == "user=robot\x01auth=Bearer good\x01\x01", handled=False)


@asynccontextmanager
async def serving(*, context: ssl.SSLContext | None = None, login: bool = False) -> AsyncIterator[MailServer]:
    """Serve on a free port; with a context STARTTLS is offered, with `login` it is asked for."""
    found = MailServer()

    def make() -> SMTP:
        found.connections += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a login without TLS is what a test asks for
            return SMTP(
                found,
                tls_context=context,
                require_starttls=context is not None,
                authenticator=found.authenticate if login else None,
                auth_required=login,
                auth_require_tls=False,
                hostname="mail.test",
            )

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        await server.wait_closed()
