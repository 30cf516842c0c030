"""Pages: templates, what surrounds every page, messages carried over a redirect, and errors as pages.

Templates come from `ui/templates` and, under an app's name, from `templates/<name>` of its package.
"""

import importlib.resources
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from importlib.resources.abc import Traversable
from urllib.parse import parse_qsl, urlencode, urlsplit

from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from holdfast.kernel.clock import Clock, system_clock
from holdfast.kernel.crypto import Keys, decode, encode, mac, same
from holdfast.kernel.errors import HoldfastError, StepUpRequired, Unauthenticated
from holdfast.kernel.pages import wording
from holdfast.kernel.pages.assets import Assets
from holdfast.kernel.pages.forms import csrf_token, read_pairs
from holdfast.kernel.plugins import App, MenuItem
from holdfast.kernel.work import Work

START = "/console"
SIGN_IN = "/console/sign-in"
CONFIRM = "/console/account/confirm"
THEMES = ("system", "light", "dark")
THEME_COOKIE = "theme"
FLASH_LIFE = timedelta(minutes=1)
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_PARTIAL_HEADERS = "HX-Request, HX-Target"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a page tells of who is signed in: the organisation's name, the person's, and a line below it."""

    organization: str | None = None
    user: str | None = None
    user_detail: str | None = None


Describe = Callable[[Work], Surroundings]


class Address:
    """Where a page is, and how links to variations of it are made."""

    __slots__ = ("_pairs", "path")

    def __init__(self, path: str, query: str) -> None:
        self.path = path
        self._pairs = dict(parse_qsl(query, keep_blank_values=False, max_num_fields=100)) if len(query) < 8192 else {}

    def get(self, name: str) -> str | None:
        """Return a query parameter."""
        return self._pairs.get(name)

    def with_(self, **changes: object) -> str:
        """Return the address with parameters changed, or left out where None."""
        pairs = {**self._pairs, **changes}
        query = urlencode({name: value for name, value in pairs.items() if value is not None})
        return f"{self.path}?{query}" if query else self.path


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the navigation as a page shows it."""

    title: str
    path: str
    icon: str
    current: bool
    exact: bool
    count: int


@dataclass(frozen=True, slots=True)
class Shell:
    """What every template may use under the name `shell`."""

    app_name: str
    theme: str
    here: str
    url: Address
    organization: str | None = None
    user: str | None = None
    user_detail: str | None = None
    csrf: str | None = None
    menu: tuple[Entry, ...] = ()
    unread: int = 0
    flash: Mapping[str, str] | None = None


class Pages:
    """What makes pages in one process; `main` puts it at `app.state.pages`."""

    def __init__(
        self,
        apps: Sequence[App],
        keys: Keys,
        *,
        app_name: str = "Holdfast",
        describe: Describe | None = None,
        secure: bool = False,
        reload: bool = False,
        clock: Clock = system_clock,
    ) -> None:
        ui = importlib.resources.files("holdfast") / "ui"
        roots = {app.name: importlib.resources.files(app.package) for app in apps}
        static = {name: root / "static" for name, root in roots.items() if (root / "static").is_dir()}
        self.assets = Assets({"": ui / "static", **static})
        self.environment = _environment(ui, roots, self.assets, reload=reload)
        items = [(app.name, item) for app in apps for item in app.menu]
        self.menu = tuple(sorted(items, key=lambda entry: (entry[1].order, entry[1].title)))
        self.app_name = app_name
        self.describe = describe
        self.secure = secure
        self.keys = keys
        self.clock = clock

    @property
    def flash_cookie(self) -> str:
        """Return the name of the cookie that carries a message over a redirect."""
        return "__Host-flash" if self.secure else "flash"

    def shell(self, request: Request, work: Work | None) -> Shell:
        """Return what surrounds a page for this caller."""
        path = request.scope["path"]
        query = request.scope.get("query_string", b"").decode("latin-1")
        theme = request.cookies.get(THEME_COOKIE, "")
        around = self.describe(work) if work is not None and self.describe is not None else Surroundings()
        session_id = work.actor.session_id if work is not None else None
        off: frozenset[str] = getattr(request.state, "switched_off", frozenset())
        unread: int = getattr(request.state, "unread", 0)
        shown = [item for app, item in self.menu if work is not None and app not in off and _visible(item, work)]
        return Shell(
            app_name=self.app_name,
            theme=theme if theme in THEMES else "system",
            here=local_path(f"{path}?{query}" if query else path),
            url=Address(path, query),
            organization=around.organization,
            user=around.user,
            user_detail=around.user_detail,
            csrf=csrf_token(session_id, self.keys.csrf) if session_id is not None else None,
            menu=tuple(_entry(item, path, unread if item.unread else 0) for item in shown),
            unread=unread,
            flash=self._read_flash(request),
        )

    def answer(self, error: HoldfastError, request: Request) -> Response | None:
        """Return an error as a page, None where the caller is a program; uses neither database nor session.

        Whoever is not signed in, or has to confirm that it is them, is sent to do so and afterwards back to where they
        were.
        """
        path = request.scope["path"]
        if not (path == START or path.startswith(f"{START}/") or _prefers_pages(request)):
            return None
        if isinstance(error, Unauthenticated) and path != SIGN_IN:
            # The page of the form rather than where it is sent: not every such address can be opened.
            back = _back(request) or self.shell(request, None).here
            sent = RedirectResponse(f"{SIGN_IN}?{urlencode({'next': back})}", 303)
            if request.method not in {"GET", "HEAD"}:
                self.write_flash(sent, "Your session has ended. Sign in again to go on.", "info")
            return sent
        if isinstance(error, StepUpRequired):
            back = _back(request) or self.shell(request, None).here
            return RedirectResponse(f"{CONFIRM}?{urlencode({'next': back})}", 303)
        work = getattr(request.state, "work", None) if error.status < 500 else None
        shown = {
            "status": error.status,
            "request_id": request.scope.get("state", {}).get("request_id"),
            "back": _back(request),
            "said": error.detail if error.status < 500 and error.detail != error.title else None,
        }
        title, text, retry = wording.error(error.status)
        words = {"title": title, "text": text, "retry": retry and request.method in {"GET", "HEAD"}}
        shell = self.shell(request, work)
        body = self.environment.get_template("error.html").render(shell=shell, error=shown, words=words)
        headers = {"Cache-Control": "no-store"} | {
            name: value for name, value in error.headers.items() if name.lower() in {"retry-after", "allow"}
        }
        return Response(body, error.status, headers=headers, media_type="text/html")

    def write_flash(self, response: Response, text: str, kind: str) -> None:
        """Let the next page show a message: `kind` is good, warn, bad or info."""
        message = json.dumps([int(self.clock().timestamp()), kind, text], separators=(",", ":")).encode()
        value = f"{encode(message)}.{encode(mac(self.keys.flash, message))}"
        life = int(FLASH_LIFE.total_seconds())
        response.set_cookie(
            self.flash_cookie, value, max_age=life, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def _read_flash(self, request: Request) -> Mapping[str, str] | None:
        message_text, _, mac_text = request.cookies.get(self.flash_cookie, "").partition(".")
        message, given = decode(message_text), decode(mac_text)
        if not message or not given or not same(given, mac(self.keys.flash, message)):
            return None
        made, kind, text = json.loads(message)
        age = self.clock().timestamp() - made
        return {"kind": kind, "text": text} if -5 <= age <= FLASH_LIFE.total_seconds() else None


def pages_of(request: Request) -> Pages:
    """Return this process's `Pages`."""
    found = request.app.state.pages
    assert isinstance(found, Pages)
    return found


def render(
    request: Request, template: str, *, status: int = 200, work: Work | None = None, **context: object
) -> Response:
    """Return a page; where htmx asks to renew one element, only the template's block of that element's id."""
    pages = pages_of(request)
    shell = pages.shell(request, work)
    found = pages.environment.get_template(template)
    block = _wanted_block(request) if status < 400 else None
    part = found.blocks.get(block) if block is not None else None
    values = {"shell": shell, **context}
    body = found.render(values) if part is None else "".join(part(found.new_context(values)))
    response = Response(body, status, headers={"Vary": _PARTIAL_HEADERS}, media_type="text/html")
    if part is None and pages.flash_cookie in request.cookies:
        response.delete_cookie(pages.flash_cookie, path="/", secure=pages.secure, httponly=True, samesite="lax")
    return response


def redirect(request: Request, url: str, *, flash: str | None = None, kind: str = "good") -> Response:
    """Return the answer to a form that was accepted: go to `url` (303), where a message may be shown."""
    response = RedirectResponse(url, HTTPStatus.SEE_OTHER)
    if flash is not None:
        pages_of(request).write_flash(response, flash, kind)
    return response


def local_path(text: str | None, default: str = START) -> str:
    """Return an address of our own that was given as `next`, or `default` for anything that could lead elsewhere."""
    if not text or len(text) > 2000 or not text.startswith("/") or text.startswith("//"):
        return default
    if "\\" in text or any(ord(character) <= 32 or ord(character) == 127 for character in text):
        return default
    try:
        parts = urlsplit(text)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else text


async def switch_theme(request: Request) -> Response:
    """Remember whether pages are light, dark or as the system says (form fields `theme`, `next`), and go back."""
    fields = dict(await read_pairs(request))
    theme = fields.get("theme", "")
    response = redirect(request, local_path(fields.get("next")))
    if theme in THEMES:
        secure = pages_of(request).secure
        year = 365 * 24 * 3600 if theme != "system" else 0
        # Not HttpOnly: where there are scripts, app.js writes it.
        response.set_cookie(THEME_COOKIE, theme, max_age=year, path="/", secure=secure, samesite="lax")
    return response


def docs_page(request: Request, tool: str, **urls: str) -> Response:
    """Return the page of an API tool, `swagger` or `redoc`, under a policy that lets it make styles."""
    pages = pages_of(request)
    body = pages.environment.get_template(f"api_{tool}.html").render(app_name=pages.app_name, **urls)
    return Response(body, headers={"Content-Security-Policy": DOCS_POLICY}, media_type="text/html")


def _environment(ui: Traversable, roots: Mapping[str, Traversable], assets: Assets, *, reload: bool) -> Environment:
    apps: dict[str, BaseLoader] = {}
    for name, root in roots.items():
        folder = root / "templates" / name
        if folder.is_dir():
            apps[name] = FileSystemLoader(str(folder))
    environment = Environment(
        loader=ChoiceLoader([PrefixLoader(apps), FileSystemLoader(str(ui / "templates"))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=reload,
        cache_size=1000,
    )
    environment.filters.update(wording.FILTERS)
    environment.globals["static_url"] = assets.url
    return environment


def _visible(item: MenuItem, work: Work) -> bool:
    return item.permission is None or work.actor.may(item.permission)


def _entry(item: MenuItem, path: str, count: int) -> Entry:
    exact = path.rstrip("/") == item.path
    below = item.path != START and path.startswith(f"{item.path}/")
    return Entry(item.title, item.path, item.icon, current=exact or below, exact=exact, count=count)


def _wanted_block(request: Request) -> str | None:
    """Return the id of the one element that htmx asks for (htmx 4 sends `tag#id`)."""
    if request.headers.get("hx-request") != "true":
        return None
    return request.headers.get("hx-target", "").rpartition("#")[2] or None


def _back(request: Request) -> str | None:
    """Return the page of ours on which a form was sent, for a link back to it."""
    came, ours = request.headers.get("referer", ""), f"{request.url.scheme}://{request.headers.get('host', '')}/"
    sent = request.method not in {"GET", "HEAD"}
    return local_path(came.removeprefix(ours[:-1])) if sent and came.startswith(ours) else None


def _prefers_pages(request: Request) -> bool:
    """Tell whether a browser asks for a page outside the console; the API answers with problems always."""
    return "text/html" in request.headers.get("accept", "") and not request.scope["path"].startswith("/api/")
