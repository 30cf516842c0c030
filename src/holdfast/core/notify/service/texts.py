"""The texts of messages: those that come with the apps, and how any of them is rendered.

A text is a file of the app's package, `templates/messages/<message>.<locale>.txt`: a line `Subject: …`, a blank one,
the text (Jinja2, sandboxed). Beside it may stand an `.html` for the mail's other part.
"""

import importlib.resources
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources.abc import Traversable
from string import Formatter
from urllib.parse import quote

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.plugins import App, Message

FALLBACK = "en"
LONGEST_SUBJECT = 200
# What every message is told, whoever tells it.
ALWAYS = ("name", "app", "organization", "at", "ip", "user_agent")
PLAIN = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
HTML = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
for _environment in (PLAIN, HTML):
    _environment.globals.clear()  # no text may use them, and each rendering copies them
_HEAD = re.compile(r"Subject: (\S.*)\n\n")
_FILE = re.compile(r"([a-z][a-z0-9_]*)\.([a-z]{2,3}(?:-[A-Z]{2})?)\.(txt|html)")


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of a message in one language, as they are written."""

    subject: str
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as a person reads it; without `html` its mail gets our layout."""

    subject: str
    text: str
    html: str | None
    locale: str


def names_of(message: Message) -> frozenset[str]:
    """Return the names that texts of a message may use."""
    return frozenset((*message.told, *ALWAYS, *(("link",) if message.link else ())))


def chain_of(*locales: str | None) -> list[str]:
    """Return the languages to try: each locale, then its language (`de-CH`, `de`), and at last English.

    The case of a language tag means nothing (RFC 5646, section 2.1.1).
    """
    wanted = list[str]()
    for locale in filter(None, locales):
        language, dash, region = locale.partition("-")
        wanted += [f"{language.lower()}{dash}{region.upper()}", language.lower()]
    return list(dict.fromkeys((*wanted, FALLBACK)))


def render(wording: Wording, locale: str, values: Mapping[str, str]) -> Rendered:
    """Return a message in words; raise TemplateError for a name that there is not."""
    subject = " ".join(_compiled(wording.subject, as_html=False).render(values).split())
    html = None if wording.html is None else _compiled(wording.html, as_html=True).render(values)
    return Rendered(
        subject[:LONGEST_SUBJECT], _compiled(wording.text, as_html=False).render(values).strip() + "\n", html, locale
    )


def link_of(message: Message, public_url: str, told: Mapping[str, str]) -> str | None:
    """Return the address that a message leads to, None where it leads nowhere."""
    path = path_of(message, told)
    return None if path is None else public_url.rstrip("/") + path


def path_of(message: Message, told: Mapping[str, str]) -> str | None:
    """Return the path of the page that a message leads to; what it is told stands in it as one segment."""
    if message.link is None:
        return None
    return message.link.format_map({name: quote(value, safe="") for name, value in told.items()})


@lru_cache(maxsize=1024)
def _compiled(source: str, *, as_html: bool) -> Template:
    return (HTML if as_html else PLAIN).from_string(source)


class Texts:
    """The messages of the installed apps and the texts that come with them."""

    def __init__(self, messages: Mapping[str, Message], wordings: Mapping[tuple[str, str], Wording]) -> None:
        self.messages = messages
        self.wordings = wordings

    @classmethod
    def load(cls, apps: Iterable[App]) -> "Texts":
        """Return the messages that apps declare, with the texts in their packages.

        Raises ConfigurationError, naming the file, for a text that is absent, cannot be read or uses a name that its
        message is not told.
        """
        messages, wordings = dict[str, Message](), dict[tuple[str, str], Wording]()
        for app in apps:
            for message in app.messages:
                _check(app, message)
                messages[message.name] = message
            wordings |= _wordings(app)
            for message in app.messages:
                if (message.name, FALLBACK) not in wordings:
                    stem = message.name.partition(".")[2]
                    raise ConfigurationError(f"{_folder(app)}/{stem}.{FALLBACK}.txt is absent: the text of a message.")
        return cls(messages, wordings)

    def locales(self, name: str) -> list[str]:
        """Return the languages that a message comes in."""
        return sorted(locale for message, locale in self.wordings if message == name)

    def find(self, name: str, chain: Iterable[str]) -> tuple[str, Wording]:
        """Return the first language of a chain that a message comes in, and its texts."""
        return next((each, self.wordings[name, each]) for each in chain if (name, each) in self.wordings)


def _check(app: App, message: Message) -> None:
    fault = None
    if not re.fullmatch(rf"{app.name}\.[a-z][a-z0-9_]*", message.name) or len(message.name) > 100:
        fault = f"must be called {app.name}.something"
    elif not message.channels:
        fault = "goes no way"
    elif message.secret and (message.channels != ("mail",) or not message.fixed):
        fault = "is secret: fixed, and by mail alone"
    elif set(message.told) & set(ALWAYS) or (message.link is not None and "link" in message.told):
        fault = "is told what every message is told"
    elif message.link is not None and not _is_path(message.link, message.told):
        fault = "leads to no page: a path, with {names} of what it is told"
    if fault:
        raise ConfigurationError(f"The message {message.name} of {app.package} {fault}.")


def _is_path(link: str, told: Iterable[str]) -> bool:
    try:
        names = [name for _, name, _, _ in Formatter().parse(link) if name is not None]
    except ValueError:
        return False
    return link.startswith("/") and not link.startswith("//") and set(names) <= set(told)


def _folder(app: App) -> str:
    return f"{app.package.replace('.', '/')}/templates/messages"


def _wordings(app: App) -> dict[tuple[str, str], Wording]:
    folder, found = importlib.resources.files(app.package) / "templates" / "messages", {}
    messages = {message.name.partition(".")[2]: message for message in app.messages}
    files = {each.name: each for each in _files(folder)}
    for name, file in sorted(files.items()):
        where, matched = f"{_folder(app)}/{name}", _FILE.fullmatch(name)
        if matched is None or matched[1] not in messages:
            raise ConfigurationError(f"{where} belongs to no message of {app.name}.")
        message, locale = messages[matched[1]], matched[2]
        if matched[3] == "html":
            if f"{matched[1]}.{locale}.txt" not in files:
                raise ConfigurationError(f"{where} stands without its .txt.")
            continue
        head = _HEAD.match(text := file.read_text("utf-8"))
        if head is None:
            raise ConfigurationError(f"{where} must begin with a line `Subject: …` and a blank one.")
        beside = files.get(f"{matched[1]}.{locale}.html")
        html = None if beside is None else beside.read_text("utf-8")
        for source, path in ((text, where), (html or "", where.removesuffix("txt") + "html")):
            _check_names(source, path, message)
        found[message.name, locale] = Wording(head[1], text[head.end() :], html)
    return found


def _files(folder: Traversable) -> Iterator[Traversable]:
    return (each for each in folder.iterdir() if each.is_file()) if folder.is_dir() else iter(())


def _check_names(source: str, where: str, message: Message) -> None:
    try:
        unknown = sorted(meta.find_undeclared_variables(PLAIN.parse(source)) - names_of(message))
        _compiled(source, as_html=False)
    except TemplateSyntaxError as error:
        raise ConfigurationError(f"{where}, line {error.lineno}: {error.message}") from error
    except TemplateError as error:
        raise ConfigurationError(f"{where}: {error}") from error
    if unknown:
        raise ConfigurationError(f"{where}: {message.name} is not told {', '.join(unknown)}.")
