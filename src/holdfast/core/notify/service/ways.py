"""The way for mails that the settings name."""

from pathlib import Path
from typing import cast

from holdfast.core.notify.service.transports import Transport
from holdfast.core.notify.service.transports.dkim import Signer
from holdfast.core.notify.service.transports.folders import FolderTransport
from holdfast.core.notify.service.transports.sendgrid import SendGridTransport
from holdfast.core.notify.service.transports.smtp import Server, SmtpTransport
from holdfast.core.notify.service.transports.tokens import credentials_of
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.settings import Settings
from holdfast.kernel.work import Works

FOLDER = "mail"
SLOT = "notify.transport"


def open_transport(settings: Settings) -> Transport:
    """Return the way that the settings name: SMTP, SendGrid, or outside production a folder in HOLDFAST_HOME.

    Raises ConfigurationError for none in production, for two, and for half of one.
    """
    if settings.smtp_host and settings.sendgrid_api_key:
        raise ConfigurationError("SMTP_HOST and SENDGRID_API_KEY: mails leave one way; take one of them away.")
    if not (settings.smtp_host or settings.sendgrid_api_key):
        if settings.environment == "production":
            raise ConfigurationError("SMTP_HOST or SENDGRID_API_KEY is needed to send mails.")
        return FolderTransport(mail_folder(settings))
    if not settings.mail_from:
        raise ConfigurationError("MAIL_FROM is needed to send mails: the address that they come from.")
    if settings.sendgrid_api_key:
        return SendGridTransport(address=settings.sendgrid_url, api_key=settings.sendgrid_api_key)
    token = credentials_of(
        settings.smtp_oauth_token_url,
        settings.smtp_oauth_client_id,
        settings.smtp_oauth_client_secret,
        settings.smtp_oauth_scope,
    )
    server = Server(
        settings.smtp_host,
        settings.smtp_port,
        tls=settings.smtp_tls,
        user=settings.smtp_user,
        password=settings.smtp_password,
        token=token,
        timeout=settings.smtp_timeout_seconds,
    )
    return SmtpTransport(server, connections=settings.smtp_connections, signer=_signer(settings))


def transport_of(works: Works) -> Transport | None:
    """Return this process's way for mails, opened when first asked for; in the demonstration that is a folder.

    None where the settings name no way: what waits can be read by `holdfast notices list`. Raises ConfigurationError
    for half of one.
    """
    settings = works.settings
    if not has_way(settings):
        return None
    found = works.state.setdefault(SLOT, None) or open_transport(settings)
    works.state[SLOT] = found
    return cast("Transport", found)


def has_way(settings: Settings) -> bool:
    """Tell whether mails leave by themselves: the settings name a way, or it is the demonstration."""
    return bool(settings.smtp_host or settings.sendgrid_api_key or settings.demo)


# lint: allow verb – for the composition root
async def close_transport(works: Works) -> None:
    """Close this process's way for mails, where one was opened."""
    found = cast("Transport | None", works.state.pop(SLOT, None))
    if found is not None:
        await found.close()


def mail_folder(settings: Settings) -> Path:
    """Return the folder that mails are written into where no way is named."""
    return settings.holdfast_home / FOLDER


def sender_of(settings: Settings) -> str:
    """Return the address that mails come from; one of no server while they go into a folder."""
    return settings.mail_from or "holdfast@localhost.localdomain"


def _signer(settings: Settings) -> Signer | None:
    given = (settings.dkim_domain, settings.dkim_selector, settings.dkim_key_file)
    if not any(given):
        return None
    if not all(given) or settings.dkim_key_file is None:
        raise ConfigurationError("DKIM_DOMAIN, DKIM_SELECTOR and DKIM_KEY_FILE go together.")
    return Signer.read(settings.dkim_domain, settings.dkim_selector, settings.dkim_key_file)
