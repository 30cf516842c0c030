"""Mail by SendGrid's HTTP API (v3, `POST /mail/send`)."""

from typing import Any

import httpx

from holdfast.core.notify.guards import words_in
from holdfast.core.notify.service.transports import Outcome, Verdict
from holdfast.core.notify.service.transports.messages import Mail, written
from holdfast.kernel.errors import Invalid

PATH = "/v3/mail/send"
EVENT_KEY = "holdfast_key"  # comes back with each event of the mail


class SendGridTransport:
    """Sends over one client, whose connections are used again."""

    def __init__(self, *, address: str, api_key: str, timeout: float = 30.0) -> None:
        self._client = httpx.AsyncClient(
            base_url=address, headers={"Authorization": f"Bearer {api_key}"}, timeout=timeout, follow_redirects=False
        )

    async def send(self, mail: Mail) -> Outcome:
        """Hand over one mail; an error of the way becomes the outcome."""
        try:
            written(mail)  # the same fields are refused as on the other ways
        except Invalid as error:
            return Outcome(Verdict.REFUSED, 0, error.detail)
        try:
            answer = await self._client.post(PATH, json=_body(mail))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Outcome(Verdict.LATER, 0, type(error).__name__)
        except httpx.HTTPError as error:
            return Outcome(Verdict.UNCERTAIN, 0, type(error).__name__)
        return _outcome(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _outcome(answer: httpx.Response) -> Outcome:
    code = answer.status_code
    if code in (200, 202):
        return Outcome(Verdict.SENT, code, answer.headers.get("x-message-id", ""))
    said = words_in(answer.text)
    # 401 and 403 are a matter of the key, 429 of the rate, 5xx of their day: none of the mail.
    later = code in (401, 403, 408, 429) or code >= 500
    return Outcome(Verdict.LATER if later else Verdict.REFUSED, code, said)


def _body(mail: Mail) -> dict[str, Any]:
    content = [{"type": "text/plain", "value": mail.text}]
    if mail.html:
        content.append({"type": "text/html", "value": mail.html})
    body: dict[str, Any] = {
        "personalizations": [{"to": [_person(mail.to, mail.to_name)]}],
        "from": _person(mail.sender, mail.sender_name),
        "subject": mail.subject,
        "custom_args": {EVENT_KEY: mail.key},
        "content": content,
        "headers": {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated", **dict(mail.headers)},
    }
    if mail.reply_to:
        body["reply_to"] = _person(mail.reply_to, "")
    return body


def _person(address: str, name: str) -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}
