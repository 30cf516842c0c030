"""`/dev/mail`: in a demonstration, the mails that were sent, for who has no mailbox at those addresses.

There is no signing in: a demonstration answers on loopback only, and its passwords stand on the sign-in page.
"""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from holdfast.core.notify.public import OpenedMail, find_caught, list_caught, mail_folder
from holdfast.kernel.errors import NotFound
from holdfast.kernel.middleware import CONTENT_SECURITY_POLICY
from holdfast.kernel.pages import render
from holdfast.kernel.settings import Settings

PATH = "/dev/mail"
MOST_LETTERS = 254
_NO_STORE = {"Cache-Control": "no-store"}
# A mail's HTML is shown as by a program for mails: without scripts, forms, or anything from elsewhere. Its links open
# beside it.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_MAIL_BASE = '<base target="_blank">'


def mail_pages(settings: Settings) -> list[Route]:
    """Return the routes of the caught mails; none outside a demonstration."""
    if not settings.demo:
        return []
    folder = mail_folder(settings)

    async def show_list(request: Request) -> Response:
        to = request.query_params.get("q", "").strip()[:MOST_LETTERS]
        mails = await asyncio.to_thread(list_caught, folder, to=to)
        return _page(request, "notify/caught.html", mails=mails, to=to, here=PATH)

    async def show_mail(request: Request) -> Response:
        opened = await _find(folder, request)
        where = f"{PATH}/{quote(opened.mail.name)}"
        return _page(request, "notify/caught_mail.html", opened=opened, here=PATH, where=where)

    async def show_html(request: Request) -> Response:
        opened = await _find(folder, request)
        if not opened.html:
            raise NotFound
        headers = {"Content-Security-Policy": _MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN", **_NO_STORE}
        return Response(_MAIL_BASE + opened.html, headers=headers, media_type="text/html")

    async def download(request: Request) -> Response:
        opened = await _find(folder, request)
        named = f"attachment; filename*=UTF-8''{quote(opened.mail.name)}"
        return Response(opened.raw, headers={"Content-Disposition": named, **_NO_STORE}, media_type="message/rfc822")

    pages = {"": show_list, "/{name}": show_mail, "/{name}/html": show_html, "/{name}/raw": download}
    return [Route(f"{PATH}{path}", page, methods=["GET"], include_in_schema=False) for path, page in pages.items()]


async def _find(folder: Path, request: Request) -> OpenedMail:
    found = await asyncio.to_thread(find_caught, folder, request.path_params["name"])
    if found is None:
        raise NotFound
    return found


def _page(request: Request, template: str, **shown: Any) -> Response:
    response = render(request, template, **shown)
    response.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
    response.headers.update(_NO_STORE)
    return response
