"""Texts of messages: what stops the start, and what an organisation may write."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.core.notify.service.sending import inlined
from holdfast.core.notify.service.texts import Texts, Wording, chain_of, names_of, render
from holdfast.core.notify.service.writing import check
from holdfast.kernel.errors import ConfigurationError, Invalid
from holdfast.kernel.plugins import App, Message, installed_apps, ordered

pytestmark = pytest.mark.unit
DUE = Message("lend.due", "Due", told=("title",), link="/console/lend/{title}")
GOOD = "Subject: {{ title }}\n\nHello {{ name }}, at {{ organization }}: {{ link }}\n"


def app_with(tmp_path: Path, files: dict[str, str], *messages: Message) -> App:
    """Return an app whose package has these texts."""
    package = tmp_path / "lend_of_a_test"
    folder = package / "templates" / "messages"
    folder.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for name, text in files.items():
        (folder / name).write_text(text)
    return App(name="lend", title="Lend", package="lend_of_a_test", mount="lend", messages=messages or (DUE,))


@pytest.fixture(autouse=True)
def _importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("lend_of_a_test", None)


def test_all_of_ours_come_in_english_and_german() -> None:
    texts = Texts.load(installed_apps())
    assert len(texts.messages) >= 9
    assert all(texts.locales(name) == ["de", "en"] for name in texts.messages)


def test_a_text_with_its_page_is_read(tmp_path: Path) -> None:
    page = "<p>{{ title }}</p>"
    texts = Texts.load([app_with(tmp_path, {"due.en.txt": GOOD, "due.de-CH.txt": GOOD, "due.en.html": page})])
    assert texts.locales("lend.due") == ["de-CH", "en"]
    assert texts.find("lend.due", chain_of("de-CH"))[0] == "de-CH"
    assert texts.find("lend.due", chain_of("de"))[1].html == page


@pytest.mark.parametrize(
    ("locales", "chain"),
    [
        ((None, None), ["en"]),
        (("de", None), ["de", "en"]),
        (("de-CH", "fr-CH"), ["de-CH", "de", "fr-CH", "fr", "en"]),
        (("DE-ch", "de"), ["de-CH", "de", "en"]),
        (("en-GB", "de"), ["en-GB", "en", "de"]),
    ],
)
def test_languages_are_tried_in_the_order_in_which_they_were_chosen(
    locales: tuple[str | None, ...], chain: list[str]
) -> None:
    assert chain_of(*locales) == chain


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize(
    "message", ["password_changed", "mfa_changed", "api_key_created", "email_changed", "new_sign_in"]
)
def test_where_it_came_from_is_told_where_that_is_known(message: str, locale: str) -> None:
    texts = Texts.load(installed_apps())
    found, wording = f"identity.{message}", texts.wordings[f"identity.{message}", locale]
    values = dict.fromkeys(names_of(texts.messages[found]), "x")
    known = render(wording, locale, {**values, "ip": "192.0.2.7", "user_agent": "Firefox"}).text
    assert "192.0.2.7" in known
    assert ("Firefox" in known) is (message == "new_sign_in")
    unknown = render(wording, locale, {**values, "ip": "-", "user_agent": "-"}).text
    fault = re.search(r" -|- | ,| \.|,\.|  |\baus\b|\b(from|with|mit)\b", unknown.partition("\n\n")[2])
    assert fault is None, unknown


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, r"templates/messages/due\.en\.txt is absent"),
        ({"due.de.txt": GOOD}, r"due\.en\.txt is absent"),
        ({"due.en.txt": GOOD, "lost.en.txt": GOOD}, r"lost\.en\.txt belongs to no message"),
        ({"due.en.txt": GOOD, "due.de.html": "x"}, r"due\.de\.html stands without"),
        ({"due.en.txt": "Hello"}, r"due\.en\.txt must begin with a line `Subject"),
        ({"due.en.txt": GOOD + "{{ secret }}"}, r"due\.en\.txt: lend\.due is not told secret"),
        ({"due.en.txt": GOOD, "due.en.html": "{{ secret }}"}, r"due\.en\.html: lend\.due is not told secret"),
        ({"due.en.txt": GOOD + "\n{% if %}"}, r"due\.en\.txt, line \d"),
        ({"due.en.txt": GOOD + "{{ title | nothing }}"}, r"due\.en\.txt.*nothing"),
    ],
)
def test_a_fault_stops_the_start_and_names_the_file(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Texts.load([app_with(tmp_path, files)])


@pytest.mark.parametrize(
    "message",
    [
        replace(DUE, name="other.due"),
        replace(DUE, channels=()),
        replace(DUE, secret=True),
        replace(DUE, told=("title", "name")),
        replace(DUE, told=("title", "link")),
        replace(DUE, link="//elsewhere.test"),
        replace(DUE, link="/console/{other}"),
    ],
)
def test_a_declaration_that_cannot_hold_stops_the_start(tmp_path: Path, message: Message) -> None:
    with pytest.raises(ConfigurationError, match="The message"):
        Texts.load([app_with(tmp_path, {"due.en.txt": GOOD}, message)])


def test_two_apps_do_not_share_a_message() -> None:
    apps = [App(name=each, title="x", package="x", mount=each, messages=(DUE,)) for each in ("a", "b")]
    with pytest.raises(ConfigurationError, match=r"share the message lend\.due"):
        ordered(apps)


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("text", "{% for x in title %}a{% endfor %}", "has a loop"),
        ("text", "{{ title.upper() }}", "calls something"),
        ("text", "{{ title.__class__ }}", "reaches into a value"),
        ("text", "{{ title[0] }}", "reaches into a value"),
        ("text", "{% include 'x' %}", "includes something"),
        ("text", "{% macro a() %}{% endmacro %}", "has a macro"),
        ("text", "{% set title = 'x' %}", "has what texts cannot have"),
        ("text", "{{ 9 ** 9 ** 9 }}", "has what texts cannot have"),
        ("text", "{{ title ~ title }}", "has what texts cannot have"),
        ("text", "{{ title | tojson }}", "the filter tojson is not among"),
        ("text", "{{ title | list }}", "the filter list is not among"),
        ("subject", "{{ password }}", "password is not among"),
        ("html", "{{ password }}", "password is not among"),
        ("text", "{{ title", "line 1"),
        ("text", "{% if title %}" * 9 + "{% endif %}" * 9, "nested too deeply"),
        ("text", "(" * 5000 + "{{ " + "(" * 5000, "line 1|nested"),
        ("text", "{{ " + "(" * 4000 + "title" + ")" * 4000 + " }}", "nested too deeply"),
        ("text", "x" * 20_001, "at most 20,000"),
        ("subject", "a\nb", "one line"),
        ("subject", "{% if title == 'never' %}x{% endif %}", "must hold something"),
    ],
)
def test_what_an_organisation_may_not_write_is_refused_naming_the_field(field: str, text: str, said: str) -> None:
    wording = replace(Wording("Due", "Hello", None), **{field: text})
    with pytest.raises(Invalid) as caught:
        check(DUE, wording)
    [fault] = caught.value.errors
    assert fault.location == f"body.{field}"
    assert any(each in fault.message for each in said.split("|")), fault.message


def test_what_an_organisation_may_write_is_rendered_and_pages_are_escaped() -> None:
    wording = Wording(
        "{{ title | upper }}\u2026",
        "{% if ip == '-' and not (title == 'b') %}{{ name | default('you') | title }}{% else %}no{% endif %}",
        "<p>{{ title }}</p>",
    )
    check(DUE, wording)
    values = {"title": "<b>\nTo: x", "name": "ann", "ip": "-"}
    said = render(wording, "en", values)
    assert (said.subject, said.text) == ("<B> TO: X\u2026", "Ann\n")
    assert said.html == "<p>&lt;b&gt;\nTo: x</p>"


def test_styles_of_a_page_stand_on_its_elements() -> None:
    page = inlined("<html><head><style>p { color: red }</style></head><body><p>x</p></body></html>")
    assert '<p style="color: red' in page
    assert "<style" not in page
