"""Mail by SMTP (RFC 5321), over connections that are used again: a new one costs more than a mail."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiosmtplib
import structlog
from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from holdfast.core.notify.guards import words_in
from holdfast.core.notify.service.transports import Outcome, Verdict
from holdfast.core.notify.service.transports.dkim import Signer
from holdfast.core.notify.service.transports.messages import Mail, written
from holdfast.kernel.errors import Invalid

IDLE_SECONDS = 30.0  # servers hang up on those who say nothing; before that we say goodbye
MAILS_A_CONNECTION = 100
log = structlog.get_logger("holdfast.mail")
Token = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True, repr=False)
class Server:
    """Where mails go to, and how one gets in; `tls` is `starttls`, `tls` (from the first byte) or `none`.

    `token` gives an OAuth2 access token for XOAUTH2, in the place of a password.
    """

    host: str
    port: int
    tls: str = "starttls"
    user: str = ""
    password: str = ""
    token: Token | None = None
    timeout: float = 30.0
    context: ssl.SSLContext | None = None


@dataclass(slots=True)
class _Open:
    client: SMTP
    since: float
    used: int = 0


class SmtpTransport:
    """Sends over at most so many connections at once."""

    def __init__(self, server: Server, *, connections: int = 4, signer: Signer | None = None) -> None:
        self._server = server
        self._signer = signer
        self._room = asyncio.Semaphore(connections)
        self._idle: list[_Open] = []

    async def send(self, mail: Mail) -> Outcome:
        """Hand over one mail; an error of the way becomes the outcome."""
        try:
            raw = written(mail)
        except Invalid as error:
            return Outcome(Verdict.REFUSED, 0, error.detail)
        if self._signer is not None:
            raw = await asyncio.to_thread(self._signer.sign, raw)
        async with self._room:
            waiting = self._take()
            if waiting is not None:
                outcome = await self._over(waiting, mail, raw)
                if outcome.verdict is not Verdict.LATER or outcome.code:
                    return outcome
            # A server may have hung up on a connection that waited; nothing of the mail was taken then.
            try:
                fresh = await self._connect()
            except (SMTPException, OSError, TimeoutError) as error:
                return _not_reached(error)
            return await self._over(fresh, mail, raw)

    async def close(self) -> None:
        """Say goodbye on every connection."""
        while self._idle:
            await _leave(self._idle.pop().client)

    def _take(self) -> _Open | None:
        while self._idle:
            found = self._idle.pop()
            if time.monotonic() - found.since < IDLE_SECONDS and found.client.is_connected:
                return found
            found.client.close()
        return None

    async def _over(self, over: _Open, mail: Mail, raw: bytes) -> Outcome:
        try:
            outcome = await _say(over.client, mail, raw, patience=self._server.timeout)
        except BaseException:
            over.client.close()
            raise
        over.used += 1
        if over.used >= MAILS_A_CONNECTION or not over.client.is_connected:
            over.client.close()
        else:
            over.since = time.monotonic()
            self._idle.append(over)
        return outcome

    async def _connect(self) -> _Open:
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            timeout=server.timeout,
            tls_context=server.context if server.tls != "none" else None,
        )
        try:
            await client.connect()
            if server.token is not None:
                await client.auth_xoauth2(server.user, await server.token())
            elif server.user:
                await client.login(server.user, server.password)
            if client.last_ehlo_response is None:
                await client.ehlo()
        except BaseException:
            client.close()
            raise
        return _Open(client, time.monotonic())


async def _say(client: SMTP, mail: Mail, raw: bytes, *, patience: float) -> Outcome:
    """Say a mail on an open connection, which is closed where it cannot be used again."""
    # The library takes addresses and lines apart anew for each mail, which costs a third of one; `written` has refused
    # all that could be more than an address, and ends each line as SMTP does.
    steps = (
        (b"MAIL FROM:<%b>\r\n" % (mail.return_to or mail.sender).encode("ascii"), (250,)),
        (b"RCPT TO:<%b>\r\n" % mail.to.encode("ascii"), (250, 251)),  # 251: it will forward
        (b"DATA\r\n", (354,)),
        (raw.replace(b"\r\n.", b"\r\n..") + b".\r\n", (250,)),
    )
    verdict, answer = Verdict.LATER, SMTPResponse(0, "")
    for at, (words, wanted) in enumerate(steps, 1):
        if at == len(steps):  # all of it may arrive, and the answer get lost
            verdict = Verdict.UNCERTAIN
        try:
            answer = await _answer(client, words, patience)
        except (SMTPException, OSError, TimeoutError) as error:
            client.close()
            return Outcome(verdict, 0, type(error).__name__)
        if answer.code not in wanted:
            return await _refused(client, answer.code, answer.message)
    return Outcome(Verdict.SENT, answer.code, words_in(answer.message))


async def _answer(client: SMTP, words: bytes, patience: float) -> SMTPResponse:
    """Say something and return the answer; raise SMTPException for none, TimeoutError for a late one."""
    if client.protocol is None:
        raise SMTPServerDisconnected("not connected")
    client.protocol.write(words)
    async with asyncio.timeout(patience):
        return await client.protocol.read_response()


async def _refused(client: SMTP, code: int, message: str) -> Outcome:
    """Return what an answer of the server means, and make the connection ready for the next mail."""
    verdict = Verdict.LATER if 400 <= code < 500 else Verdict.REFUSED
    if code == 421:  # it hangs up
        client.close()
    else:
        try:
            await client.rset()
        except (SMTPException, OSError, TimeoutError):
            client.close()
    return Outcome(verdict, code, words_in(message))


def _not_reached(error: Exception) -> Outcome:
    """Return what a connection that did not come about means: a matter of the settings or the moment, of no mail."""
    code = error.code if isinstance(error, SMTPResponseException) else 0
    said = words_in(error.message) if isinstance(error, SMTPException) else (str(error) or type(error).__name__)
    log.warning(
        "mail_server_unreachable",
        code=code,
        error=type(error).__name__,
        login=isinstance(error, SMTPAuthenticationError),
    )
    return Outcome(Verdict.LATER, code, said)


async def _leave(client: SMTP) -> None:
    try:
        await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        client.close()
