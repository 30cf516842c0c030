"""Access tokens for a mail server that takes no password: OAuth2 client credentials (RFC 6749, 4.4)."""

import asyncio
import time

import httpx

from holdfast.kernel.errors import ConfigurationError

MARGIN = 60.0  # seconds before its end from which a token is not used any more


class ClientCredentials:
    """Asks for a token and keeps it until shortly before its end."""

    def __init__(self, *, address: str, client_id: str, secret: str, scope: str, timeout: float = 30.0) -> None:
        self._address = address
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        if scope:
            self._form["scope"] = scope
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._token, self._until = "", 0.0

    async def __call__(self) -> str:
        """Return a token; raise OSError where none is given."""
        async with self._lock:
            if time.monotonic() < self._until:
                return self._token
            async with httpx.AsyncClient(timeout=self._timeout, follow_redirects=False) as client:
                try:
                    answer = await client.post(self._address, data=self._form)
                    found = answer.raise_for_status().json()
                    self._token = str(found["access_token"])
                    self._until = time.monotonic() + float(found.get("expires_in", 0)) - MARGIN
                except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                    raise OSError(f"no token from {httpx.URL(self._address).host}: {type(error).__name__}") from error
            return self._token


def credentials_of(address: str, client_id: str, secret: str, scope: str) -> ClientCredentials | None:
    """Return what asks for tokens, None where no address is given; raise ConfigurationError for half of it."""
    if not address:
        return None
    if not (client_id and secret):
        raise ConfigurationError(
            "SMTP_OAUTH_TOKEN_URL needs SMTP_OAUTH_CLIENT_ID and SMTP_OAUTH_CLIENT_SECRET beside it."
        )
    return ClientCredentials(address=address, client_id=client_id, secret=secret, scope=scope)
