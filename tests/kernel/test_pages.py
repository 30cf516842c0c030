"""Pages, forms and static files: what is escaped, what is refused, and what is as it was taken from its package."""

import gzip
import hashlib
import json
import re
import types
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID

import pytest
from jinja2 import UndefinedError
from pydantic import AwareDatetime, BaseModel, Field, SecretStr
from starlette.requests import Request

from holdfast.core.directory.pages.companies import KIND
from holdfast.core.directory.queries import CompanyList
from holdfast.kernel import errors, pages
from holdfast.kernel.crypto import Keys, encode, mac
from holdfast.kernel.pages import Address, Pages, Surroundings, forms, local_path, redirect, render, wording
from holdfast.kernel.pages.forms import Form, FormErrors, check_csrf, csrf_token, form_errors, read_form, read_query
from holdfast.kernel.permissions import Actor
from holdfast.kernel.plugins import App, MenuItem

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/holdfast/ui/static"
SESSION = UUID("0199f1de-7c11-7b2e-8a51-3c7d5e0f9a10")
KEYS = Keys.derive("a secret of the tests, long enough to be one")
NOW = datetime(2026, 11, 21, 11, 38, tzinfo=UTC)


def an_app(name, *menu):
    return App(name=name, title=name, package=f"holdfast.core.{name}", mount=name, pages="", menu=menu)


APPS = (
    an_app("identity"),
    an_app(
        "directory",
        MenuItem("Companies", "/console/companies", "building", order=10),
        MenuItem("Secrets", "/console/secrets", "key", permission="directory.secret.read"),
    ),
    an_app("audit"),
)


@pytest.fixture(scope="module")
def made():
    return Pages(APPS, KEYS, describe=lambda _: Surroundings("Acme <Ltd>", "Ann <b>Bo</b>"), clock=lambda: NOW)


@pytest.fixture
def work():
    permissions = frozenset({"directory.company.read"})
    return types.SimpleNamespace(actor=Actor("user", session_id=SESSION, permissions=permissions))


def a_request(made=None, *, method="GET", path="/console/companies", query="", body=b"", **headers):
    if isinstance(body, dict | list):
        body = urlencode(body).encode()
        headers.setdefault("content_type", forms.MEDIA_TYPE)
    headers.setdefault("host", "holdfast.test")
    app = types.SimpleNamespace(state=types.SimpleNamespace(pages=made))
    scope = {
        "type": "http",
        "method": method,
        "scheme": "https",
        "server": ("holdfast.test", 443),
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "app": app,
        "state": {"request_id": "req-12345678"},
    }

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


def text_of(response):
    return response.body.decode()


COMPANY = {
    "id": str(SESSION), "code": "N-1", "name": "<script>alert(1)</script>", "legal_name": None, "registration_number": None,
    "country": "GB", "city": "Leeds", "status": "active", "version": 3, "created_at": NOW, "updated_at": NOW, "deleted_at": None,
}  # fmt: skip
META = {"page": 1, "page_size": 50, "total": 1, "next_cursor": None}
LIST = {
    "kind": KIND,
    "rows": [COMPANY],
    "meta": META,
    "params": CompanyList(q='"><img src=x>'),
    "names": {},
    "sort": "name",
    "may": {"create": True, "change": True, "delete": True, "restore": True, "trace": True},
}


# ── render ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_stands_in_its_shell(made, work):
    page = text_of(render(a_request(made), "directory/companies.html", work=work, **LIST))
    assert page.startswith("<!doctype html>")
    assert '<a href="/console/companies" aria-current="page">' in page
    assert f'name="csrf_token" value="{csrf_token(SESSION, KEYS.csrf)}"' in page
    assert "Skip to content" in page


def test_what_people_typed_is_escaped(made, work):
    page = text_of(render(a_request(made), "directory/companies.html", work=work, **LIST))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<img src=x>" not in page
    assert "Acme &lt;Ltd&gt;" in page
    assert "<b>Bo</b>" not in page


def test_no_page_needs_inline_script_or_style(made, work):
    for page in (
        text_of(render(a_request(made), "directory/companies.html", work=work, **LIST)),
        text_of(
            render(a_request(made), "identity/sign_in.html", form=Form.of(), ask_organization=False, next="/", demo=[])
        ),
    ):
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert "<style" not in page
        assert not re.search(r"""\s(on\w+|style|hx-on[^=]*)=["']""", page)
        assert "javascript:" not in page


def test_every_template_can_be_read(made):
    names = made.environment.list_templates()
    assert "base.html" in names
    assert "directory/companies.html" in names
    for name in names:
        made.environment.get_template(name)


def test_a_forgotten_value_is_an_error(made, work):
    with pytest.raises(UndefinedError):
        render(a_request(made), "directory/companies.html", work=work, **{**LIST, "may": {}})


def test_the_menu_shows_only_what_the_caller_may_use(made, work):
    assert [item.title for item in made.shell(a_request(made), work).menu] == ["Companies"]
    may = types.SimpleNamespace(actor=Actor("user", permissions=frozenset({"directory.secret.read"})))
    assert [item.title for item in made.shell(a_request(made), may).menu] == ["Companies", "Secrets"]
    assert made.shell(a_request(made), None).menu == ()


def test_htmx_gets_only_the_block_it_asks_for(made, work):
    asked = a_request(made, hx_request="true", hx_target="section#results")
    response = render(asked, "directory/companies.html", work=work, **LIST)
    part = text_of(response)
    assert "<!doctype" not in part
    assert part.lstrip().startswith('<section id="results"')
    assert "HX-Request" in response.headers["vary"]
    for headers in (
        {"hx_request": "true"},
        {"hx_target": "section#results"},
        {"hx_request": "true", "hx_target": "p#no"},
    ):
        assert "<!doctype" in text_of(render(a_request(made, **headers), "directory/companies.html", work=work, **LIST))


def test_sort_links_turn_round_and_forget_the_page(made, work):
    asked = a_request(made, query="q=clinic&page=3&sort=name")
    page = text_of(render(asked, "directory/companies.html", work=work, **LIST))
    assert 'aria-sort="ascending"' in page
    assert 'href="/console/companies?q=clinic&amp;sort=-name"' in page


def test_the_pager_counts(made, work):
    long = {**LIST, "meta": {**META, "page": 2, "total": 12_345}}
    page = text_of(render(a_request(made, query="page=2"), "directory/companies.html", work=work, **long))
    assert "51–51 of 12\N{NARROW NO-BREAK SPACE}345 companies" in page
    assert 'rel="prev"' in page
    assert 'href="/console/companies?page=3"' in page


def test_the_theme_comes_from_the_cookie_and_only_known_ones(made):
    def theme(cookie):
        shown = render(
            a_request(made, cookie=cookie),
            "identity/sign_in.html",
            form=Form.of(),
            ask_organization=False,
            next="/",
            demo=[],
        )
        return re.search(r"<html[^>]*>", text_of(shown))[0]

    assert 'data-theme="dark"' in theme("theme=dark")
    assert "data-theme" not in theme("theme=pink")


async def test_the_theme_is_switched_by_a_plain_form(made):
    request = a_request(made, method="POST", body={"theme": "dark", "next": "//evil.example"})
    response = await pages.switch_theme(request)
    assert response.status_code == 303
    assert response.headers["location"] == "/console"
    assert response.headers["set-cookie"].startswith("theme=dark; ")
    unknown = await pages.switch_theme(a_request(made, method="POST", body={"theme": "pink"}))
    assert "set-cookie" not in unknown.headers


ENTRY = {
    "id": str(SESSION), "recorded_at": NOW, "occurred_at": NOW, "actor_id": str(SESSION), "actor_label": "Ann", "on_behalf_of": None,
    "action": "directory.company.updated", "category": "data", "severity": "info", "outcome": "success", "entity_type": "company",
    "entity_id": str(SESSION), "entity_label": "Acme", "ip": "203.0.113.24", "user_agent": "curl", "request_id": "req-12345678",
    "session_id": None, "title": "Company changed", "tone": "good", "on_behalf_label": None, "entity_kind": "Company",
    "entity_url": "/console/companies/1", "reason": None, "method": None, "path": None,
}  # fmt: skip
REFUSED = {
    **ENTRY,
    "actor_id": None,
    "actor_label": "Nobody signed in",
    "entity_type": None,
    "entity_kind": None,
    "on_behalf_of": str(SESSION),
    "on_behalf_label": "Bob",
}
SHOWN = {"before": {"City": "York"}, "after": {"City": "Leeds"}, "detail": {}, "first_entry": None, "destroyed": []}
NOTHING = {**SHOWN, "before": {}, "after": {}}
CHOICES = {"category": ["data"], "severity": ["info"], "outcome": ["success", "refused"]}
CURSOR = {"page": None, "page_size": 50, "total": None, "next_cursor": "abc"}
MAY_NOT = dict.fromkeys(LIST["may"], False)
GONE = {**COMPANY, "deleted_at": NOW}
NOW_SAYS = {name: COMPANY[name] for name in KIND.labels}
FORM = {
    "kind": KIND,
    "record": COMPANY,
    "name": "Acme",
    "version": 3,
    "form": Form.of(COMPANY),
    "now": NOW_SAYS,
    "yours": None,
    "refused": None,
    "held": [("People", "/console/people?company_id=1", 12_345)],
    "may": LIST["may"],
}
QUESTION = {
    "kind": KIND,
    "record": COMPANY,
    "name": "Acme",
    "hindrance": None,
    "held": [],
    "seen": None,
    "refused": None,
    "now": {"version": 3, "city": "Leeds"},
}
STATES = [
    ("directory/companies.html", {**LIST, "rows": [], "params": CompanyList()}, "No companies yet"),
    ("directory/companies.html", {**LIST, "rows": []}, "No company fits"),
    ("directory/companies.html", {**LIST, "rows": [], "params": CompanyList(deleted=True)}, "Nothing is deleted"),
    ("directory/companies.html", {**LIST, "rows": [GONE], "params": CompanyList(deleted=True)}, "Restore<span"),
    ("directory/company_form.html", FORM, "Save changes"),
    ("directory/company_form.html", FORM, "12\N{NARROW NO-BREAK SPACE}345"),
    ("directory/company_form.html", {**FORM, "record": None, "name": None, "form": Form.of()}, "Create company"),
    ("directory/company_form.html", {**FORM, "may": MAY_NOT}, "Registration number"),
    ("directory/company_form.html", {**FORM, "record": GONE}, "Restore this company"),
    ("directory/company_form.html", {**FORM, "record": GONE, "refused": "Another has N-1."}, "It was not restored."),
    ("directory/delete.html", QUESTION, "Delete this company"),
    ("directory/delete.html", {**QUESTION, "held": [("people", 2)]}, 'name="cascade" value="true" required'),
    ("directory/delete.html", {**QUESTION, "hindrance": "2 people are led by the person."}, "cannot be deleted"),
    ("directory/delete.html", {**QUESTION, "seen": {"city": "York"}}, "<del>York</del>"),
    (
        "audit/entries.html",
        {"entries": [ENTRY, REFUSED], "meta": CURSOR, "form": Form(), "choices": CHOICES},
        "cursor=abc",
    ),
    (
        "audit/entries.html",
        {"entries": [], "meta": {**CURSOR, "next_cursor": None}, "form": Form(), "choices": CHOICES},
        "Nothing has happened yet",
    ),
    (
        "audit/entries.html",
        {"entries": [], "meta": CURSOR, "form": Form({"ip": "::1"}), "choices": CHOICES},
        "No entry fits",
    ),
    (
        "audit/entries.html",
        {"entries": [], "meta": CURSOR, "form": Form({"ip": "x"}, {"ip": "IP address is not one"}), "choices": CHOICES},
        'aria-describedby="filter-ip-fault"',
    ),
    ("audit/entry.html", {"entry": ENTRY, "shown": SHOWN}, "<del>York</del>"),
    ("audit/entry.html", {"entry": REFUSED, "shown": NOTHING}, "No record was changed"),
    ("audit/entry.html", {"entry": ENTRY, "shown": {**NOTHING, "destroyed": ["the details"]}}, "were destroyed:"),
]


@pytest.mark.parametrize(("template", "context", "said"), STATES)
def test_every_page_has_its_states(made, work, template, context, said):
    asked = context["params"].model_dump(exclude_unset=True) if "params" in context else {}
    query = urlencode({name: value for name, value in asked.items() if value})
    assert said in text_of(render(a_request(made, query=query), template, work=work, **context))


def test_the_start_page(work):
    whole = Pages((*APPS, an_app("console")), KEYS, describe=lambda _: Surroundings("Acme", "Ann"))
    context = {"given_name": "Ann", "counts": [{"label": "Companies", "count": 1200, "url": "/console/companies"}]}
    event = {"title": "Company changed", "url": "/console/audit/1", "by": "Ann", "at": NOW, "kind": "good"}
    shown = [
        text_of(render(a_request(whole), "console/home.html", work=work, recent=each, **context))
        for each in ([event], [], None)
    ]
    assert "Company changed" in shown[0]
    assert "Nothing has happened yet" in shown[1]
    assert "Recent activity" not in shown[2]


def test_demo_sign_ins_are_shown_only_where_there_are_some(made):
    context = {"form": Form.of(), "ask_organization": False, "next": "/console"}
    demo = [{"label": "Viewer", "name": "viewer@techstart.com", "password": "password123"}]
    assert "viewer@techstart.com" in text_of(render(a_request(made), "identity/sign_in.html", demo=demo, **context))
    assert "demonstration" not in text_of(render(a_request(made), "identity/sign_in.html", demo=[], **context))


# ── forms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Fields(BaseModel):
    model_config = {"extra": "forbid"}

    name: str = Field(max_length=5)
    size: int | None = None
    secret: SecretStr | None = Field(None, max_length=3)
    password: str | None = None
    legal_name: str | None = Field(None, pattern="^[a-z]+$", examples=["acme"])
    tags: list[str] = []


def post(body, **headers):
    return a_request(method="POST", body=body, **headers)


async def test_a_good_form_becomes_its_schema():
    got = await read_form(
        post([("name", "Ann"), ("size", ""), ("tags", "a"), ("tags", "b"), ("csrf_token", "x")]), Fields
    )
    assert got == Fields(name="Ann", tags=["a", "b"])


async def test_faults_are_told_by_field_and_values_are_kept_but_no_secret():
    sent = {"name": "Anneliese", "size": "many", "legal_name": "UPPER", "secret": "hunter2", "password": "hunter2"}
    got = await read_form(post(sent), Fields, labels={"size": "How many"})
    assert isinstance(got, FormErrors)
    assert got.wrong
    assert got.fault("name") == "Name must have 5 characters or fewer"
    assert got.fault("size") == "How many must be a whole number"
    assert got.fault("legal_name") == "Legal name is not in the right form, such as acme"
    assert got.fault("tags") is None
    assert got.value("name") == "Anneliese"
    assert "hunter2" not in repr(got)
    assert ("name", "Name must have 5 characters or fewer") in got.summary


async def test_a_blank_required_field_is_required():
    got = await read_form(post({"name": "   "}), Fields)
    assert isinstance(got, FormErrors)
    assert got.summary == [("name", "Name is required")]


async def test_an_unknown_field_is_refused():
    got = await read_form(post({"name": "Ann", "is_admin": "1"}), Fields)
    assert isinstance(got, FormErrors)
    assert got.general == ("The form has a field that is not known here",)
    assert "is_admin" not in got.values


@pytest.mark.parametrize(
    ("body", "headers", "kind"),
    [
        (b"name=%FF", {}, errors.BadRequest),
        (b"name=%ED%A0%80", {}, errors.BadRequest),
        (b"name=a%00b", {}, errors.BadRequest),
        (b"name=a&name=b", {}, errors.BadRequest),
        ("name=é".encode(), {}, errors.BadRequest),
        (b"&".join(b"f%d=1" % n for n in range(501)), {}, errors.BadRequest),
        (b"name=" + b"a" * forms.MAX_BYTES, {}, errors.ContentTooLarge),
        (b'{"name":"a"}', {"content_type": "application/json"}, errors.UnsupportedMediaType),
        (b"name=a", {"content_type": "multipart/form-data; boundary=x"}, errors.UnsupportedMediaType),
    ],
)
async def test_what_no_form_of_ours_sends_is_refused(body, headers, kind):
    headers = {"content_type": forms.MEDIA_TYPE, **headers}
    with pytest.raises(kind):
        await read_form(post(body, **headers), Fields)


async def test_an_error_of_a_verb_belongs_to_its_field():
    taken = errors.UniqueViolation(errors=[errors.FieldError("body.name", "taken", "name is taken")])
    got = await form_errors(post({"name": "Ann", "password": "hunter2"}), taken, Fields)
    assert got.fault("name") == "Name is taken"
    assert got.values == {"name": "Ann"}
    general = await form_errors(post({"name": "Ann"}), errors.Conflict("People still belong to it."), Fields)
    assert general.general == ("People still belong to it.",)


def test_a_day_in_a_filter_begins_at_midnight():
    class Since(BaseModel):
        since: AwareDatetime | None = None

    for query in ("since=2026-11-21", "since=2026-11-21T00:00:00Z"):
        assert read_query(a_request(query=query), Since).since == datetime(2026, 11, 21, tzinfo=UTC)
    with pytest.raises(errors.Invalid):
        read_query(a_request(query="since=2026-13-45"), Since)


def test_empty_filters_count_as_not_given():
    assert read_query(a_request(query="name=Ann&size="), Fields) == Fields(name="Ann")
    for query in ("name=Ann&size=x", "name=a&name=b", "name=a&nope=1"):
        with pytest.raises(errors.Invalid) as caught:
            read_query(a_request(query=query), Fields)
        assert caught.value.errors[0].location.startswith("query.")


def test_faults_are_shown_beside_their_fields_and_in_the_summary(made, work):
    form = FormErrors({"code": "<b>"}, {"code": "Code is not in the right form"}, ())
    context = {**FORM, "record": None, "name": None, "form": form}
    page = text_of(render(a_request(made), "directory/company_form.html", status=422, work=work, **context))
    assert 'href="#field-code"' in page
    assert 'aria-describedby="field-code-hint field-code-fault" aria-invalid="true"' in page
    assert 'value="&lt;b&gt;"' in page
    assert "<title>Error: New company" in page


def test_a_conflict_shows_both_versions_and_asks_again_with_the_newer_one(made, work):
    form = FormErrors({"name": "Mine", "code": "N-1", "version": "3"})
    yours = {**NOW_SAYS, "name": "Mine"}
    context = {**FORM, "form": form, "version": 4, "now": {**NOW_SAYS, "name": "Theirs"}, "yours": yours}
    page = text_of(render(a_request(made), "directory/company_form.html", status=412, work=work, **context))
    assert "<del>Theirs</del>" in page
    assert "<ins>Mine</ins>" in page
    assert 'name="version" value="4"' in page


# ── CSRF ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

TOKEN = csrf_token(SESSION, KEYS.csrf)
OURS = {"origin": "https://holdfast.test"}


async def checked(session_id=SESSION, public_url="", body=None, **headers):
    await check_csrf(
        post({"a": "b"} if body is None else body, **headers),
        session_id=session_id,
        key=KEYS.csrf,
        public_url=public_url,
    )


def test_the_token_depends_on_session_and_key():
    assert encode(mac(KEYS.csrf, SESSION.bytes)) == TOKEN
    assert csrf_token(UUID(int=1), KEYS.csrf) != TOKEN
    assert csrf_token(SESSION, KEYS.flash) != TOKEN


@pytest.mark.parametrize(
    "how",
    [
        {"body": {"csrf_token": TOKEN}, **OURS},
        {"x_csrf_token": TOKEN, **OURS},
        {"x_csrf_token": TOKEN, "origin": "https://holdfast.test:443"},
        {"x_csrf_token": TOKEN, "origin": "https://holdfast.test", "sec_fetch_site": "same-origin"},
        {"x_csrf_token": TOKEN, "sec_fetch_site": "same-origin"},
        {"x_csrf_token": TOKEN, "sec_fetch_site": "none"},
        {"x_csrf_token": TOKEN, "referer": "https://holdfast.test/console?x=1"},
        {"x_csrf_token": TOKEN, "origin": "https://public.example", "public_url": "https://public.example/"},
        {"session_id": None, **OURS},
    ],
)
async def test_a_form_of_ours_passes(how):
    await checked(**how)


@pytest.mark.parametrize(
    "how",
    [
        {**OURS},
        {"x_csrf_token": "", **OURS},
        {"x_csrf_token": TOKEN[:-1], **OURS},
        {"x_csrf_token": csrf_token(UUID(int=1), KEYS.csrf), **OURS},
        {"body": {"csrf_token": "ä"}, **OURS},
        {"x_csrf_token": TOKEN},
        {"x_csrf_token": TOKEN, "origin": "null"},
        {"x_csrf_token": TOKEN, "origin": "https://evil.example"},
        {"x_csrf_token": TOKEN, "origin": "http://holdfast.test"},
        {"x_csrf_token": TOKEN, "origin": "http://holdfast.test:443"},
        {"x_csrf_token": TOKEN, "origin": "https://holdfast.test:8443"},
        {"x_csrf_token": TOKEN, "origin": "https://holdfast.test.evil.example"},
        {"x_csrf_token": TOKEN, "origin": "https://holdfast.test:x"},
        {"x_csrf_token": TOKEN, "origin": "https://holdfast.test", "sec_fetch_site": "cross-site"},
        {"x_csrf_token": TOKEN, "sec_fetch_site": "same-site"},
        {"x_csrf_token": TOKEN, "referer": "https://evil.example/https://holdfast.test"},
        {"x_csrf_token": TOKEN, "public_url": "https://public.example", **OURS},
        {"session_id": None},
        {"session_id": None, "origin": "https://evil.example"},
    ],
)
async def test_a_form_from_elsewhere_is_refused(how):
    with pytest.raises(errors.Forbidden):
        await checked(**how)


def parts(*fields):
    """Return a body of several parts and its content type."""
    told = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    return "".join([*told, "--b--\r\n"]).encode(), "multipart/form-data; boundary=b"


async def test_a_form_with_a_file_carries_the_token_too():
    body, kind = parts(("file", "x"), ("csrf_token", TOKEN))
    await check_csrf(post(body, content_type=kind, **OURS), session_id=SESSION, key=KEYS.csrf)
    for fields in ((("file", "x"),), (("csrf_token", "x"),), (("csrf_token", ""),)):
        body, kind = parts(*fields)
        with pytest.raises(errors.Forbidden):
            await check_csrf(post(body, content_type=kind, **OURS), session_id=SESSION, key=KEYS.csrf)


async def test_the_body_can_still_be_read_after_the_check():
    request = post({"name": "Ann", "csrf_token": TOKEN}, **OURS)
    await check_csrf(request, session_id=SESSION, key=KEYS.csrf)
    assert await read_form(request, Fields) == Fields(name="Ann")


# ── next, messages, errors ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("good", ["/console", "/console/companies?q=a%20b&page=2#top", "/"])
def test_next_may_be_a_local_path(good):
    assert local_path(good) == good


@pytest.mark.parametrize(
    "bad",
    [None, "", "console", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "https://evil.example",
     "javascript:alert(1)", "/a\nb", "/a\tb", " /console", "/\t/evil.example", "/a b", "/" + "a" * 2000],
)  # fmt: skip
def test_next_leads_nowhere_else(bad):
    assert local_path(bad) == "/console"


def carried(response):
    return response.headers["set-cookie"].partition(";")[0]


def test_a_message_is_shown_once_after_the_redirect(made, work):
    answer = redirect(a_request(made), "/console/companies", flash="<b>Saved</b>")
    assert answer.status_code == 303
    assert "HttpOnly" in answer.headers["set-cookie"]
    shown = render(a_request(made, cookie=carried(answer)), "directory/companies.html", work=work, **LIST)
    assert "&lt;b&gt;Saved&lt;/b&gt;" in text_of(shown)
    assert 'flash=""; expires=' in shown.headers["set-cookie"]
    assert "set-cookie" not in render(a_request(made), "directory/companies.html", work=work, **LIST).headers


def test_a_message_of_somebody_else_or_an_old_one_is_not_shown(made):
    cookie = carried(redirect(a_request(made), "/console", flash="Saved"))
    name, _, value = cookie.partition("=")
    message, _, tag = value.partition(".")
    assert made.shell(a_request(made, cookie=cookie), None).flash == {"kind": "good", "text": "Saved"}
    for wrong in (
        f"{message}.",
        message,
        f".{tag}",
        f"{message}.{tag[:-1]}",
        "é.é",
        f"{encode(b'[]')}.{encode(mac(KEYS.csrf, b'[]'))}",
    ):
        assert made.shell(a_request(made, cookie=f"{name}={wrong}"), None).flash is None
    later = Pages(APPS, KEYS, clock=lambda: NOW + timedelta(minutes=2))
    assert later.shell(a_request(later, cookie=cookie), None).flash is None


@pytest.mark.parametrize("kind", [errors.Forbidden, errors.NotFound, errors.Conflict, errors.PreconditionFailed, errors.Invalid, errors.RateLimited, errors.HoldfastError, errors.Unavailable])  # fmt: skip
def test_errors_are_pages_in_the_console(made, kind):
    response = made.answer(kind(), a_request())  # no app, no state, no session: as far out as an error can be answered
    assert response.status_code == kind.status
    page = text_of(response)
    assert f"Error {kind.status}" in page
    assert "req-12345678" in page
    assert wording.error(kind.status)[0] in page


def test_an_error_leads_back_to_the_page_of_the_form(made):
    def led(referer):
        asked = a_request(method="POST", path="/console/companies/1/restore", referer=referer)
        return re.search(
            r'href="([^"]*)">Open the page again', text_of(made.answer(errors.PreconditionFailed(), asked))
        )

    assert led("https://holdfast.test/console/companies/1?a=b")[1] == "/console/companies/1?a=b"
    assert led("https://evil.example/console") is None
    assert led("https://holdfast.test//evil.example/")[1] == "/console"


def test_an_error_keeps_the_headers_that_tell_when_to_come_back(made):
    assert made.answer(errors.Unavailable(retry_after=7), a_request()).headers["retry-after"] == "7"


def test_a_fault_of_ours_tells_nothing(made):
    assert "secret detail" not in text_of(made.answer(errors.HoldfastError("secret detail"), a_request()))
    assert "&lt;i&gt;" in text_of(made.answer(errors.Conflict("<i>"), a_request()))


def test_programs_get_no_pages(made):
    assert made.answer(errors.NotFound(), a_request(path="/api/v1/x", accept="text/html")) is None
    assert made.answer(errors.NotFound(), a_request(path="/x", accept="application/json")) is None
    assert made.answer(errors.NotFound(), a_request(path="/consoles")) is None
    assert made.answer(errors.NotFound(), a_request(path="/x", accept="text/html,*/*")) is not None


def test_whoever_is_not_signed_in_is_sent_there_and_back(made):
    response = made.answer(errors.Unauthenticated(), a_request(query="q=a&page=2"))
    assert response.status_code == 303
    assert response.headers["location"] == "/console/sign-in?next=%2Fconsole%2Fcompanies%3Fq%3Da%26page%3D2"
    assert "set-cookie" not in response.headers
    assert made.answer(errors.Unauthenticated(), a_request(path="/console/sign-in")).status_code == 401


def test_whoever_sends_a_form_too_late_is_told_and_led_back_to_it(made):
    def led(path, **headers):
        posted = made.answer(errors.Unauthenticated(), a_request(method="POST", path=path, **headers))
        told = made.shell(a_request(made, cookie=carried(posted)), None).flash
        assert told == {"kind": "info", "text": "Your session has ended. Sign in again to go on."}
        return posted.headers["location"]

    new = "/console/companies/new"
    assert led(new) == "/console/sign-in?next=%2Fconsole%2Fcompanies%2Fnew"
    shown = {"referer": "https://holdfast.test/console/companies/1"}
    assert led("/console/companies/1/restore", **shown) == "/console/sign-in?next=%2Fconsole%2Fcompanies%2F1"
    assert led(new, referer="https://evil.example/x") == "/console/sign-in?next=%2Fconsole%2Fcompanies%2Fnew"
    assert led(new, referer="https://holdfast.test//evil.example") == "/console/sign-in?next=%2Fconsole"


def test_addresses_change_only_what_they_are_told():
    here = Address("/console/x", "q=a+b&page=2&status=")
    assert here.with_(page=None) == "/console/x?q=a+b"
    assert here.with_(sort="-name", page=3) == "/console/x?q=a+b&page=3&sort=-name"
    assert Address("/x", "").with_(page=None) == "/x"


# ── wording ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_differences_between_before_and_after():
    assert wording.changes({"a": 1, "b": "x", "c": None}, {"a": 2, "b": "x", "d": True}) == [
        ("a", "1", "2"),
        ("d", None, "Yes"),
    ]
    assert wording.changes(None, {"tags": ["a"]}) == [("tags", None, '[\n  "a"\n]')]
    assert wording.changes({"a": 1, "b": 2}, {"a": 3, "b": 4}, ["b"]) == [("b", "2", "4")]


def test_values_in_words():
    assert wording.moment("2026-11-21T12:38:00.123456+01:00") == "21 Nov 2026, 11:38 UTC"
    assert wording.moment(NOW, seconds=True) == "21 Nov 2026, 11:38:00 UTC"
    assert wording.iso(NOW) == "2026-11-21T11:38:00.000000Z"
    assert wording.words("registration_number") == "Registration number"
    assert wording.action("directory.company.updated") == "Company updated"
    assert [wording.initials(name) for name in ("Ann Mary Bo", "ann", "")] == ["AB", "A", ""]
    assert wording.number(48_210) == "48\N{NARROW NO-BREAK SPACE}210"


# ── static files ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("folder", [STATIC / "vendor", ROOT / "tests/browser/vendor"], ids=["console", "tests"])
def test_vendored_files_are_what_their_packages_held(folder):
    base = STATIC if folder.parent == STATIC else folder
    listed = json.loads((folder / "manifest.json").read_text())
    for each in listed:
        body = (base / each["file"]).read_bytes()
        body = gzip.decompress(body) if each["file"].endswith(".gz") else body
        if "replaced" in each:
            here, there = each["replaced"]["here"].encode(), each["replaced"]["there"].encode()
            assert body.count(here) == 1
            assert there not in body
            body = body.replace(here, there)
        assert hashlib.sha256(body).hexdigest() == each["sha256"], each["file"]
        assert (base / each["file"]).with_name("LICENSE").is_file()
    there = {
        str(path.relative_to(base)) for path in folder.rglob("*") if path.suffix in {".js", ".css", ".gz", ".woff2"}
    }
    there |= {str(path.relative_to(base)) for path in (base / "fonts").glob("*.woff2")}
    assert there == {each["file"] for each in listed}


def test_static_addresses_name_their_content_and_are_kept(made):
    url = made.assets.url("css/base.css")
    assert re.fullmatch(r"/static/[0-9a-f]{12}/css/base\.css", url)
    response = made.assets.respond(a_request(), made.assets.version, "css/base.css")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    assert response.body == (STATIC / "css/base.css").read_bytes()
    older = made.assets.respond(a_request(), "0123456789ab", "css/base.css")
    assert older.headers["cache-control"] == "no-cache"


def test_packed_files_are_unpacked_for_those_who_cannot(made):
    name = "vendor/redoc/redoc.standalone.js"
    packed = made.assets.respond(a_request(accept_encoding="gzip, br"), made.assets.version, name)
    plain = made.assets.respond(a_request(), made.assets.version, name)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.parametrize(
    "path", ["css/none.css", "../base.html", "vendor/manifest.json", "vendor/htmx/LICENSE", "", "css"]
)
def test_nothing_else_is_served(made, path):
    with pytest.raises(errors.NotFound):
        made.assets.respond(a_request(), made.assets.version, path)


def test_a_page_that_names_no_file_cannot_be_made(made):
    with pytest.raises(errors.ConfigurationError):
        made.assets.url("css/none.css")


def test_what_style_sheets_name_is_there(made):
    for path in (STATIC / "css").glob("*.css"):
        for name in re.findall(r'url\("\.\./([^"]+)"\)', path.read_text()):
            made.assets.url(name)


def test_the_api_pages_have_a_policy_of_their_own_and_nothing_from_elsewhere(made):
    for tool, urls in (("swagger", {"redoc_url": "/api/redoc"}), ("redoc", {"swagger_url": "/api/docs"})):
        response = pages.docs_page(a_request(made), tool, description_url="/api/openapi.json", **urls)
        page = text_of(response)
        assert 'data-description="/api/openapi.json"' in page
        assert "http" not in page.replace("/static/", "")
        assert "script-src 'self';" in response.headers["content-security-policy"]
        assert "unsafe-eval" not in response.headers["content-security-policy"]
